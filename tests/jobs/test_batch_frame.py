"""One frame of a batch: settings, calibration and repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from batch_samples import write_stack

from napari_stem_defects.base.progress import Progress, silent
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs import batch_frame, executors
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import (
    CalibratedImage,
    FrameTask,
    ImageChoice,
    Settings,
    detect_task,
    read_once,
)

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from napari_stem_defects.base.progress import ProgressCallback


def frame_task(path: Path, settings: Settings) -> FrameTask:
    """Return a task whose results are not written, because detection fails."""
    image, choice = CalibratedImage(path, 0.027, "user"), ImageChoice(settings.model)
    return FrameTask(image, 0, None, settings, choice)  # type: ignore[arg-type]


def test_an_image_is_read_once_for_all_its_frames(tmp_path: Path) -> None:
    image = CalibratedImage(write_stack(tmp_path / "a.tif", 2, 96, 96), 0.05, "lattice")
    first, second = image.read(), image.read()
    assert first.pixels is second.pixels
    assert (first.pixel_size_nm, first.pixel_size_source) == (0.05, "lattice")
    assert read_once(image.path).pixel_size_source != "lattice"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory.")])
def test_too_little_memory_is_one_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(batch_frame, "detect_with", fail)
    image = write_stack(tmp_path / "a.tif", 96, 96)
    with pytest.raises(InputError, match=r"^a\.tif: not enough memory; "):
        detect_task(frame_task(image, settings), silent)


def test_other_errors_propagate(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a programming error")

    monkeypatch.setattr(batch_frame, "detect_with", fail)
    image = write_stack(tmp_path / "a.tif", 96, 96)
    with pytest.raises(RuntimeError, match="a programming error"):
        detect_task(frame_task(image, settings), silent)


def test_a_frame_reports_its_windows(settings: Settings, tmp_path: Path) -> None:
    image = write_stack(tmp_path / "a.tif", 96, 96)
    reported: list[Progress] = []
    list(detect_files([image], settings, report=reported.append))
    assert {progress.stage for progress in reported} == {"detecting"}


def test_a_task_can_be_done_twice(settings: Settings, tmp_path: Path) -> None:
    image = write_stack(tmp_path / "a.tif", 96, 96)
    tasks: list[FrameTask] = []

    def twice(task: FrameTask, report: ProgressCallback) -> Future[None]:
        tasks.append(task)
        detect_task(task)
        return executors.HERE.submit(task, report)

    (outcome,) = detect_files([image], settings, workers=executors.FrameExecutor(twice, ahead=3))
    assert not outcome.fault
    assert len(tasks) == 1
