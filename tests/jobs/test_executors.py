"""Frames searched in this process, in several processes and on a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from batch_samples import write_stack

from napari_stem_defects.base.progress import Cancelled, Progress, silent
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.jobs import batch as batch_module
from napari_stem_defects.jobs import executors
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import FrameTask, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.progress import ProgressCallback


def frame_task() -> FrameTask:
    """Return a task that the tests never run for real."""
    return object.__new__(FrameTask)


def test_a_frame_searched_here_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Progress] = []
    monkeypatch.setattr(
        executors, "detect_task", lambda task, report, **_: report(Progress("scanning", 1, 1))
    )
    future = executors.HERE.submit(frame_task(), reported.append)
    assert future.done()
    assert future.result() is None
    assert reported == [Progress("scanning", 1, 1)]


def test_a_fault_of_the_input_is_kept_in_the_future(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(task: FrameTask, report: ProgressCallback, *, alone: bool) -> None:
        raise InputError("a.tif: too small")

    monkeypatch.setattr(executors, "detect_task", refuse)
    future = executors.HERE.submit(frame_task(), silent)
    with pytest.raises(InputError, match=r"a\.tif: too small"):
        future.result()


def test_a_cancellation_here_propagates(monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(task: FrameTask, report: ProgressCallback, *, alone: bool) -> None:
        raise Cancelled

    monkeypatch.setattr(executors, "detect_task", cancel)
    with pytest.raises(Cancelled):
        executors.HERE.submit(frame_task(), silent)


def test_images_are_opened_ahead_to_keep_all_processes_busy() -> None:
    assert executors.HERE.ahead == 0
    with executors.processes(2) as workers:
        assert workers.ahead == 3


def test_threads_find_the_same(settings: Settings, tmp_path: Path) -> None:
    images = [write_stack(tmp_path / "a.tif", 5, 96, 96), write_stack(tmp_path / "b.tif", 96, 96)]
    list(detect_files(images, settings))
    elsewhere = replace(settings, out=tmp_path / "elsewhere")
    shares: list[int] = []
    before = torch.get_num_threads()
    with executors.threads(3) as workers:
        outcomes = list(
            detect_files(
                images, elsewhere, workers=workers, report=lambda each: shares.append(each.done)
            )
        )
    assert torch.get_num_threads() == before
    assert [outcome.fault for outcome in outcomes] == ["", ""]
    assert shares[-1] == 1000
    for name in "ab":
        here, there = (read_results(out / name) for out in (settings.out, elsewhere.out))
        assert [each.frame for each in there] == [each.frame for each in here]
        for one, other in zip(here, there, strict=True):
            np.testing.assert_allclose(one.map.probability, other.map.probability, atol=1e-5)
            np.testing.assert_array_equal(one.masks, other.masks)


NUMBERS_OF_THREADS = """
import json, os, sys
from pathlib import Path
from napari_stem_defects.jobs import batch_frame, executors
from napari_stem_defects.jobs.batch import detect_files

movie, out, model = map(Path, sys.argv[1:])
executors.usable_cores = lambda: 6
detect, numbers = batch_frame.detect_with, []

def noted(*given, **options):
    import torch

    numbers.append(torch.get_num_threads())
    return detect(*given, **options)

batch_frame.detect_with = noted
assert "torch" not in sys.modules
settings = batch_frame.Settings(out, model, stride=32, pixel_size_nm=0.027, device="cpu")
with executors.threads(2) as workers:
    list(detect_files([movie], settings, workers=workers))
print(json.dumps(numbers))
"""


def test_every_frame_of_a_stack_gets_the_same_number_of_threads(
    settings: Settings, tmp_path: Path
) -> None:
    """The first frames are those that load torch."""
    movie = write_stack(tmp_path / "movie.tif", 4, 96, 96)
    script = [sys.executable, "-c", NUMBERS_OF_THREADS, movie, tmp_path / "out", settings.model]
    printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed.splitlines()[-1]) == [3] * 4


def test_frames_of_a_stack_are_searched_side_by_side_and_images_alone(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    detect = executors.detect_task

    def noted(
        task: FrameTask,
        report: ProgressCallback,
        threads: int | None = None,
        *,
        alone: bool = False,
    ) -> None:
        name = threading.current_thread().name
        names.append(name)
        assert alone == (not name.startswith("frame"))  # others may use helper processes
        detect(task, report, threads)

    monkeypatch.setattr(executors, "detect_task", noted)
    stack, image = (
        write_stack(tmp_path / "a.tif", 3, 96, 96),
        write_stack(tmp_path / "b.tif", 96, 96),
    )
    with executors.threads(2) as workers:
        list(detect_files([stack], settings, workers=workers))
        assert len(names) == 3
        assert all(name.startswith("frame") for name in names)
        list(detect_files([image], settings, workers=workers))
        monkeypatch.setattr(executors, "_LARGEST_PX", 96 * 96 - 1)
        list(detect_files([stack], replace(settings, stride=16), workers=workers))
    assert names[3:] == [threading.current_thread().name] * 4


def test_threads_end_early_when_the_batch_is_stopped(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(_: FrameTask, report: ProgressCallback, threads: int) -> None:
        begun.set()
        while True:
            report(Progress("scanning", 0, 1))
            time.sleep(0.01)

    monkeypatch.setattr(executors, "detect_task", endless)
    stack = write_stack(tmp_path / "a.tif", 9, 96, 96)

    def search() -> None:
        with executors.threads(2) as workers:
            batch = detect_files([stack], settings, workers=workers)
            monkeypatch.setattr(batch_module._Batch, "_wait_for", lambda *_: interrupt())
            list(batch)

    def interrupt() -> None:
        assert begun.wait(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search()
    assert not [each for each in threading.enumerate() if each.name.startswith("frame")]


@pytest.mark.slow
def test_processes_find_the_same(settings: Settings, tmp_path: Path) -> None:
    images = [write_stack(tmp_path / "a.tif", 3, 96, 96), write_stack(tmp_path / "b.tif", 96, 96)]
    list(detect_files(images, settings))
    elsewhere = Settings(
        tmp_path / "elsewhere", settings.model, stride=32, pixel_size_nm=0.027, device="cpu"
    )
    with executors.processes(2) as workers:
        list(detect_files(images, elsewhere, workers=workers))
    for name in "ab":
        here, there = (read_results(out / name) for out in (settings.out, elsewhere.out))
        for one, other in zip(here, there, strict=True):
            np.testing.assert_allclose(one.map.probability, other.map.probability, atol=1e-5)
