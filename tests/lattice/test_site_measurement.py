"""Point defects measured against the like places of their lattice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_stem_defects.lattice.measurement import LatticeMeasurement, measure_lattices
from napari_stem_defects.lattice.site_measurement import BETWEEN, measure_site

VECTORS = np.array([[0.6, 13.0], [11.7, -1.1]])
SIGMA, HEIGHT, GROUND, OTHER = 2.1, 160.0, 60.0, 0.55
SHAPE, MIDDLE = (200, 220), np.array([101.3, 108.6])


def crystal(
    changes: dict[tuple[int, int], float] | None = None,
    added: tuple[tuple[float, float, float], ...] = (),
    *,
    two: bool = False,
    slope: float = 0.0,
    dose: float | None = 100.0,
    vectors: NDArray[np.float64] = VECTORS,
) -> NDArray[np.float32]:
    """Return columns at MIDDLE + i, j lattice vectors; ``changes`` are their relative heights."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    image = np.full(SHAPE, GROUND) * (1 + slope * (x / SHAPE[1] - 0.5))
    for i in range(-14, 15):
        for j in range(-14, 15):
            at = MIDDLE + np.array([i, j]) @ vectors
            height = HEIGHT * (changes or {}).get((i, j), 1.0)
            image += height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * SIGMA**2))
            if two:
                at = at + 0.5 * vectors.sum(axis=0)
                image += (
                    OTHER * HEIGHT * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * SIGMA**2))
                )
    for py, px, height in added:
        image += height * HEIGHT * np.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * SIGMA**2))
    if dose is not None:
        scale = dose / image.mean()
        image = np.random.default_rng(1).poisson(image * scale) / scale
    return image.astype(np.float32)


def lattice(image: NDArray[np.float32]) -> LatticeMeasurement:
    return measure_lattices(image)


def test_a_missing_column_has_the_site_of_its_neighbours_lattice() -> None:
    image = crystal({(0, 0): 0.25})
    for offset in ((0.0, 0.0), (2.0, -2.5), (-3.0, 1.0)):
        found = measure_site(image, lattice(image).cells, tuple(MIDDLE + offset))
        assert found is not None
        assert np.hypot(found.y_px - MIDDLE[0], found.x_px - MIDDLE[1]) < 0.1
        assert found.intensity_ratio == pytest.approx(0.25, abs=0.06)
        assert 0.005 < found.intensity_ratio_error < 0.08
        assert found.sublattice == "A"


@pytest.mark.parametrize("place", [(-7, 2), (0, 7), (2, -8), (3, 7), (7, -3)])
def test_a_missing_column_beside_the_border_is_measured_like_others(
    place: tuple[int, int],
) -> None:
    """Its like places lie along the border."""
    image, site = crystal({place: 0.25}), MIDDLE + np.array(place) @ VECTORS
    period = np.hypot(*VECTORS[1])
    to_border = min(*site, *(np.array(SHAPE) - 1 - site))
    assert 0.75 * period < to_border < 1.5 * period
    found = measure_site(image, lattice(image).cells, tuple(site + np.array([1.0, -1.0])))
    assert found is not None
    assert np.hypot(found.y_px - site[0], found.x_px - site[1]) < 0.15
    assert found.intensity_ratio == pytest.approx(0.25, abs=0.08)
    assert found.sublattice == "A"


@pytest.mark.parametrize("angle_deg", [20, 35])
@pytest.mark.parametrize("number", [0, 6, 9, 15])
def test_a_border_in_any_direction_is_no_hindrance(number: int, angle_deg: int) -> None:
    """None of the short lattice vectors lies along it, so that like places come without pairs."""
    cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    turned = VECTORS @ np.array([[cosine, sine], [-sine, cosine]])
    period, limits = np.hypot(*VECTORS[1]), np.array(SHAPE) - 1
    cells = np.array([(i, j) for i in range(-12, 13) for j in range(-12, 13)])
    sites = MIDDLE + cells @ turned
    depths = np.minimum(sites, limits - sites).min(axis=1)
    chosen = np.flatnonzero((depths > 0.75 * period) & (depths < 1.1 * period))[number]
    image, site = crystal({tuple(cells[chosen]): 0.25}, vectors=turned), sites[chosen]
    found = measure_site(image, lattice(image).cells, tuple(site + np.array([1.0, -1.0])))
    assert found is not None
    assert np.hypot(found.y_px - site[0], found.x_px - site[1]) < 0.15
    assert found.intensity_ratio == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("apart", [(0.0, 3.5), (3.9, 1.7), (0.0, 6.0)])
@pytest.mark.parametrize("left", [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_what_is_left_of_a_pair_of_columns(
    apart: tuple[float, float], left: tuple[float, float]
) -> None:
    """Resolved or not: relative to both, or, where one stayed, to the other."""
    whole, lacking = (crystal(changes, dose=None) - GROUND for changes in (None, {(0, 0): 0.0}))
    image = GROUND + np.random.default_rng(2).normal(0, 5, SHAPE)
    for side, share in zip((-0.5, 0.5), left, strict=True):
        column = share * whole + (1 - share) * lacking
        image += ndimage.shift(column, side * np.array(apart))
    found = measure_site(
        image.astype(np.float32), lattice(image.astype(np.float32)).cells, tuple(MIDDLE + 1.0)
    )
    site = MIDDLE - (0.5 * np.array(apart) if left[1] == 1 else 0.0)
    assert found is not None
    assert np.hypot(found.y_px - site[0], found.x_px - site[1]) < 0.15
    assert found.intensity_ratio == pytest.approx(left[0], abs=0.08)
    assert found.intensity_ratio_error < 0.06


def test_a_pair_is_measured_among_the_columns_that_crowd_around_it() -> None:
    """Their tails are no ground: by itself, the missing column lost 1.46 times its height."""
    y, x = np.mgrid[:220, :220].astype(float)
    turn = np.radians(9)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    image = np.full((220, 220), 20.0)
    for cell in np.ndindex(23, 23):
        for column in ((0, 0), (3, 5)):
            at = 110 + (11.0 * (np.array(cell) - 11) + column) @ rotation
            if (*cell, *column) != (11, 11, 0, 0):
                image += 100 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 8)
    noisy = np.random.default_rng(0).poisson(image).astype(np.float32)
    found = measure_site(noisy, lattice(noisy).cells, (111.0, 111.0))
    assert found is not None
    assert np.hypot(found.y_px - 110, found.x_px - 110) < 0.3
    assert found.intensity_ratio == pytest.approx(0, abs=0.3)


def test_a_column_beside_the_lattice_is_between() -> None:
    place = MIDDLE + np.array([0.5, 0.45]) @ VECTORS
    image = crystal(added=((place[0], place[1], 0.7),))
    found = measure_site(image, lattice(image).cells, tuple(place + 1.5))
    assert found is not None
    assert found.sublattice == BETWEEN
    assert np.hypot(found.y_px - place[0], found.x_px - place[1]) < 0.2
    assert found.intensity_ratio == pytest.approx(0.7, abs=0.12)


def test_the_fainter_column_of_a_cell_is_b() -> None:
    place = MIDDLE + 0.5 * VECTORS.sum(axis=0)
    image = crystal(two=True, added=((place[0], place[1], 0.5),))
    found = measure_site(image, lattice(image).cells, tuple(place))
    assert found is not None
    assert found.sublattice == "B"
    assert found.intensity_ratio == pytest.approx(1 + 0.5 / OTHER, abs=0.2)


def test_a_slope_of_the_background_does_not_move_the_site() -> None:
    image = crystal({(0, 0): 0.0}, slope=0.8, dose=None)
    found = measure_site(image, lattice(image).cells, tuple(MIDDLE))
    assert found is not None
    assert np.hypot(found.y_px - MIDDLE[0], found.x_px - MIDDLE[1]) < 0.03
    assert abs(found.intensity_ratio) < 0.03


def test_other_defects_nearby_do_not_count() -> None:
    image = crystal({(0, 0): 0.3, (1, 0): 0.0, (0, -2): 0.0})
    found = measure_site(image, lattice(image).cells, tuple(MIDDLE))
    assert found is not None
    assert found.intensity_ratio == pytest.approx(0.3, abs=0.08)


def test_nothing_is_measured_where_nothing_is_unlike() -> None:
    image = crystal()
    measured = [
        measure_site(image, lattice(image).cells, tuple(MIDDLE + np.array([i, j]) @ VECTORS))
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    ]
    assert sum(each is not None for each in measured) <= 1  # three standard deviations


def test_nothing_is_measured_without_like_places() -> None:
    image = crystal({(0, 0): 0.0})
    assert measure_site(image, lattice(image).cells, (3.0, 3.0)) is None
    assert measure_site(image, (), tuple(MIDDLE)) is None


def test_nothing_is_measured_where_the_surroundings_differ() -> None:
    image = crystal()
    half = round(MIDDLE[1])
    image[:, half:] = np.roll(image, 6, axis=0)[:, half:]  # a fault with half a period of shift
    assert measure_site(image, lattice(image).cells, tuple(MIDDLE)) is None
