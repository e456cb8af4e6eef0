"""Batches go on where they were stopped, wherever their frames are searched."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np
import pytest
from batch_samples import write_stack
from lattice_images import lattice_image

from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.io.results.read_results import read_results, read_summary
from napari_stem_defects.io.results.result_folder import RESULT_FILES
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.jobs import batch, executors
from napari_stem_defects.jobs.batch import Outcome, detect_files
from napari_stem_defects.jobs.batch_frame import FrameTask, Settings
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.progress import ProgressCallback


class Counting:
    """Searches in this process and remembers which frames it was given."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, int]] = []

    def submit(self, task: FrameTask, report: ProgressCallback) -> Future[None]:
        self.frames.append((task.image.path.name, task.frame))
        return executors.HERE.submit(task, report)

    def workers(self) -> executors.FrameExecutor:
        return executors.FrameExecutor(self.submit, ahead=0)


def test_every_image_gets_its_files(settings: Settings, tmp_path: Path) -> None:
    images = [write_stack(tmp_path / "a.tif", 96, 96), write_stack(tmp_path / "b.tif", 2, 96, 96)]
    outcomes = list(detect_files(images, settings))
    assert [outcome.folder for outcome in outcomes] == [settings.out / "a", settings.out / "b"]
    for outcome in outcomes:
        assert outcome.folder is not None
        assert all((outcome.folder / name).is_file() for name in RESULT_FILES)
        assert not (outcome.folder / ".partial").exists()
    assert [found.frame for found in read_results(settings.out / "b")] == [0, 1]


def test_a_stopped_batch_goes_on_with_the_first_unfinished_frame(
    settings: Settings, tmp_path: Path
) -> None:
    images = [write_stack(tmp_path / "a.tif", 96, 96), write_stack(tmp_path / "b.tif", 3, 96, 96)]
    first = Counting()

    def stop_in_the_second_frame_of_b(progress: Progress) -> None:
        if first.frames[-1] == ("b.tif", 1):
            raise Cancelled

    with pytest.raises(Cancelled):
        list(
            detect_files(
                images, settings, workers=first.workers(), report=stop_in_the_second_frame_of_b
            )
        )
    second = Counting()
    outcomes = list(detect_files(images, settings, workers=second.workers()))
    assert second.frames == [("b.tif", 1), ("b.tif", 2)]
    assert len(read_results(settings.out / "b")) == 3
    assert not any(outcome.fault for outcome in outcomes)
    third = Counting()
    list(detect_files(images, settings, workers=third.workers()))
    assert third.frames == []


def test_other_parameters_start_afresh(settings: Settings, tmp_path: Path) -> None:
    image = write_stack(tmp_path / "a.tif", 96, 96)
    list(detect_files([image], settings))
    other = Settings(settings.out, settings.model, stride=16, pixel_size_nm=0.027, device="cpu")
    counting = Counting()
    list(detect_files([image], other, workers=counting.workers()))
    assert counting.frames == [("a.tif", 0)]


def test_a_bad_image_does_not_stop_the_others(settings: Settings, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no image")
    small = write_stack(tmp_path / "small.tif", 32, 32)
    good = write_stack(tmp_path / "good.tif", 96, 96)
    outcomes = list(detect_files([bad, small, good], settings))
    assert [bool(outcome.fault) for outcome in outcomes] == [True, True, False]
    assert outcomes[0].fault.startswith("bad.tif: ")
    assert "smaller than one window" in outcomes[1].fault
    assert outcomes[2] == Outcome(good, settings.out / "good")


def test_an_internal_error_with_one_image_does_not_stop_the_others(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = executors.detect_task

    def failing(task: FrameTask, *rest: object, **options: object) -> None:
        if task.image.path.name == "odd.tif":
            raise ZeroDivisionError("division by zero")
        search(task, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(executors, "detect_task", failing)
    odd, good = (write_stack(tmp_path / f"{name}.tif", 96, 96) for name in ("odd", "good"))
    outcomes = list(detect_files([odd, good], settings))
    assert outcomes[0].fault == (
        "odd.tif: internal error: ZeroDivisionError: division by zero"
        " (run it alone with --traceback)"
    )
    assert outcomes[1] == Outcome(good, settings.out / "good")
    with pytest.raises(ZeroDivisionError):
        list(detect_files([odd], settings))


def test_a_broken_model_stops_at_once(settings: Settings, tmp_path: Path) -> None:
    image = write_stack(tmp_path / "a.tif", 96, 96)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(settings.model.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"broken\.safetensors"):
        list(detect_files([image], Settings(settings.out, broken)))


def test_progress_rises_to_the_end(settings: Settings, tmp_path: Path) -> None:
    images = [write_stack(tmp_path / f"{name}.tif", 2, 96, 96) for name in "abc"]
    reported: list[Progress] = []
    list(detect_files(images, settings, report=reported.append))
    done = [progress.done for progress in reported]
    assert done == sorted(done)
    assert done[-1] == reported[-1].total


def test_a_dead_worker_is_explained(settings: Settings, tmp_path: Path) -> None:
    from concurrent.futures.process import BrokenProcessPool

    def die(task: FrameTask, report: ProgressCallback) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future

    image = write_stack(tmp_path / "a.tif", 96, 96)
    with pytest.raises(InputError, match=r"a\.tif: a worker process died.*fewer --workers"):
        list(detect_files([image], settings, workers=executors.FrameExecutor(die, ahead=0)))


def test_the_lattice_calibrates_a_whole_stack(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        batch, "match_scale", lambda frame, spec: _Scaled(frame.with_pixel_size(0.03, "lattice"))
    )
    image = write_stack(tmp_path / "a.tif", 2, 96, 96)
    (outcome,) = detect_files([image], Settings(tmp_path / "out", model, stride=32, device="cpu"))
    assert outcome.folder is not None
    summary = json.loads((outcome.folder / "summary.json").read_text())
    assert summary["image"]["pixel_size_nm"] == 0.03
    assert summary["image"]["pixel_size_source"] == "lattice"


class _Scaled:
    def __init__(self, micrograph: object) -> None:
        self.micrograph = micrograph


def test_each_image_gets_the_model_that_its_lattice_fits(tmp_path: Path) -> None:
    """Crystals of two models and of none, and a movie that begins with an empty frame."""
    made = {name: simulate(name, size=192, seed=1).micrograph for name in ("cdte-110", "sto-001")}
    images = {name: micrograph.pixels for name, micrograph in made.items()}
    images["other"] = lattice_image(12, 1, 60, size=192, dose=20)
    images["movie"] = np.stack([np.zeros_like(images["cdte-110"]), images["cdte-110"]])
    paths = [tmp_path / f"{name}.npy" for name in images]
    for path, pixels in zip(paths, images.values(), strict=True):
        np.save(path, pixels)
    settings = Settings(tmp_path / "out", stride=16, device="cpu")
    outcomes = list(detect_files(paths, settings))
    assert [outcome.fault for outcome in outcomes] == [""] * 4
    found = {o.image.stem: read_summary(o.folder) for o in outcomes if o.folder is not None}
    models = {name: summary["model"]["name"] for name, summary in found.items()}
    assert models == {
        "cdte-110": "cdte-110",
        "sto-001": "sto-001",
        "other": "any-crystal",
        "movie": "cdte-110",
    }
    assert found["movie"]["model_choice"].endswith("(frame 1)")
    assert found["movie"]["recognised"] is True
    assert found["movie"]["fitting_frames"] == 1
    assert found["movie"]["image"]["pixel_size_source"] == "lattice"
    assert found["movie"]["recognition"].startswith("the lattice fits in 1 of 2 frames, not in fra")
    assert found["movie"]["lattice"]["vectors_nm"] is not None
    area = np.prod(images["cdte-110"].shape) * found["movie"]["image"]["pixel_size_nm"] ** 2
    assert found["movie"]["searched_nm2"] <= area  # of one frame
    assert not (tmp_path / "out" / "movie" / "survey.csv").exists()
    assert found["other"]["recognised"] is False
    assert not any(found["other"]["counts"].values())
    assert "hexagonal" in found["other"]["model_choice"]
    assert found["cdte-110"]["recognised"] is True
    assert found["cdte-110"]["lattice"]["vectors_nm"] is not None
    again = list(detect_files(paths, settings))
    assert [outcome.folder for outcome in again] == [outcome.folder for outcome in outcomes]


def test_a_folder_that_another_program_writes_is_left_alone(
    settings: Settings, tmp_path: Path
) -> None:
    images = [write_stack(tmp_path / "a.tif", 96, 96), write_stack(tmp_path / "b.tif", 96, 96)]
    with WriteLock(settings.out / "a", "search"):
        first, second = detect_files(images, settings)
    assert first.folder is None
    assert first.fault.startswith("a: another search writes here since ")
    assert not (settings.out / "a").exists()
    assert second == Outcome(images[1], settings.out / "b")
    (again,) = detect_files(images[:1], settings)
    assert again.folder == settings.out / "a"
    assert sorted(path.name for path in settings.out.iterdir()) == ["a", "b"]


def test_a_batch_holds_a_folder_until_its_results_are_complete(
    settings: Settings, tmp_path: Path
) -> None:
    image = write_stack(tmp_path / "a.tif", 96, 96)

    def other_search(_: Progress) -> None:
        (other,) = detect_files([image], settings)
        assert other.fault.startswith("a: another search writes here since ")
        seen.append(other)

    seen: list[Outcome] = []
    (outcome,) = detect_files([image], settings, report=other_search)
    assert seen
    assert outcome.folder == settings.out / "a"
    assert len(read_results(settings.out / "a")) == 1


def test_one_image_given_twice_is_no_conflict(settings: Settings, tmp_path: Path) -> None:
    image = write_stack(tmp_path / "a.tif", 96, 96)
    ahead = executors.FrameExecutor(executors.HERE.submit, ahead=2)
    outcomes = list(detect_files([image, image], settings, workers=ahead))
    assert [outcome.folder for outcome in outcomes] == [settings.out / "a"] * 2
