"""A training continues from the last finished epoch of an interrupted one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from learning_samples import striped_patches, write_striped_folder

from napari_stem_defects.api.train import checkpoint_folder, train
from napari_stem_defects.base.progress import Cancelled, EpochProgress, Progress
from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.models.checkpoint_store import CheckpointFolder
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.checkpointing import Checkpoint, CheckpointLog
from napari_stem_defects.training.fit import fit
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.training.sampling import plain_samples
from napari_stem_defects.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

TRAINER = Path(__file__).with_name("trainer.py")
SPEC = EnsembleSpec("toy", ("Bulk", "SF1"), architecture=Architecture(channels=(4, 8), hidden=8))
SCHEDULE = Schedule(epochs={"Bulk": 2, "SF1": 3}, pretraining_epochs=2, seeds=(0, 1), batch=8)
STATE = Checkpoint({"a": np.arange(6.0).reshape(2, 3).T, "b": np.array(3)}, {"c": [1, "d"]})


class Kept:
    """A store in memory that counts what it is given."""

    def __init__(self) -> None:
        self.states: dict[str, Checkpoint] = {}

    def load(self, part: str) -> Checkpoint | None:
        return self.states.get(part)

    def save(self, part: str, state: Checkpoint) -> None:
        self.states[part] = Checkpoint(
            {name: array.copy() for name, array in state.arrays.items()}, state.values
        )


class Interrupted(Exception):
    pass


def learn(
    checkpoints: CheckpointLog | None, stop_at: int = 0
) -> tuple[Ensemble, list[dict[str, object]]]:
    """Fit the toy problem; give up when so many epochs of this call are done."""
    reported = 0

    def count(step: Progress) -> None:
        nonlocal reported
        reported += 1
        if reported == stop_at:
            raise Interrupted

    samples = plain_samples(striped_patches(10), SPEC.preprocessing)
    return fit(SPEC, samples, samples, SCHEDULE, report=count, checkpoints=checkpoints)


def test_an_interrupted_training_gives_the_same_bits() -> None:
    whole, history = learn(None)
    store, interruptions = Kept(), 0
    while True:
        try:
            resumed, resumed_history = learn(
                CheckpointLog(store, "site"), stop_at=1 + interruptions % 3
            )
            break
        except Interrupted:
            interruptions += 1
    assert interruptions > 5
    assert resumed_history == history
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array, err_msg=name)


def test_finished_epochs_are_not_trained_again() -> None:
    store = Kept()
    first, history = learn(CheckpointLog(store))
    again, history_again = learn(
        CheckpointLog(store), stop_at=1
    )  # an epoch that is run would end it
    assert history_again == history
    assert all((again.weights[name] == first.weights[name]).all() for name in first.weights)


def test_parts_are_kept_apart() -> None:
    store = Kept()
    learn(CheckpointLog(store, "random"))
    assert CheckpointLog(store, "site").history == []
    assert len(CheckpointLog(store, "random").history) == 14


def test_checkpoints_come_back_as_they_went(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "m.checkpoint", "this training")
    assert folder.load("site") is None
    folder.save("site", STATE)
    found = folder.load("site")
    assert found is not None
    assert found.values == STATE.values
    for name, array in STATE.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert folder.load("random") is None
    assert CheckpointFolder(folder.path, "another training").load("site") is None
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def cut(data: bytes) -> bytes:
    return data[:-3]


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def emptied(data: bytes) -> bytes:
    return b""


def pickled(data: bytes) -> bytes:
    return b"\x80\x04cposix\nsystem\n(S'true'\ntR."


def without_description(data: bytes) -> bytes:
    return data.replace(b"napari_stem_defects_checkpoint", b"napari_stem_defects_checkpoinT")


@pytest.mark.parametrize("spoil", [cut, flipped, emptied, pickled, without_description])
def test_a_damaged_checkpoint_is_none(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    folder = CheckpointFolder(tmp_path / "m.checkpoint", "this training")
    folder.save("site", STATE)
    (file,) = folder.path.iterdir()
    file.write_bytes(spoil(file.read_bytes()))
    assert folder.load("site") is None


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return write_striped_folder(tmp_path / "patches")


# Members from scratch: their epochs are all there are.
CHOICES = TrainingOptions(
    name="striped", epochs={"Bulk": 2, "SF1": 2}, splits=("random",), recipe="abstract"
)


def train_to_epoch(
    patches: Path, out: Path, options: TrainingOptions = CHOICES, stop_at: int = 0
) -> list[int]:
    """Train, fail when so many epochs are done; return which epochs were run."""
    epochs: list[int] = []

    def record(step: Progress) -> None:
        if isinstance(step, EpochProgress):
            epochs.append(step.epoch)
            if len(epochs) == stop_at:
                raise Interrupted

    try:
        train([patches], out, options, device="cpu", report=record)
    except Interrupted:
        pass
    return epochs


def test_the_same_call_goes_on(patches: Path, tmp_path: Path) -> None:
    whole, pieced = tmp_path / "a" / "striped.safetensors", tmp_path / "b" / "striped.safetensors"
    assert train_to_epoch(patches, whole) == [1, 2, 1, 2]
    assert train_to_epoch(patches, pieced, stop_at=3) == [1, 2, 1]
    assert checkpoint_folder(pieced).is_dir()
    assert not pieced.exists()
    assert train_to_epoch(patches, pieced) == [2]
    assert pieced.read_bytes() == whole.read_bytes()
    assert not checkpoint_folder(pieced).exists()


def test_another_call_starts_afresh(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "striped.safetensors"
    train_to_epoch(patches, out, stop_at=3)
    assert train_to_epoch(patches, out, replace(CHOICES, seed=1), stop_at=2) == [1, 2]
    (patches / "SF1_7.tif").unlink()
    assert train_to_epoch(patches, out, replace(CHOICES, seed=1)) == [1, 2, 1, 2]


def test_cancelling_leaves_nothing_to_go_on_from(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "striped.safetensors"

    def cancel(step: Progress) -> None:
        if isinstance(step, EpochProgress) and step.epoch == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        train([patches], out, CHOICES, device="cpu", report=cancel)
    assert not checkpoint_folder(out).exists()


def test_a_disk_too_full_for_a_checkpoint_is_one_line(
    patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "striped.safetensors"
    out.write_bytes(b"an earlier model")
    (tmp_path / "striped.checkpoint").write_bytes(b"in the way")
    with pytest.raises(OutputError, match=r"striped\.checkpoint: is a file, not a") as caught:
        train([patches], out, CHOICES, device="cpu")
    assert "\n" not in str(caught.value)
    assert out.read_bytes() == b"an earlier model"


class Trainer:
    """A training in a process of its own."""

    def __init__(self, patches: Path, out: Path, epochs: int) -> None:
        # Sums depend on how many threads share them.
        threads = str(torch.get_num_threads())
        command = [sys.executable, str(TRAINER), str(patches), str(out), str(epochs), threads]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.lines = [self._output.readline().strip()]

    def kill_after(self, seconds: float) -> list[str]:
        """Kill it after this time in s; return all lines that it printed."""
        time.sleep(seconds)
        self._process.kill()
        printed = self._output.read().splitlines(keepends=True)
        self._output.close()
        self._process.wait()
        return [*self.lines, *(line.strip() for line in printed if line.endswith("\n"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "epochs"),
    [(2, 20), pytest.param(50, 300, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
def test_a_killed_training_loses_at_most_one_epoch(
    patches: Path, tmp_path: Path, kills: int, epochs: int
) -> None:
    """Kill it at random moments; every epoch it reported as kept is there when it goes on."""
    chance = random.Random(5)
    whole = tmp_path / "whole" / "striped.safetensors"
    options = replace(CHOICES, epochs={"Bulk": epochs, "SF1": epochs})
    killed = finished = 0
    reported_epochs: list[tuple[str, int]] = []
    while killed < kills:
        trainer = Trainer(patches, tmp_path / "killed" / "striped.safetensors", epochs)
        lines = trainer.kill_after(chance.uniform(0, 0.4))
        assert lines[0].startswith(("kept", "done")), lines
        reported_epochs += [kept(line) for line in lines if line.startswith("kept")]
        # The next continues after the last reported epoch: none is lost, none trained twice.
        # One may have been kept without a report.
        assert [pair for pair in pairwise(reported_epochs) if not goes_on(*pair)] == []
        if "done" in lines:
            assert reported_epochs[-1][1] >= epochs - 1
            finished += 1
            reported_epochs = []
            (tmp_path / "killed" / "striped.safetensors").unlink()
        else:
            killed += 1
    train([patches], tmp_path / "killed" / "striped.safetensors", options, device="cpu")
    train([patches], whole, options, device="cpu")
    same = whole.read_bytes() == (tmp_path / "killed" / "striped.safetensors").read_bytes()
    assert same  # pytest would compare the bytes for minutes
    print(f"{killed} kills, {finished} trainings finished meanwhile, 0 epochs trained twice")


def kept(line: str) -> tuple[str, int]:
    """Return class and epoch of a line such as ``kept SF1 7``."""
    _, name, epoch = line.split(" ")
    return name, int(epoch)


def goes_on(before: tuple[str, int], after: tuple[str, int]) -> bool:
    """Return whether an epoch follows another, also as the first one of the next network."""
    if before[0] == after[0]:
        return after[1] - before[1] in (1, 2)
    networks = ["", "Bulk", "SF1"]
    return networks.index(after[0]) - networks.index(before[0]) == 1 and after[1] <= 2
