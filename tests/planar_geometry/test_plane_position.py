"""Planes are found where the image passes from one lattice into the other."""

from __future__ import annotations

import numpy as np
import pytest
from planar_scenes import PlanarScene, crystal_of, planar_scene, zincblende
from scipy import stats

from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.planar_geometry.plane_position import _Band, _slope, locate_plane

SCENES = {
    "fault": planar_scene(zincblende(12.0), "fault", 1 / 3, seed=7),
    "twin": planar_scene(zincblende(31.0), "twin", seed=3),
    "grain": planar_scene(crystal_of("square", 5.0), "grain", 25.0, seed=5),
    "fault of squares": planar_scene(crystal_of("square", 20.0), "fault", 0.5, seed=2),
    "noisy fault": planar_scene(zincblende(50.0), "fault", 1 / 3, seed=9, dose=12.0),
}


def moved(line: np.ndarray, away_px: float, turn_deg: float) -> np.ndarray:
    """Return a line moved across itself and turned around its middle."""
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    along = (line[1] - line[0]) / np.hypot(*(line[1] - line[0]))
    middle = line.mean(axis=0)
    return middle + (line - middle) @ turn + away_px * np.array([-along[1], along[0]])


def located(scene: PlanarScene, start: np.ndarray, pixels: np.ndarray | None = None) -> np.ndarray:
    """Return the plane by two steps, as lines are placed."""
    cells = [np.array(each.vectors_px) for each in scene.lattice.cells]
    found = start
    for _ in range(2):
        plane = locate_plane(
            scene.pixels if pixels is None else pixels, found, cells, period_of(scene)
        )
        assert plane is not None
        found = plane
    return found


def test_the_cover_is_the_blurred_weight_over_that_of_full_weight() -> None:
    axis = np.arange(60.0)
    band = _Band(np.zeros((2, 2)), np.array([0.0, 1]), np.array([-1.0, 0]), axis, axis, 9.0)
    weight = (np.random.default_rng(0).random((60, 60)) > 0.3).astype(float)
    expected = band._blurred(weight) / band._blurred(np.ones_like(weight))
    np.testing.assert_allclose(band._cover(weight), expected, rtol=1e-12)
    np.testing.assert_array_equal(band._cover(np.ones_like(weight)), 1.0)


@pytest.mark.parametrize("count", [2, 3, 40])
def test_the_slope_is_that_of_theil_and_sen(count: int) -> None:
    rng = np.random.default_rng(count)
    x, y = np.arange(count) * 3.0 - 20, rng.normal(0, 1, count)
    assert _slope(x, y) == stats.theilslopes(y, x).slope


def period_of(scene: PlanarScene) -> float:
    assert scene.lattice.cell is not None
    return lattice_period(scene.lattice.cell)


def across(line: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how far the ends of another line are from a line, px."""
    along = (line[1] - line[0]) / np.hypot(*(line[1] - line[0]))
    return (other - line[0]) @ np.array([-along[1], along[0]])


@pytest.mark.parametrize("name", SCENES)
def test_the_plane_is_found_from_lines_around_it(name: str) -> None:
    scene = SCENES[name]
    starts = [(0.0, 0.0), (5.0, 0.0), (-6.0, 1.5), (4.0, -2.0)]
    found = [located(scene, moved(scene.line, *start)) for start in starts]
    for each in found:
        assert np.abs(across(scene.line, each)).max() < 0.25 * period_of(scene)
        assert np.abs(across(found[0], each)).max() < 0.06 * period_of(scene)


@pytest.mark.parametrize("turn_deg", [7.5, -9.0])
@pytest.mark.parametrize("name", ["fault", "twin", "noisy fault"])
def test_a_line_that_few_windows_turned_finds_the_plane_along_its_row(
    name: str, turn_deg: float
) -> None:
    scene = SCENES[name]
    middle, along = scene.line.mean(axis=0), scene.line[1] - scene.line[0]
    short = middle + np.outer([-0.5, 0.5], along / np.hypot(*along)) * 11 * period_of(scene)
    found = located(scene, moved(short, 3.0, turn_deg))
    assert np.abs(across(short, found)).max() < 0.25 * period_of(scene)


@pytest.mark.parametrize("name", ["fault", "twin", "grain"])
def test_the_plane_does_not_depend_on_the_orientation_of_the_image(name: str) -> None:
    scene = SCENES[name]
    start = moved(scene.line, 4.0, 1.0)
    upright = located(scene, start)
    height = scene.pixels.shape[0]
    flipped = np.ascontiguousarray(scene.pixels[::-1])
    mirrored = scene.line * [-1, 1] + [height - 1, 0]
    cells = [np.array(each.vectors_px) * [-1, 1] for each in scene.lattice.cells]
    found = mirrored
    for _ in range(2):
        plane = locate_plane(flipped, found, cells, period_of(scene))
        assert plane is not None
        found = plane
    back = found * [-1, 1] + [height - 1, 0]
    assert np.abs(across(upright, back)).max() < 0.5


def test_where_both_sides_show_the_same_there_is_no_plane() -> None:
    scene = planar_scene(zincblende(12.0), "fault", 0.0, seed=7)
    cells = [np.array(each.vectors_px) for each in scene.lattice.cells]
    assert locate_plane(scene.pixels, scene.line, cells, period_of(scene)) is None


def test_a_plane_far_away_is_not_taken() -> None:
    scene = SCENES["twin"]
    cells = [np.array(each.vectors_px) for each in scene.lattice.cells]
    far = moved(scene.line, 2.2 * period_of(scene), 0.0)
    assert locate_plane(scene.pixels, far, cells, period_of(scene)) is None


def test_without_a_side_there_is_no_plane() -> None:
    scene = SCENES["twin"]
    cells = [np.array(each.vectors_px) for each in scene.lattice.cells]
    rim = np.array([[4.0, 10.0], [4.0, 300.0]])
    assert locate_plane(scene.pixels, rim, cells, period_of(scene)) is None


def test_invalid_pixels_do_not_count() -> None:
    scene = SCENES["twin"]
    invalid = np.zeros(scene.pixels.shape, bool)
    middle = np.rint(scene.line.mean(axis=0)).astype(int)
    invalid[middle[0] - 30 : middle[0] + 30, middle[1] - 30 : middle[1] + 30] = True
    pixels = np.where(invalid, 0, scene.pixels).astype(np.float32)
    cells = [np.array(each.vectors_px) for each in scene.lattice.cells]
    found = locate_plane(pixels, scene.line, cells, period_of(scene), invalid=invalid)
    assert found is not None
    assert np.abs(across(located(scene, scene.line), found)).max() < 0.1 * period_of(scene)
