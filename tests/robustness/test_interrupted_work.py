"""Cancelled and killed work: it ends at once, leaves nobody behind and loses nothing finished."""

from __future__ import annotations

import queue
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import tifffile
from learning_samples import write_striped_folder
from small_model import write_small_model

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models.library import ModelEntry
from napari_stem_defects.io.models.model_file import load_model, read_spec
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import RESULT_FILES, write_results
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.registry import (
    DETECT,
    LOAD_TORCH,
    TRAIN,
    DetectArguments,
    LoadTorchArguments,
    TrainArguments,
)
from napari_stem_defects.napari_plugin.panels.detect.view_model import (
    DetectRequest,
    DetectViewModel,
)
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.workers.client import Ticket, Worker
from napari_stem_defects.workers.messages import (
    Finished,
    Job,
    JobEvent,
    Listener,
    Progressed,
    Stopped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_stem_defects.detection.frame_result import FrameResult

LONG = [pytest.mark.long, pytest.mark.timeout(900)]
MOVIE = np.random.default_rng(0).normal(100, 10, (40, 160, 160)).astype(np.float32)
# Kills and the frames of the movie they fall into.
KILLS = [(1, 4), pytest.param(20, 40, marks=LONG)]


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    made.run(LOAD_TORCH.job(LoadTorchArguments(), subject="torch"))
    yield made
    made.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_small_model(tmp_path / "small.safetensors")


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return write_striped_folder(tmp_path / "patches", each=12)


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def helpers() -> set[int]:
    """Return the processes that this one and its own have started."""
    alive = psutil.Process().children(recursive=True)
    return {each.pid for each in alive if each.status() != psutil.STATUS_ZOMBIE}


@pytest.mark.slow
@pytest.mark.parametrize("cancels", [4, pytest.param(50, marks=LONG)])
def test_cancels_at_random_moments(
    worker: Worker, model: Path, patches: Path, tmp_path: Path, cancels: int
) -> None:
    """Cancel detections and trainings; the earlier model and results stay as they are."""
    chance = random.Random(3)
    kept = tmp_path / "kept"
    frame = FrameInput(MOVIE[0], "movie", pixel_size_nm=0.027, pixel_size_source="file")
    ensemble, (spec, sha256) = load_model(model), read_spec(model)
    found = worker.run(_detection(frame, model))
    write_results(kept, frame.micrograph(), [found.detection()], {"name": "m", "sha256": sha256})
    (kept / "striped.safetensors").write_bytes(model.read_bytes())
    before, others = contents(kept), helpers() - {worker.pid}
    jobs = [
        _detection(FrameInput(np.tile(MOVIE[0], (4, 4)), "movie", pixel_size_nm=0.027), model),
        TRAIN.job(
            TrainArguments(
                sources=(patches,),
                out=kept / "striped.safetensors",
                options=TrainingOptions(name="striped", epochs={"Bulk": 1000, "SF1": 1000}),
                device="cpu",
            ),
            subject="training",
        ),
    ]
    delays = []
    for number in range(cancels):
        delays.append(_cancelled_after(worker, jobs[number % 2], chance.uniform(0, 1.5)))
        assert contents(kept) == before
        assert len(helpers() - others - {worker.pid}) <= 1  # the training's reader may be ending
    worker.close()
    assert helpers() <= others
    assert spec == ensemble.spec
    p95 = float(np.percentile(delays, 95))
    print(f"{cancels} cancels: 95 % within {p95:.2f} s, longest {max(delays):.2f} s")
    assert max(delays) < 4
    assert p95 < (1 if cancels > 10 else 4)


def _detection(frame: FrameInput, model: Path) -> Job[FrameResult]:
    arguments = DetectArguments(frame, 0, model, stride=4, thresholds={}, device="cpu")
    return DETECT.job(arguments, subject=frame.name)


def _cancelled_after(worker: Worker, job: Job[Any], seconds: float) -> float:
    """Cancel a job so many seconds after its first word; return how long it took to end."""
    events: queue.SimpleQueue[JobEvent] = queue.SimpleQueue()
    ticket = worker.submit(job, events.put)
    assert isinstance(events.get(timeout=60), Progressed)
    time.sleep(seconds)
    pressed = time.monotonic()
    ticket.cancel()
    assert ticket.wait(10)
    took = time.monotonic() - pressed
    last = [events.get() for _ in range(events.qsize())][-1]
    assert isinstance(last, Stopped | Finished), last
    return took


class Window:
    """The Detect window's model with a real worker, its events taken on this thread."""

    def __init__(self, worker: Worker, model: Path, frames: int) -> None:
        self._events: queue.SimpleQueue[tuple[Listener, JobEvent]] = queue.SimpleQueue()
        self.worker, self.frames = worker, frames
        self.view_model = DetectViewModel(self._submit)
        spec, _ = read_spec(model)
        self.entry = ModelEntry("small", model, "user", spec)
        self.view_model.use_model(self.entry)

    def _submit(self, job: Job[Any], listener: Listener) -> Ticket:
        return self.worker.submit(job, lambda event: self._events.put((listener, event)))

    def start(self) -> None:
        def take(frame: int) -> FrameInput:
            return FrameInput(MOVIE[frame], "movie", pixel_size_nm=0.027, pixel_size_source="file")

        whole = FrameInput(MOVIE, "movie", pixel_size_nm=0.027, pixel_size_source="file")
        frames = range(self.frames)
        self.view_model.start(
            DetectRequest("movie", take, lambda: whole, frames, self.entry, 4, "cpu")
        )

    def pump(self, seconds: float) -> None:
        """Deliver events for a while, as the event loop of a window does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.view_model.run.busy:
            try:
                listener, event = self._events.get(timeout=0.02)
            except queue.Empty:
                continue
            listener(event)


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "frames"), KILLS)
def test_a_killed_worker_costs_no_finished_frame(
    worker: Worker, model: Path, kills: int, frames: int
) -> None:
    """Kill the worker in the middle of a movie, again and again: it goes on by itself."""
    chance = random.Random(4)
    window, killed, finished = Window(worker, model, frames), 0, set[int]()
    window.start()
    while window.view_model.run.busy and worker.pid is None:
        window.pump(0.05)
    window.pump(0.1)
    while killed < kills and window.view_model.run.busy:
        done, pid = len(window.view_model.results), worker.pid
        if pid is not None and psutil.pid_exists(pid):
            psutil.Process(pid).kill()
            killed += 1
        # The next kill meets another frame, wherever it is.
        while window.view_model.run.busy and len(window.view_model.results) <= done:
            window.pump(0.1)
        window.pump(chance.uniform(0, 0.05))
        assert finished <= set(window.view_model.results)
        finished = set(window.view_model.results)
    window.pump(120)
    assert window.view_model.run.phase == "done", window.view_model.run.message
    assert sorted(window.view_model.results) == list(range(frames))
    undisturbed = Window(worker, model, frames)
    undisturbed.start()
    undisturbed.pump(120)
    for frame, result in undisturbed.view_model.results.items():
        same = window.view_model.results[frame]
        np.testing.assert_array_equal(same.map.probability, result.map.probability)
        np.testing.assert_array_equal(same.numbered, result.numbered)
    print(f"{killed} kills, {frames} frames found, all as without kills")
    assert killed == kills


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "frames"), KILLS)
def test_a_killed_command_goes_on_from_its_finished_frames(
    model: Path, tmp_path: Path, kills: int, frames: int
) -> None:
    stack = tmp_path / "movie.tif"
    tifffile.imwrite(stack, MOVIE[:frames], photometric="minisblack")
    chance, times = random.Random(6), {}
    for _ in range(kills):
        process = subprocess.Popen(_command(stack, tmp_path / "out", model))
        while process.poll() is None and set(_written(tmp_path / "out")) <= set(times):
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.wait()
        assert not (tmp_path / "out" / "movie" / "summary.json").exists()  # killed in the middle
        found = _written(tmp_path / "out")
        assert times.items() <= found.items()  # neither gone nor done again
        times = found
    assert subprocess.run(_command(stack, tmp_path / "out", model)).returncode == 0
    assert main(_words(stack, tmp_path / "whole", model)) == 0
    one, other = (read_results(tmp_path / name / "movie") for name in ("out", "whole"))
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.map.probability, theirs.map.probability)
        np.testing.assert_array_equal(mine.masks, theirs.masks)
    names = {path.name for path in (tmp_path / "out" / "movie").iterdir()}
    assert names - {"frames"} == set(RESULT_FILES)  # pages of frames with defects lie in it
    print(f"{kills} kills, {len(times)} frames were there already, all as without kills")


def _command(stack: Path, out: Path, model: Path) -> list[Any]:
    return [sys.executable, "-m", "napari_stem_defects", *_words(stack, out, model)]


def _words(stack: Path, out: Path, model: Path) -> list[str]:
    where = ["detect", str(stack), "--out", str(out), "--model", str(model)]
    return [*where, "--pixel-size", "0.027", "--stride", "2"]


def _written(out: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_mtime_ns
        for path in out.rglob("frame_*.npz")
        if not path.name.startswith(".")
    }
