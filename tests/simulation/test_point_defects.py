"""Point defects are placed at sites of the crystal, apart from each other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.simulation.crystal_pose import CrystalPose
from napari_stem_defects.simulation.crystals import CDTE_NM, STO_NM, perovskite, zincblende
from napari_stem_defects.simulation.point_defects import (
    APART_NM,
    POINT_KINDS,
    add_point_defects,
    candidate_sites,
)
from napari_stem_defects.simulation.scene import Scene

SIZE, PX = 200, 0.027
CDTE_KINDS = ("vacancy", "interstitial")


def scene(kind: str) -> Scene:
    pose = CrystalPose.rotated(0.0, PX, (SIZE / 2, SIZE / 2))
    if kind in CDTE_KINDS:
        return Scene(zincblende(4.0), pose, ((48,), (52,)))
    return Scene(perovskite(4.0), pose, ((38,), (22, 8), (8,)))


def added(kind: str, count: int = 4, seed: int = 0) -> Scene:
    before = scene(kind)
    sites = candidate_sites(kind, before.columns)
    return add_point_defects(before, kind, sites, SIZE, count, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", POINT_KINDS)
def test_defects_are_points_of_their_class(kind: str) -> None:
    made = added(kind)
    assert [point.class_name for point in made.points] == [POINT_KINDS[kind].class_name] * 4


@pytest.mark.parametrize("kind", POINT_KINDS)
def test_defects_keep_a_distance_from_each_other_and_the_border(kind: str) -> None:
    made = added(kind, count=100)
    position = np.array([(point.y_px, point.x_px) for point in made.points])
    distance = np.hypot(*(position[:, None] - position[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    tolerance = 8 * 0.02 / PX  # added columns are displaced at random by 0.02 nm
    assert distance.min() > APART_NM / PX - tolerance
    assert position.min() > APART_NM / PX / 4 - tolerance
    assert position.max() < SIZE - APART_NM / PX / 4 + tolerance


def test_defects_keep_a_distance_from_existing_points() -> None:
    first = added("vacancy", count=100)
    sites = candidate_sites("vacancy", first.columns)
    again = add_point_defects(first, "vacancy", sites, SIZE, 100, np.random.default_rng(1))
    position = np.array([(point.y_px, point.x_px) for point in again.points])
    distance = np.hypot(*(position[:, None] - position[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > APART_NM / PX


@pytest.mark.parametrize(("kind", "columns"), [("vacancy", 2), ("missing", 1)])
def test_removed_columns_lose_occupancy(kind: str, columns: int) -> None:
    made = added(kind, count=3)
    weak = made.columns.occupancy < 1
    assert weak.sum() == 3 * columns
    low, high = POINT_KINDS[kind].occupancy
    assert ((made.columns.occupancy[weak] >= low) & (made.columns.occupancy[weak] <= high)).all()
    assert made.dots == ()


@pytest.mark.parametrize(("kind", "dots"), [("interstitial", 1), ("extra", 1), ("iextra", 2)])
def test_added_columns_are_dots(kind: str, dots: int) -> None:
    made = added(kind, count=3)
    assert len(made.dots) == 3 * dots
    assert (made.columns.occupancy == 1).all()
    for dot in made.dots:
        assert POINT_KINDS[kind].height[0] <= dot.height <= POINT_KINDS[kind].height[1]


def test_sites_are_where_the_crystal_has_them() -> None:
    dumbbells = zincblende(3.0)
    half = len(dumbbells.position) // 2
    middle = (dumbbells.position[:half] + dumbbells.position[half:]) / 2
    np.testing.assert_allclose(candidate_sites("vacancy", dumbbells), middle)
    channel = candidate_sites("interstitial", dumbbells)
    np.testing.assert_allclose(channel - middle, [[0, CDTE_NM / 2]] * half)
    oxide = perovskite(3.0)
    for kind, species in (("missing", 0), ("iextra", 1), ("extra", 2)):
        sites = candidate_sites(kind, oxide)
        np.testing.assert_allclose(sites, oxide.position[oxide.species == species])
    strontium = candidate_sites("missing", oxide) / STO_NM
    assert np.allclose(strontium, np.rint(strontium))


def test_no_sites_give_no_defects() -> None:
    before = scene("vacancy")
    none = np.zeros((0, 2))
    made = add_point_defects(before, "vacancy", none, SIZE, 4, np.random.default_rng(0))
    assert made.points == ()
