"""What a machine of a cluster needs is checked before a frame is searched there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from batch_samples import write_stack

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.results.unfinished_folder import frames_folder
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import FrameTask, Settings
from napari_stem_defects.jobs.cluster_frame import detect_on_cluster, lost_frame
from napari_stem_defects.jobs.executors import HERE, FrameExecutor


class TaskTaken(Exception):
    """Ends a batch whose first task is of interest."""


@pytest.fixture
def task(settings: Settings, tmp_path: Path) -> FrameTask:
    """Return the first task of a batch, whose folder is begun."""
    taken: list[FrameTask] = []

    def take(task: FrameTask, report: object) -> object:
        taken.append(task)
        raise TaskTaken

    movie = write_stack(tmp_path / "movie.tif", 3, 96, 96)
    with pytest.raises(TaskTaken):
        list(detect_files([movie], settings, workers=FrameExecutor(take, 0)))  # type: ignore[arg-type]
    return taken[0]


def fault_of(task: FrameTask) -> str:
    """Return the message of a frame that cannot be searched."""
    with pytest.raises(InputError) as caught:
        detect_on_cluster(task, patience_s=0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_frame_is_searched_once(task: FrameTask) -> None:
    stored = frames_folder(task.folder.path, task.folder.fingerprint) / "frame_00000.npz"
    detect_on_cluster(task)
    first = stored.stat().st_mtime_ns
    detect_on_cluster(task)
    assert stored.stat().st_mtime_ns == first


def test_a_task_does_not_carry_the_other_frames(task: FrameTask) -> None:
    assert task.folder.frames == (0,)
    assert task.of == 3


def test_a_folder_that_the_machine_does_not_see_is_one_line(
    task: FrameTask, tmp_path: Path
) -> None:
    elsewhere = replace(task, folder=replace(task.folder, path=tmp_path / "own disk" / "movie"))
    message = fault_of(elsewhere)
    assert message.startswith("movie: is not the folder of the results on ")
    assert message.endswith("give all machines the same folders")
    assert not (tmp_path / "own disk").exists()


def test_a_missing_image_is_one_line(task: FrameTask) -> None:
    task.image.path.unlink()
    message = fault_of(task)
    assert message.startswith("movie.tif: is missing on ")
    assert message.endswith("give all machines the same folders")


def test_a_missing_model_is_one_line(task: FrameTask, tmp_path: Path) -> None:
    choice = replace(task.choice, model=tmp_path / "mine.safetensors")
    message = fault_of(replace(task, choice=choice))
    assert message.startswith("mine.safetensors: is missing on ")
    assert message.endswith("name a file in a folder that all machines have by --model")


def test_another_model_of_the_same_name_is_refused(task: FrameTask) -> None:
    message = fault_of(replace(task, model_sha256="0" * 64))
    assert "is another model on" in message
    assert message.endswith("give all machines the same file")


def test_a_frame_whose_machines_were_lost_is_one_line(task: FrameTask) -> None:
    message = str(lost_frame(task, 4))
    assert message.startswith("movie.tif: 4 workers were lost while they searched frame 0; ")


def test_a_batch_here_goes_on_where_the_cluster_stopped(
    task: FrameTask, settings: Settings
) -> None:
    detect_on_cluster(task)
    searched: list[int] = []

    def submit(task: FrameTask, report: object) -> object:
        searched.append(task.frame)
        return HERE.submit(task, report)  # type: ignore[arg-type]

    workers = FrameExecutor(submit, 0)  # type: ignore[arg-type]
    (outcome,) = detect_files([task.image.path], settings, workers=workers)
    assert outcome.fault == ""
    assert searched == [1, 2]
