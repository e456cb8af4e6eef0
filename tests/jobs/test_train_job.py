from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from learning_samples import write_striped_folder

from napari_stem_defects.api.train import (
    checkpoint_folder,
    evaluate,
    train,
)
from napari_stem_defects.base.progress import Cancelled, EpochProgress, Progress, silent
from napari_stem_defects.errors import InputError, InUseError, ModelError, OutputError
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.models.report_folder import report_folder
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.jobs.train_job import train_model
from napari_stem_defects.jobs.training_summary import ModelSavedProgress
from napari_stem_defects.training.recipes import RecipeName, TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPORT = {"report.json", "report.md", "report.png", "predictions.csv"}
QUICK = TrainingOptions(name="striped", epochs={"Bulk": 1, "SF1": 1}, splits=("random",))

pytestmark = pytest.mark.usefixtures("short_pretraining")


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return write_striped_folder(tmp_path / "patches")


def test_training_leaves_a_model_and_its_report(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "striped.safetensors"
    trained = train([patches], out, QUICK, device="cpu")
    ensemble = load_model(out)
    assert ensemble.spec.name == "striped"
    assert ensemble.sha256 == trained.ensemble.sha256
    assert {path.name for path in report_folder(out).iterdir()} == REPORT
    reported = json.loads((report_folder(out) / "report.json").read_text(encoding="utf-8"))
    assert reported["weights_sha256"] == ensemble.sha256
    assert reported["split"] == "random"
    assert "memory" in reported["meaning"]


def test_the_same_seed_writes_the_same_file(patches: Path, tmp_path: Path) -> None:
    outs = [tmp_path / name / "striped.safetensors" for name in "ab"]
    for out in outs:
        train([patches], out, QUICK, device="cpu")
    first, second = (out.read_bytes() for out in outs)
    assert first == second


def test_a_model_is_measured_on_other_data(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "striped.safetensors"
    train([patches], out, QUICK, device="cpu")
    (patches / "SF1_7.tif").rename(patches / "Twin_Bound_7.tif")
    measured = evaluate(out, [patches], tmp_path / "measured", device="cpu")
    assert {path.name for path in (tmp_path / "measured").iterdir()} == REPORT
    assert measured.evaluations[0].metrics.rows == ("Bulk", "SF1", "Twin_Bound")
    assert measured.evaluations[0].metrics.windows == 16


def test_without_a_target_nothing_is_written(patches: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    assert train([str(patches)], options=QUICK, device="cpu").evaluations
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("panel", [False, True])
def test_two_trainings_into_one_file_exclude_each_other(
    patches: Path, tmp_path: Path, panel: bool
) -> None:
    out = tmp_path / "striped.safetensors"
    out.write_bytes(b"an earlier model")
    before = set(tmp_path.rglob("*"))

    def start() -> None:
        if panel:
            train_model([patches], out, QUICK, keep=True, device="cpu", report=silent)
        else:
            train([patches], out, QUICK, device="cpu")

    with WriteLock(out, "training", "file"):
        held = set(tmp_path.rglob("*"))
        line = r"^striped.safetensors: another training writes here since 20.*choose another file$"
        with pytest.raises(InUseError, match=line):
            start()
        assert set(tmp_path.rglob("*")) == held
    assert out.read_bytes() == b"an earlier model"
    assert set(tmp_path.rglob("*")) == before
    start()
    assert load_model(out).spec.name == "striped"
    assert not list(tmp_path.glob(".striped*"))


@pytest.mark.parametrize("stage", ["reading", "augmenting", "training", "testing"])
def test_a_cancelled_training_leaves_what_was_there(
    patches: Path, tmp_path: Path, stage: str
) -> None:
    out = tmp_path / "striped.safetensors"
    out.write_bytes(b"an earlier model")
    before = set(tmp_path.rglob("*"))

    def cancel(step: Progress) -> None:
        if step.stage.startswith(stage):
            raise Cancelled

    with pytest.raises(Cancelled):
        train([patches], out, QUICK, device="cpu", report=cancel)
    assert set(tmp_path.rglob("*")) == before
    assert out.read_bytes() == b"an earlier model"


class Cancel:
    """A report that is cancelled from some step on, as a worker's is."""

    def __init__(self, when: Callable[[Progress], bool]) -> None:
        self._when = when
        self.cancelled = False
        self.saving: list[str] = []

    def __call__(self, step: Progress) -> None:
        self.cancelled = self.cancelled or self._when(step)
        if step.saving:
            self.saving.append(step.stage)
        elif self.cancelled:
            raise Cancelled


def at_epoch(name: str, epoch: int) -> Callable[[Progress], bool]:
    return lambda step: (
        isinstance(step, EpochProgress) and (step.class_name, step.epoch) == (name, epoch)
    )


LONG = TrainingOptions(
    name="striped", epochs={"Bulk": 2, "SF1": 5}, splits=("random",), recipe="abstract"
)


@pytest.mark.parametrize(
    ("recipe", "cancelled_at", "classes", "note"),
    [
        ("abstract", ("SF1", 3), ("Bulk", "SF1"), "of 5"),
        ("abstract", ("Bulk", 1), ("Bulk",), "left out, not begun: SF1"),
        ("suited", ("", 4), ("Bulk", "SF1"), "Bulk, SF1 from the shared pretraining at epoch"),
        ("suited", ("Bulk", 2), ("Bulk", "SF1"), "; SF1 from the shared pretraining at epoch"),
    ],
)
def test_a_cancel_keeps_the_best_so_far(
    patches: Path,
    tmp_path: Path,
    recipe: RecipeName,
    cancelled_at: tuple[str, int],
    classes: tuple[str, ...],
    note: str,
) -> None:
    out, choices = tmp_path / "striped.safetensors", replace(LONG, recipe=recipe)
    cancel = Cancel(at_epoch(*cancelled_at))
    kept = train_model([patches], out, choices, keep=True, device="cpu", report=cancel)
    assert cancel.saving == ["saving the best so far"]
    ensemble = load_model(out)
    assert ensemble.spec.classes == classes
    assert note in kept.stopped
    assert kept.stopped in out.with_suffix(".md").read_text(encoding="utf-8")
    assert kept.stopped in (report_folder(out) / "report.md").read_text(encoding="utf-8")
    assert list(kept.evaluations[0]["classes"]) == list(classes)
    assert not checkpoint_folder(out).exists()


def test_the_best_epoch_is_kept_not_the_last(patches: Path, tmp_path: Path) -> None:
    """The model is the one that a training of just so many epochs would have had then."""
    out, losses = tmp_path / "striped.safetensors", []

    def watch(step: Progress) -> None:
        if isinstance(step, EpochProgress) and step.class_name == "SF1":
            losses.append(step.validation_loss)
        if len(losses) == 4 and not step.saving:
            raise Cancelled

    train_model([patches], out, LONG, keep=True, device="cpu", report=watch)
    stopped = load_model(out).spec.training["stopped"]["epochs"]["SF1"]
    assert stopped == [{"epoch": 1 + losses.index(min(losses)), "of": 5, "common_start": False}]


def test_a_cancel_between_epochs_is_heard(
    patches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs may be long: the report is repeated within them, and can end the run there."""
    many = replace(LONG, epochs={"Bulk": 1, "SF1": 1000})
    reported: list[Progress] = []

    def watch(step: Progress) -> None:
        if step.stage == "training Bulk" and not isinstance(step, EpochProgress):
            reported.append(step)
        if reported and not step.saving:
            raise Cancelled

    monkeypatch.setattr("napari_stem_defects.training.pipeline.REPEAT_PROGRESS_S", 0.0)
    out = tmp_path / "striped.safetensors"
    kept = train_model([patches], out, many, keep=True, device="cpu", report=watch)
    assert "left out, not begun: SF1" in kept.stopped
    assert len(reported) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_nothing_is_kept_before_the_first_epoch_or_unasked(
    patches: Path, tmp_path: Path, keep: bool
) -> None:
    out = tmp_path / "striped.safetensors"
    when = (lambda step: step.stage == "training") if keep else at_epoch("Bulk", 1)
    with pytest.raises(Cancelled):
        train_model([patches], out, LONG, keep=keep, device="cpu", report=Cancel(when))
    assert not out.exists()
    assert not checkpoint_folder(out).exists()


def test_only_the_epochs_of_the_model_itself_are_reported(patches: Path, tmp_path: Path) -> None:
    """Trainings on further splits report their stages; the saved model comes between."""
    out, steps = tmp_path / "striped.safetensors", []
    options = replace(LONG, epochs={"Bulk": 1, "SF1": 2}, splits=("random", "site"))

    def watch(step: Progress) -> None:
        assert not isinstance(step, ModelSavedProgress) or out.exists()
        steps.append(step)

    summary = train_model([patches], out, options, keep=True, device="cpu", report=watch)
    (saved,) = [n for n, step in enumerate(steps) if isinstance(step, ModelSavedProgress)]
    epochs = [(n, step) for n, step in enumerate(steps) if isinstance(step, EpochProgress)]
    assert [(step.class_name, step.epoch) for _, step in epochs] == [
        ("Bulk", 1),
        ("SF1", 1),
        ("SF1", 2),
    ]
    assert all(n < saved and step.total == steps[saved].total for n, step in epochs)
    assert all(step.stage.startswith("beside it: ") for step in steps[saved + 1 :])
    assert {type(step) for step in steps[saved + 1 :]} == {Progress}
    assert steps[saved].summary.path == out
    assert steps[saved].summary.evaluations == summary.evaluations[:1]


def test_a_target_that_cannot_be_is_refused_before_any_work(patches: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    with pytest.raises(ModelError, match="safetensors"):
        train([patches], tmp_path / "model.pt", QUICK, report=steps.append)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        train([patches], tmp_path / "taken" / "m.safetensors", QUICK, report=steps.append)
    assert steps == []


def test_a_device_that_is_not_there_is_one_line(patches: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mps"):
        train([patches], tmp_path / "m.safetensors", QUICK, device="mps")
