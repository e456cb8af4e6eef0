"""Straight planar defects go to where the image shows them, with any threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planar_scenes import PlanarScene, planar_scene, zincblende
from probability_maps import blank_map

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.drawn_masks import draw_masks
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.detection.placed_lines import (
    PLACED_LINES,
    PlaneFinder,
    known_planes,
    shifted_planes,
)
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.postprocessing.results import ProbabilityMap
from napari_stem_defects.simulation.simulate import simulate

LIMITS = {"SF1": 0.5}
JUNCTIONS = (1, 3, 7)


@pytest.fixture(scope="module")
def scene() -> PlanarScene:
    return planar_scene(zincblende(12.0), "fault", 1 / 3, seed=7)


def beside(scene: PlanarScene, away_px: float) -> ProbabilityMap:
    """Return a map in which windows see the line of a scene a little beside its place."""
    found = blank_map("SF1", shape=scene.pixels.shape)
    y, x = np.meshgrid(found.y, found.x, indexing="ij")
    along = scene.line[1] - scene.line[0]
    along = along / np.hypot(*along)
    away = (y - scene.line[0, 0]) * along[1] - (x - scene.line[0, 1]) * along[0]
    found.probability[0] = np.clip(1.3 - np.abs(away - away_px) / 12, 0, 0.98)
    return found


def finder(scene: PlanarScene) -> PlaneFinder:
    return PlaneFinder(scene.pixels, scene.lattice, None)


def test_lines_seen_on_either_side_of_a_plane_are_on_the_plane(scene: PlanarScene) -> None:
    lines = []
    for away in (-5.0, 5.0):
        masks = draw_masks(
            beside(scene, away),
            scene.pixels.shape,
            {"thresholds": LIMITS},
            None,
            finder(scene).place,
        )
        (line,) = masks.centre_lines["SF1"]
        lines.append(np.array(line))
    assert np.abs(lines[0] - lines[1]).max() < 1.0
    along = (scene.line[1] - scene.line[0]) / np.hypot(*(scene.line[1] - scene.line[0]))
    away = (lines[0] - scene.line[0]) @ np.array([-along[1], along[0]])
    assert np.abs(away).max() < 3.0


def test_other_thresholds_keep_the_place_without_the_image(scene: PlanarScene) -> None:
    found, moved = beside(scene, 5.0), finder(scene)
    shape = scene.pixels.shape
    first = draw_masks(found, shape, {"thresholds": LIMITS}, None, moved.place)
    parameters = {"thresholds": LIMITS, PLACED_LINES: moved.placed}
    image = Micrograph(scene.pixels, "a")
    result = FrameResult.from_probability(found, image, 0, parameters)
    np.testing.assert_array_equal(result.numbered > 0, first.masks() > 0)
    again = result.with_thresholds({"SF1": 0.8}).with_thresholds(LIMITS)
    np.testing.assert_array_equal(again.numbered, result.numbered)
    stricter = np.array(result.with_thresholds({"SF1": 0.8}).regions[0].centre_line)
    assert np.abs(stricter - np.array(result.regions[0].centre_line)).max() < 0.02


def test_without_a_lattice_or_a_plane_lines_stay(scene: PlanarScene) -> None:
    line = np.array([[20.0, 60.0], [20.0, 200.0]])
    nothing = replace(scene.lattice, cells=())
    for lattice in (nothing, scene.lattice):
        moved = PlaneFinder(scene.pixels, lattice, None)
        assert moved.place([line], [])[0] is line
        assert moved.placed == []


@pytest.mark.parametrize("seed", JUNCTIONS)
def test_a_line_lies_at_one_place_however_far_windows_see_it_and_the_other(seed: int) -> None:
    """Beside a junction, the crystal beyond an end or behind the other line is another one."""
    made = simulate(defects=["junction"], size=384, seed=seed, rotation_deg=20.0 + 30 * seed)
    lattice = measure_lattices(made.micrograph.pixels)
    core = np.array(made.lines[0].start)
    arms = [inside(np.array([each.start, each.end]), 384) for each in made.lines[:2]]
    arms = [arm if np.hypot(*(arm[0] - core)) < 2 else arm[::-1] for arm in arms]
    places = []
    for beyond in ((-25.0, 20.0), (-15.0, -25.0), (25.0, -20.0)):
        lines = []
        for arm, way in zip(arms, beyond, strict=True):
            out = (arm[0] - arm[1]) / np.hypot(*(arm[0] - arm[1]))
            lines.append(np.array([arm[0] + way * out, arm[1]]))
        places.append(PlaneFinder(made.micrograph.pixels, lattice, None).place(lines, []))
    for number, arm in enumerate(arms):
        along = (arm[1] - arm[0]) / np.hypot(*(arm[1] - arm[0]))
        across = np.array([-along[1], along[0]])
        away = [float((place[number].mean(axis=0) - arm[0]) @ across) for place in places]
        assert np.ptp(away) < 0.3


def inside(line: np.ndarray, size: int) -> np.ndarray:
    """Return the ends of the part of a line that lies in an image."""
    steps = line[0] + np.linspace(0, 1, 20_001)[:, None] * (line[1] - line[0])
    return steps[((steps >= 0) & (steps <= size - 1)).all(axis=1)][[0, -1]]


def test_a_known_plane_is_for_lines_at_its_place_alone() -> None:
    placed = [{"line": [[10.0, 0.0], [10.0, 100.0]], "plane": [[12.0, 0.0], [12.0, 100.0]]}]
    place = known_planes(placed)
    near, far, across, beyond = (
        np.array(each)
        for each in (
            [[11.0, 20.0], [11.0, 60.0]],
            [[30.0, 20.0], [30.0, 60.0]],
            [[0.0, 50.0], [40.0, 50.0]],
            [[10.0, 140.0], [10.0, 180.0]],
        )
    )
    found = place([near, far, across, beyond], [])
    np.testing.assert_allclose(found[0], [[12.0, 20.0], [12.0, 60.0]])
    assert found[1] is far
    assert found[2] is across
    assert found[3] is beyond


def test_planes_of_a_part_are_moved_with_it() -> None:
    placed = [{"line": [[1.0, 2.0], [3.0, 4.0]], "plane": [[1.5, 2.0], [3.5, 4.0]]}]
    assert shifted_planes(placed, 10, 20) == [
        {"line": [[11.0, 22.0], [13.0, 24.0]], "plane": [[11.5, 22.0], [13.5, 24.0]]}
    ]


@pytest.mark.parametrize("arm_px", [25.0, 40.0, 44.0])
def test_lines_that_cross_near_their_middles_keep_their_lengths(
    scene: PlanarScene, arm_px: float
) -> None:
    """Both ends of each are near the crossing."""
    along = (scene.line[1] - scene.line[0]) / np.hypot(*(scene.line[1] - scene.line[0]))
    middle, across = scene.line.mean(axis=0), np.array([-along[1], along[0]])
    lines = [np.array([middle - arm_px * way, middle + arm_px * way]) for way in (along, across)]
    for before, after in zip(lines, finder(scene)._ended(lines, []), strict=True):
        np.testing.assert_allclose(after, before)
