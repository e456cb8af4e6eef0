"""Functions of the worker processes, called in this process."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_worker import submit_at_once
from labelled_crystals import click_project, vacancies
from learning_samples import write_striped_folder
from sample_results import SHAPE, result

from napari_stem_defects.base.defect_classes import default_class
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Progress, silent
from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.models.model_file import read_spec
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.jobs import read_tasks, tasks
from napari_stem_defects.jobs.corrections import Correction
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.lattice_tasks import MEASURE_LATTICE, MeasureLatticeArguments
from napari_stem_defects.jobs.live_map_request import (
    ClickedFrame,
    FrameKey,
    LiveMapRequest,
    PlacedLabel,
)
from napari_stem_defects.jobs.opened_result import open_result
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import stages
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.workers.messages import Finished

if TYPE_CHECKING:
    from pathlib import Path

NOISE = np.random.default_rng(0).normal(100, 10, (128, 128)).astype(np.float32)
FRAME = FrameInput(NOISE, "noise", pixel_size_nm=0.027, pixel_size_source="file")
PERIOD_PX = 13.9


def lattice_pixels(size: int = 256) -> np.ndarray:
    y, x = np.mgrid[:size, :size] * (2 * np.pi / PERIOD_PX)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return (np.cos(y) + np.cos(x) + 0.1 * noise + 3).astype(np.float32)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with LabelProject.create(tmp_path / "labels") as made:
        image = made.add_image(Micrograph(NOISE, "noise"))
        made.add(image, 64, 64, "SF1")
    return tmp_path / "labels"


# Preparation


def test_load_torch_imports_it() -> None:
    tasks.load_torch(report=silent)
    assert "torch" in sys.modules


def test_the_scale_comes_without_the_pixels() -> None:
    spec = EnsembleSpec("small", ("Bulk", "SF1"), pixel_size_nm=0.027)
    scale = tasks.explain_scale(frame=FRAME, spec=spec, report=silent)
    assert scale.factor == 1.0
    assert scale.micrograph.pixel_size_nm == 0.027
    assert scale.micrograph.pixels.size == 0


def test_stages_are_those_of_the_pipeline() -> None:
    settings = PreprocessingSettings()
    found = tasks.compute_stages(pixels=NOISE, settings=settings, report=silent)
    expected = stages(NOISE, settings).background_removed
    np.testing.assert_array_equal(found.background_removed, expected)


def test_the_lattice_is_measured() -> None:
    found = tasks.measure_lattice(pixels=lattice_pixels(), report=silent)
    assert found is not None
    assert found.d_px == pytest.approx((PERIOD_PX, PERIOD_PX), rel=0.01)
    assert tasks.measure_lattice(pixels=np.zeros((160, 160), np.float32), report=silent) is None


def test_a_job_of_the_registry_runs_its_function() -> None:
    events: list[object] = []
    arguments = MeasureLatticeArguments(np.zeros((160, 160), np.float32))
    submit_at_once(MEASURE_LATTICE.job(arguments, subject="a"), events.append)
    assert events == [Finished(None)]


# Detection and its results


def test_a_frame_is_detected(model: Path) -> None:
    reported: list[Progress] = []
    found = tasks.detect(
        frame=FRAME,
        index=3,
        model=model,
        stride=16,
        thresholds={"SF1": 0.7},
        device="cpu",
        report=reported.append,
    )
    assert found.frame == 3
    assert found.thresholds["SF1"] == 0.7
    assert found.finished
    assert found.provenance["model"]["name"] == "small"
    assert found.provenance["image"]["name"] == "noise"
    assert reported[0] == Progress("loading the model", 0, 1)


def test_an_area_limits_the_detection(model: Path) -> None:
    area = SearchArea.rectangle(0, 0, 128, 80)
    found = tasks.detect(
        frame=FRAME,
        index=0,
        model=model,
        stride=16,
        thresholds={},
        device="cpu",
        area=area,
        report=silent,
    )
    assert found.numbered.shape[1:] == NOISE.shape
    assert not found.map.valid[:, found.map.x >= 96].any()  # no window of the area lies there
    assert found.map.valid[:, found.map.x < 80].all()
    assert not found.numbered[:, :, 80:].any()
    assert found.parameters["area_px"] == area.to_json()


def test_thresholds_and_corrections_are_applied() -> None:
    found = tasks.apply_thresholds(result=result(), thresholds={"LC": 0.7}, report=silent)
    assert [region.class_name for region in found.regions] == ["SF1"]
    moved = [Correction(0, 48, 56, "LC", "SF1")]
    found = tasks.apply_thresholds(result=result(), thresholds={}, corrections=moved, report=silent)
    assert [region.class_name for region in found.regions] == ["SF1", "SF1"]


def test_results_are_written_with_the_thresholds(tmp_path: Path) -> None:
    image = FrameInput(np.zeros(SHAPE, np.float32), "CdTe", pixel_size_nm=0.03)
    found = result()
    provenance = {**found.provenance, "image": {"sha256": image.micrograph().sha256}}
    folder = tasks.export_results(
        results=[replace(found, provenance=provenance)],
        thresholds={"LC": 0.7},
        image=image,
        folder=tmp_path,
        report=silent,
    )
    assert folder == tmp_path / "CdTe"
    (written,) = read_results(folder)
    assert [region.class_name for region in written.regions] == ["SF1"]
    opened = open_result(folder)  # the image, which was no file, is kept with them
    assert opened.notes() == []
    np.testing.assert_array_equal(opened.micrograph(0).pixels, image.array)


def test_results_of_a_changed_image_are_refused(tmp_path: Path) -> None:
    image = FrameInput(np.ones(SHAPE, np.float32), "CdTe")
    with pytest.raises(InputError, match=r"^CdTe: the image has changed since"):
        tasks.export_results(
            results=[result()], thresholds={}, image=image, folder=tmp_path, report=silent
        )
    assert not list(tmp_path.iterdir())


# Labels


def test_labels_of_projects_and_folders_are_counted(project: Path, tmp_path: Path) -> None:
    folder = write_striped_folder(tmp_path / "patches", each=3)
    counts = tasks.count_labels(sources=[project, folder], report=silent)
    assert {each.name: (each.kind, count) for each, count in counts.items()} == {
        "Bulk": ("bulk", 3),
        "SF1": ("line", 4),
    }
    with LabelProject.open(project) as opened:
        opened.set_class("SF1", kind="area")
    again = tasks.count_labels(sources=[project, folder], report=silent)
    assert [each.kind for each in again] == ["bulk", "area"]


def test_patches_are_exported_and_imported(project: Path, tmp_path: Path) -> None:
    exported = tmp_path / "exported"
    assert tasks.export_labels(project=project, out=exported, report=silent) == 1
    assert read_tasks.read_patches(path=exported, report=silent).classes == ("SF1",)
    other = tmp_path / "other"
    summary = tasks.import_labels(project=other, sources=[exported], images=[], report=silent)
    assert "1" in summary
    assert tasks.count_labels(sources=[other], report=silent)[default_class("SF1")] == 1


def test_labels_of_files_go_to_the_images_they_name(tmp_path: Path) -> None:
    """One file names two open images; another one names a copy of the image that is shown."""
    images = [FrameInput(NOISE + at, name) for at, name in enumerate(("shown", "other"))]
    size = {"imageHeight": 128, "imageWidth": 128}
    point = {"label": "Vac", "points": [[10.5, 20.5]], "shape_type": "point"}
    copied = tmp_path / "copied.json"
    copied.write_text(json.dumps({"imagePath": "copy.png", "shapes": [point], **size}))
    coco = tmp_path / "coco.json"
    names = {each.name: place for place, each in enumerate(images)}
    content = {
        "images": [
            {"id": place, "file_name": f"{name}.tif", "height": 128, "width": 128}
            for name, place in names.items()
        ],
        "categories": [{"id": 1, "name": "SF"}],
        "annotations": [
            {"image_id": place, "category_id": 1, "bbox": [8, 8, 4, 4]} for place in (0, 1)
        ],
    }
    coco.write_text(json.dumps(content))
    points = tmp_path / "points.csv"
    points.write_text("y_px,x_px,class\n10,20,LC\n")
    own = tmp_path / "own.labels"
    for source in (copied, coco, points):
        tasks.import_labels(project=own, sources=[source], images=images, report=silent)
    with LabelProject.open(own, read_only=True) as opened:
        found = {
            (frame.name, label.class_name)
            for frame in opened.frames
            for label in opened.labels(frame.sha256, frame.frame)
        }
    assert found == {("shown", "Vac"), ("shown", "SF"), ("other", "SF"), ("shown", "LC")}


def test_suggestions_keep_away_from_labels(model: Path) -> None:
    found = tasks.suggest_labels(
        frame=FRAME, model=model, taken=[(64.0, 64.0)], device="cpu", report=silent
    )
    assert found
    assert all(np.hypot(each.y - 64, each.x - 64) >= 32 for each in found)
    free = tasks.suggest_labels(frame=FRAME, model=model, taken=[], device="cpu", report=silent)
    assert any(np.hypot(each.y - 64, each.x - 64) < 32 for each in free)


def test_synthetic_defects_stay_in_the_area() -> None:
    edited = tasks.add_synthetic_defects(
        frame=FrameInput(lattice_pixels(), "lattice"),
        area=SearchArea.rectangle(0, 0, 256, 160),
        defects=[(40.0, 40.0)],
        vacancies=2,
        interstitials=0,
        seed=1,
        report=silent,
    )
    assert len(edited.vacancies) > 0
    for y, x in edited.vacancies:
        assert x < 160
        assert np.hypot(y - 40, x - 40) > 40


# Models and files


def test_models_enter_and_leave_the_library(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "user_folder", lambda: tmp_path / "library")
    entry = tasks.import_model(path=model, report=silent)
    assert entry.name == "small"
    copy = tasks.export_model(path=entry.path, target=tmp_path / "copy.safetensors", report=silent)
    assert copy.read_bytes() == model.read_bytes()


# Without networks


def test_a_survey_finds_missing_columns() -> None:
    image = vacancies()
    found = tasks.survey(frame=FrameInput(image.pixels, "crystal"), index=3, report=silent)
    assert found.frame == 3
    places = np.array([(each.y, each.x) for each in found.candidates])
    assert max(np.hypot(*(places - each).T).min() for each in image.defects) < image.period / 2


def test_a_quick_model_is_written_with_its_card(tmp_path: Path) -> None:
    project = click_project(tmp_path / "labels", vacancies(), bulk=1)
    out = tmp_path / "quick.safetensors"
    options = TrainingOptions(name="quick", recipe="quick")
    made = tasks.train_quick(project=project, out=out, options=options, report=silent)
    assert made.path == out
    assert out.with_suffix(".md").read_text(encoding="utf-8").startswith("# quick")
    frame = FrameInput(vacancies().pixels, "crystal")
    scale = tasks.explain_scale(frame=frame, spec=read_spec(out)[0], report=silent)
    assert "its own lattice" in scale.statement
    with pytest.raises(InputError, match="find unusual places instead"):
        tasks.suggest_labels(frame=frame, model=out, taken=[], device="cpu", report=silent)


def test_live_maps_share_what_is_kept(tmp_path: Path) -> None:
    image = vacancies()
    project = click_project(tmp_path / "labels", image)
    with LabelProject.open(project, read_only=True) as labels:
        clicked = tuple(PlacedLabel(each.y, each.x, each.class_name) for each in labels.labels())
        key = FrameKey(labels.frames[0].sha256, 0)
    request = LiveMapRequest(project, (ClickedFrame(key, clicked),), (default_class("Vac"),), key)
    stages: list[str] = []
    for _ in range(2):
        found = tasks.update_live_map(
            request=request, report=lambda step: stages.append(step.stage)
        )
    assert found.counts["Vac"] >= 8
    assert stages.count("lattice") == 1
