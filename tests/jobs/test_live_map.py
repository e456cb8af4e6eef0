"""Live maps of clicks on crystals with missing columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crystal_images import CrystalImage
from half_crystals import half_crystal
from labelled_crystals import click_project, vacancies
from large_cells import many_columns
from spot_images import spot_image, spot_project

import napari_stem_defects as sd
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.progress import Progress, silent
from napari_stem_defects.errors import LabelError
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.live_map import (
    BULK_RADIUS,
    PreparedFrames,
    clear_around,
    draw_classes,
    live_map,
)
from napari_stem_defects.jobs.live_map_request import (
    ClickedFrame,
    FrameKey,
    LiveMap,
    LiveMapRequest,
    PlacedLabel,
)
from napari_stem_defects.lattice.unit_cell import units_per_period
from napari_stem_defects.postprocessing.mask_stack import MaskStack

CLASSES = (DefectClass("Vac"),)


@pytest.fixture(scope="module")
def crystal() -> CrystalImage:
    return vacancies()


@pytest.fixture(scope="module")
def project(crystal: CrystalImage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return click_project(tmp_path_factory.mktemp("clicks") / "labels", crystal, bulk=1)


def key_of(project: Path) -> FrameKey:
    with sd.LabelProject.open(project, read_only=True) as labels:
        return FrameKey(labels.frames[0].sha256, 0)


def request(project: Path, *places: tuple[float, float, str]) -> LiveMapRequest:
    key = key_of(project)
    clicked = (ClickedFrame(key, tuple(PlacedLabel(*each) for each in places)),)
    return LiveMapRequest(project, clicked, CLASSES, key)


def clicks(crystal: CrystalImage, count: int) -> list[tuple[float, float, str]]:
    return [(float(y), float(x), "Vac") for y, x in crystal.defects[:count]]


def found_defects(found: LiveMap, crystal: CrystalImage) -> list[bool]:
    return [bool(found.drawn[round(y), round(x)]) for y, x in crystal.defects]


@pytest.mark.parametrize("count", [1, 4])
def test_clicks_find_their_like(crystal: CrystalImage, project: Path, count: int) -> None:
    steps: list[Progress] = []
    asked = request(project, *clicks(crystal, count))
    found = live_map(asked, PreparedFrames(), report=steps.append)
    assert found.shown == asked.shown
    assert [each.name for each in found.classes] == ["Vac"]
    assert found.drawn.shape == crystal.pixels.shape
    assert sum(found_defects(found, crystal)) >= 8
    assert 8 <= found.counts["Vac"] <= 11
    assert [step.stage for step in steps] == ["lattice", "training", "scanning"]


def test_it_finds_what_the_kept_model_finds(
    crystal: CrystalImage, project: Path, tmp_path: Path
) -> None:
    found = live_map(request(project, *clicks(crystal, 4)), PreparedFrames(), report=silent)
    model = tmp_path / "kept.safetensors"
    without_bulk = click_project(tmp_path / "labels", crystal)
    sd.train([without_bulk], model, sd.TrainingOptions(name="kept", recipe="quick"))
    detection = sd.detect(crystal.micrograph, model)
    mask = detection.masks[detection.mask_names.index("Vac")]
    np.testing.assert_array_equal(found.drawn > 0, mask > 0)


def test_it_states_what_it_does_not_search_as_a_detection_does(tmp_path: Path) -> None:
    half = half_crystal("fine film", missing=40, size=400)
    image = replace(half.micrograph, pixel_size_nm=0.02, pixel_size_source="user")
    with sd.LabelProject.create(tmp_path / "labels", ["Vac"]) as labels:
        stored = labels.add_image(image)
        for y, x in half.missing[:4]:
            labels.add(stored, float(y), float(x), "Vac")
    places = [(float(y), float(x), "Vac") for y, x in half.missing[:4]]
    found = live_map(request(tmp_path / "labels", *places), PreparedFrames(), report=silent)
    model = tmp_path / "kept.safetensors"
    sd.train([tmp_path / "labels"], model, sd.TrainingOptions(name="kept", recipe="quick"))
    detection = sd.detect(image, model)
    assert found.searched_nm2 == pytest.approx(detection.searched_nm2)
    assert found.searched_nm2 < 0.5 * image.valid_nm2
    (stated,) = [each for each in detection.parameters["warnings"] if "not searched" in each]
    assert f"{stated}." in found.notes


def test_a_bulk_click_clears_the_map_around_it(crystal: CrystalImage, project: Path) -> None:
    frames = PreparedFrames()
    before = live_map(request(project, *clicks(crystal, 4)), frames, report=silent)
    assert found_defects(before, crystal)[5]
    y, x = crystal.defects[5]
    asked = request(project, *clicks(crystal, 4), (float(y), float(x), "Bulk"))
    after = live_map(asked, frames, report=silent)
    rows, columns = np.indices(after.drawn.shape)
    near = np.hypot(rows - y, columns - x) <= BULK_RADIUS * crystal.period
    assert not after.drawn[near].any()
    assert sum(found_defects(after, crystal)[:4]) == 4


def test_the_residual_of_a_frame_is_computed_once(crystal: CrystalImage, project: Path) -> None:
    frames, stages = PreparedFrames(), []
    for count in (2, 3):
        asked = request(project, *clicks(crystal, count))
        live_map(asked, frames, report=lambda step: stages.append(step.stage))
    assert stages.count("lattice") == 1


def test_the_oldest_frames_are_dropped_beyond_the_limit(
    crystal: CrystalImage, project: Path
) -> None:
    frames, asked = PreparedFrames(limit=1), request(project, *clicks(crystal, 2))
    first = frames.get(asked.shown, asked, None, silent)
    assert frames.get(asked.shown, asked, None, silent) is first
    frames.get(asked.shown, asked, Scale(6.0, 1.0), silent)
    assert frames.get(asked.shown, asked, None, silent) is not first


def test_a_frame_without_clicks_is_searched_with_those_of_others(
    crystal: CrystalImage, project: Path
) -> None:
    other = vacancies(3, spacing=17.0)
    frame = FrameInput(other.pixels, "other")
    asked = request(project, *clicks(crystal, 4))
    shown = FrameKey(frame.micrograph().sha256, 2)
    asked = LiveMapRequest(project, asked.clicked, CLASSES, shown, frame)
    found = live_map(asked, PreparedFrames(), report=silent)
    assert found.drawn.shape == other.pixels.shape
    assert sum(found_defects(found, other)) >= 7


def test_clicks_of_several_images_make_one_model(crystal: CrystalImage, tmp_path: Path) -> None:
    other = vacancies(5, spacing=15.0)
    folder = click_project(tmp_path / "labels", crystal, 1)
    with sd.LabelProject.open(folder) as labels:
        second = FrameKey(labels.add_image(other.micrograph), 0)
    asked = request(folder, *clicks(crystal, 1))
    clicked = (
        *asked.clicked,
        ClickedFrame(second, (PlacedLabel(*other.defects[0], "Vac"),)),
    )
    found = live_map(
        LiveMapRequest(folder, clicked, CLASSES, second), PreparedFrames(), report=silent
    )
    assert sum(found_defects(found, other)) >= 7


def test_another_image_of_a_large_cell_has_the_length_unit_of_the_clicked_one(
    tmp_path: Path,
) -> None:
    clicked, other = (
        many_columns(7, vacancies=8, motif=1, sigma=sigma, seed=seed)
        for seed, sigma in ((0, 0.14), (1, 0.22))
    )
    assert units_per_period(clicked.cells[0]) > 1 == units_per_period(other.cells[0])
    folder = click_project(tmp_path / "labels", clicked, 3)
    frame = FrameInput(other.pixels, "other")
    shown = FrameKey(frame.micrograph().sha256, 2)
    asked = LiveMapRequest(
        folder, request(folder, *clicks(clicked, 3)).clicked, CLASSES, shown, frame
    )
    frames = PreparedFrames()
    found = live_map(asked, frames, report=silent)
    assert sum(found_defects(found, other)) >= 7
    assert found.counts["Vac"] <= 9
    used = [frames.get(key, asked, None, silent) for key in (key_of(folder), shown)]
    assert used[0].ready.residual.sampled.scale != used[1].ready.residual.sampled.scale


def test_a_bulk_click_in_a_large_cell_clears_no_defect_some_columns_away(tmp_path: Path) -> None:
    image = many_columns(24, vacancies=8)
    folder = click_project(tmp_path / "labels", image, 4)
    places = clicks(image, 4)
    before = live_map(request(folder, *places), PreparedFrames(), report=silent)
    number = found_defects(before, image).index(True)
    y, x = image.defects[number]
    away = 3.2 * image.period / np.sqrt(24)
    assert away < BULK_RADIUS * image.period
    asked = request(folder, *places, (float(y + away), float(x), "Bulk"))
    after = live_map(asked, PreparedFrames(), report=silent)
    assert found_defects(after, image)[number]


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([], "no click shows a defect"),
        ([(50.0, 50.0, "Bulk")], "no click shows a defect"),
        ([(50.0, 1000.0, "Vac")], "lies outside the image"),
    ],
)
def test_clicks_without_use_are_one_line(
    project: Path, places: list[tuple[float, float, str]], message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        live_map(request(project, *places), PreparedFrames(), report=silent)


def test_spots_without_a_lattice_are_found(tmp_path: Path) -> None:
    image = spot_image()
    folder = spot_project(tmp_path / "labels", image)
    frames, stages = PreparedFrames(), []
    for count in (3, 7):
        places = [(float(y), float(x), "Atom") for y, x in image.spots[:count]]
        asked = request(folder, *places)
        found = live_map(asked, frames, report=lambda step: stages.append(step.stage))
        assert sum(bool(found.drawn[round(y), round(x)]) for y, x in image.spots) >= 27
        assert found.counts["Atom"] <= 33
        assert found.notes[0].startswith(
            "No lattice at the clicks: spots are sought in a window of"
        )
    y, x = image.spots[20]
    cleared = live_map(
        request(folder, *places, (float(y), float(x), "Bulk")), frames, report=silent
    )
    assert not cleared.drawn[round(y), round(x)]
    assert stages.count("training") == 2


def test_a_line_without_a_lattice_is_one_line(tmp_path: Path) -> None:
    folder = spot_project(tmp_path / "labels", spot_image(), 3, kind="line")
    asked = request(folder, (90, 90, "Atom"))
    classes = (DefectClass("Atom", "line"),)
    asked = LiveMapRequest(folder, asked.clicked, classes, asked.shown)
    with pytest.raises(LabelError, match=r"film: .*lattice.* only points are learned"):
        live_map(asked, PreparedFrames(), report=silent)


def test_noise_has_no_spots_beside_the_click(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(100, 10, (200, 200)).astype(np.float32)
    with sd.LabelProject.create(tmp_path / "labels", ["Vac"]) as labels:
        labels.add_image(sd.Micrograph(noise, "noise"))
    asked = request(tmp_path / "labels", (90, 90, "Vac"))
    found = live_map(asked, PreparedFrames(), report=silent)
    assert found.counts["Vac"] <= 1


def test_points_lie_over_lines_and_lines_over_areas() -> None:
    names = ("A", "L", "P")
    masks = np.zeros((3, 4, 6), np.uint8)
    masks[0], masks[1, 1:], masks[2, 2:] = 1, 1, 1
    classes = [DefectClass("A", "area"), DefectClass("L", "line"), DefectClass("P")]
    drawn = draw_classes(MaskStack.from_array(names, masks), classes)
    assert drawn[:, 0].tolist() == [1, 2, 3, 3]


def test_clearing_ends_at_the_border() -> None:
    drawn = np.ones((20, 30), np.uint8)
    clear_around(drawn, [(0.0, 29.0), (10.0, 10.0)], 3.0)
    assert drawn[0, 26:].tolist() == [0, 0, 0, 0]
    assert drawn[13, 10] == 0
    assert drawn[13, 11] == 1
    assert drawn[0, 25] == 1
