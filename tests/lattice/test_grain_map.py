"""Grains are found, outlined and turned against each other by the angle that was simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lattice_images import base_vectors, lattice_image, two_grains
from scipy import ndimage

from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.lattice.grain_map import map_grains
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.misorientation import misorientation
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.grains import Grain, GrainMap


def grains_in(pixels: NDArray[np.float32]) -> GrainMap:
    cells = measure_lattices(pixels).cells
    assert cells
    sampled = sample(pixels, cells)
    return map_grains(sampled.filtered, sampled.lattices, sampled.factor)


def turned(grain: Grain, period: float, ratio: float, angle: float, rotation: float) -> float:
    """Return how far the lattice of a grain is turned from the one simulated, in degrees."""
    found = misorientation(np.array(grain.vectors_px), base_vectors(period, ratio, angle, rotation))
    assert found is not None
    assert not found.mirrored
    return found.angle_deg


@pytest.mark.parametrize("dose", [100.0, 20.0, 6.0])
@pytest.mark.parametrize(
    ("ratio", "angle", "turn"),
    [
        (1.0, 60.0, 6.0),
        (1.0, 60.0, 25.0),
        (1.0, 90.0, 30.0),
        (1.2, 79.0, 14.0),
        (1.0, 70.53, 70.53),
    ],
)
def test_the_misorientation_of_two_grains_is_that_simulated(
    ratio: float, angle: float, turn: float, dose: float
) -> None:
    both = [
        lattice_image(10, ratio, angle, start, size=320, dose=dose) for start in (10.0, 10.0 + turn)
    ]
    found = grains_in(two_grains(*both, 0.0))
    assert len(found.grains) == 2, found.statement
    expected = misorientation(
        base_vectors(10, ratio, angle, 10), base_vectors(10, ratio, angle, 10 + turn)
    )
    assert expected is not None
    for grain in found.grains:
        (neighbour,) = grain.neighbours
        assert neighbour.misorientation_deg == pytest.approx(expected.angle_deg, abs=0.5)
        assert not neighbour.mirrored
        assert grain.area_fraction == pytest.approx(0.5, abs=0.06)
        rotation = 10.0 if grain.y > 160 else 10.0 + turn
        assert turned(grain, 10, ratio, angle, rotation) < 0.5
        edge = [y for y, x in grain.outline if 40 < x < 280 and 0 < y < 319]
        assert edge == pytest.approx([159.5] * len(edge), abs=15)


def test_an_oblique_twin_is_mirrored() -> None:
    first = lattice_image(10, 1.25, 76, 0, size=320, dose=30)
    found = grains_in(two_grains(first, np.ascontiguousarray(first[::-1]), 0.0))
    assert len(found.grains) == 2
    (neighbour,) = found.grains[0].neighbours
    assert neighbour.mirrored
    assert "mirrored" in found.statement


def test_three_grains_know_their_neighbours() -> None:
    size = 360
    parts = [lattice_image(10, 1, 60, turn, size=size, dose=30) for turn in (5.0, 22.0, 41.0)]
    x = np.arange(size)
    pixels = np.where(x < 120, parts[0], np.where(x < 240, parts[1], parts[2]))
    found = grains_in(pixels)
    assert [grain.number for grain in found.grains] == [1, 2, 3]
    left, middle, right = sorted(found.grains, key=lambda grain: grain.x)
    assert [each.number for each in left.neighbours] == [middle.number]
    assert {each.number for each in middle.neighbours} == {left.number, right.number}
    turns = {each.number: each.misorientation_deg for each in middle.neighbours}
    assert turns[left.number] == pytest.approx(17, abs=0.5)
    assert turns[right.number] == pytest.approx(19, abs=0.5)
    assert found.statement.startswith("3 grains; ")


def test_two_parts_of_one_lattice_with_another_grain_between_are_two_grains() -> None:
    a, b = (lattice_image(10, 1, 90, turn, size=360, dose=30) for turn in (5.0, 35.0))
    y = np.arange(360)[:, None]
    found = grains_in(np.where(np.abs(y - 180) < 60, b, a))
    assert len(found.grains) == 3


def test_an_enclosed_grain_is_a_hole_in_the_outer_one() -> None:
    a, b = (lattice_image(10, 1, 90, turn, size=360, dose=30) for turn in (5.0, 35.0))
    y, x = np.indices((360, 360)) - 180
    found = grains_in(np.where(np.hypot(y, x) < 75, b, a))
    outer, inner = found.grains
    assert len(outer.holes) == 1
    assert inner.holes == ()
    assert inner.area_px == pytest.approx(np.pi * 75**2, rel=0.2)
    assert np.hypot(inner.y - 180, inner.x - 180) < 8


def test_no_grain_is_found_in_an_amorphous_part() -> None:
    pixels = lattice_image(10, 1, 60, size=320, dose=30)
    noise = np.random.default_rng(0).normal(size=pixels.shape)
    film = ndimage.gaussian_filter(noise, 3)
    film = film / film.std() * pixels.std() + pixels.mean()
    mixed = pixels.copy()
    mixed[:, 160:] = film[:, 160:]
    found = grains_in(mixed)
    (grain,) = found.grains
    assert grain.area_fraction == pytest.approx(0.5, abs=0.06)
    assert found.outlined == (grain,)
    assert found.lattice is not None
    right = found.lattice.x > 200
    assert np.isnan(found.lattice.period_px[:, right]).all()
    assert not np.isnan(found.lattice.period_px[:, found.lattice.x < 120]).any()


@pytest.mark.parametrize("dose", [None, 3.0, 1.0])
def test_a_single_crystal_is_one_grain_without_outline(dose: float | None) -> None:
    found = grains_in(lattice_image(11, 1.1, 82, 33, size=288, dose=dose))
    (grain,) = found.grains
    assert grain.area_fraction == 1
    assert grain.outline[0] == (-0.5, -0.5)
    assert grain.neighbours == ()
    assert found.outlined == ()
    assert found.statement == "one grain"
    assert found.lattice is not None
    assert np.nanmedian(found.lattice.period_px) == pytest.approx(11, rel=0.02)
    assert np.nanmedian(found.lattice.angle_deg) == pytest.approx(82, abs=1)
    assert np.nanmedian(found.lattice.ratio) == pytest.approx(1.1, abs=0.02)
    assert np.nanmedian(found.lattice.orientation_deg) == pytest.approx(147, abs=1)


def test_faults_divide_no_grain() -> None:
    for seed in range(2):
        made = simulate("cdte-110", defects=["SF1", "SF2"], size=384, seed=seed)
        assert len(grains_in(made.micrograph.pixels).grains) == 1


def test_pixels_without_a_value_belong_to_no_grain() -> None:
    pixels = lattice_image(10, 1, 60, size=320, dose=30)
    cells = measure_lattices(pixels).cells
    sampled = sample(pixels, cells)
    invalid = np.zeros(sampled.filtered.shape, bool)
    invalid[: len(invalid) // 2] = True
    found = map_grains(sampled.filtered, sampled.lattices, sampled.factor, invalid)
    (grain,) = found.grains
    assert grain.area_fraction == pytest.approx(0.5, abs=0.1)
    assert grain.y > 200


def test_an_image_smaller_than_a_tile_has_no_map() -> None:
    image = np.zeros((30, 30), np.float32)
    found = map_grains(image, [np.eye(2) * 7])
    assert found.grains == ()
    assert found.lattice is None
    assert map_grains(image, []).statement == "no grains"


def test_the_twin_in_a_corner_of_a_recorded_image_is_a_grain(data_dir: Path) -> None:
    import napari_stem_defects as sd

    found = grains_in(sd.read(data_dir / "images" / "CdTe_Training_Image.tif").pixels)
    assert len(found.grains) == 2
    twin = found.grains[1]
    assert 0.02 < twin.area_fraction < 0.06
    assert twin.y > 680
    assert twin.x < 160
    assert twin.neighbours[0].misorientation_deg == pytest.approx(70.53, abs=1)


def test_a_crystal_whose_columns_nearly_touch_along_one_direction_is_a_grain():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:260, :260]
    rows, along = y / 7 + 0.1 * x / 7, x / 8
    signal = np.cos(2 * np.pi * rows)
    for order in (along, along + rows):
        signal += 0.1 * np.cos(2 * np.pi * order)
    inside = np.hypot(y - 130, x - 130) < 90
    image = np.where(inside, signal, 0) + rng.normal(size=inside.shape)
    vectors = np.linalg.inv([[1 / 7, 0.1 / 7], [0, 1 / 8]]).T
    found = map_grains(image.astype(np.float32), [vectors])
    assert len(found.grains) == 1
    assert found.grains[0].area_fraction == pytest.approx(inside.mean(), abs=0.05)
