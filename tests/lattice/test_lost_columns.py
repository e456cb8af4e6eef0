"""Which column lost what, among columns that overlap, and with what error."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.lattice.lost_columns import measure_loss
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.site_measurement import measure_site
from napari_stem_defects.lattice.site_surroundings import surroundings_of

VECTORS = np.array([[0.6, 14.0], [12.7, -1.1]])
SIGMA, HEIGHT, GROUND = 2.1, 120.0, 60.0
SHAPE, MIDDLE = (180, 190), np.array([90.3, 94.6])
CROWD = [(0.0, 0.0, 1.0), (4.6, 3.2, 0.6), (-3.2, 6.1, 0.8)]


def image(left: list[float], seed: int) -> np.ndarray:
    """Return a crystal of three columns per cell; ``left`` is what one cell has of each."""
    rng = np.random.default_rng(seed)
    cells = [(i, j) for i in range(-12, 13) for j in range(-12, 13)]
    pixels = np.full(SHAPE, GROUND)
    for number, (down, right, height) in enumerate(CROWD):
        places = MIDDLE + (down, right) + np.array(cells) @ VECTORS
        heights = HEIGHT * height * rng.normal(1, 0.02, len(cells))
        heights[cells.index((0, 0))] = HEIGHT * height * left[number]
        y, x = (
            np.exp(-((np.arange(size) - at[:, None]) ** 2) / (2 * SIGMA**2))
            for size, at in zip(SHAPE, places.T, strict=True)
        )
        pixels += (heights * y.T) @ x
    return rng.poisson(pixels).astype(np.float32)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_ratio_is_within_two_errors_for_every_column_of_a_crowd(number: int) -> None:
    """Without the others, a column took their tails for its own height or for its ground."""
    left = [1.0, 1.0, 1.0]
    left[number] = 0.25
    site = MIDDLE + CROWD[number][:2]
    scores, apart, letters = [], [], set()
    for seed in range(8):
        pixels = image(left, seed)
        found = measure_site(pixels, measure_lattices(pixels).cells, (site[0] + 1, site[1] - 1))
        assert found is not None, seed
        scores.append((found.intensity_ratio - 0.25) / found.intensity_ratio_error)
        apart.append(np.hypot(found.y_px - site[0], found.x_px - site[1]))
        letters.add(found.sublattice)
        assert found.intensity_ratio_error < 0.12
    assert (np.abs(scores) < 2).sum() >= 7
    assert np.median(apart) < 0.12
    assert letters == {"ACB"[number]}


def test_two_columns_that_both_lost_are_measured_together() -> None:
    pixels = image([0.3, 0.3, 1.0], 1)
    middle = MIDDLE + np.add(CROWD[0][:2], CROWD[1][:2]) / 2
    found = measure_site(pixels, measure_lattices(pixels).cells, (middle[0], middle[1]))
    assert found is not None
    assert np.hypot(found.y_px - middle[0], found.x_px - middle[1]) < 0.3
    assert found.intensity_ratio == pytest.approx(0.3, abs=2 * found.intensity_ratio_error)


def test_where_no_column_is_near_nothing_is_lost() -> None:
    pixels = image([0.3, 1.0, 1.0], 2)
    cell = measure_lattices(pixels).cells[0]
    around = surroundings_of(pixels, cell, (MIDDLE[0], MIDDLE[1]))
    assert around is not None
    fraction = MIDDLE - np.rint(MIDDLE)
    peaks = [(fraction[0] + y, fraction[1] + x) for y, x, _ in CROWD]
    assert measure_loss(around, (fraction[0], fraction[1]), peaks) is not None
    assert measure_loss(around, (fraction[0], fraction[1]), []) is None
