"""Columns of a larger cell repeat in order; defects at random places do not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.helpers.crystal_images import square_cell

from napari_stem_defects.lattice.repeated_in_order import repeats_in_order

PERIOD, SIZE = 16.0, 210
CELLS = (square_cell(PERIOD),)
MIDDLE = (6, 6)


def crystal(heights: np.ndarray, dose: float = 60.0) -> np.ndarray:
    """Return an image of a square lattice with a second column per cell of one height."""
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.full((SIZE, SIZE), 0.1)
    for (i, j), height in np.ndenumerate(heights):
        for offset, bright in ((0.0, height), (0.5, 0.6)):
            row, column = place(i + offset, j + offset)
            image += bright * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 2.3**2))
    return np.random.default_rng(2).poisson(dose * image).astype(np.float32)


def place(i: float, j: float) -> tuple[float, float]:
    return (i + 0.5) * PERIOD, (j + 0.5) * PERIOD


def ordered(order: tuple[int, int], every: int) -> np.ndarray:
    i, j = np.mgrid[:13, :13]
    return np.where((order[0] * i + order[1] * j) % every == 0, 0.55, 1.0)


@pytest.mark.parametrize(
    ("order", "every"), [((1, 0), 2), ((1, 1), 2), ((1, -1), 3)], ids=["rows", "both", "thirds"]
)
@pytest.mark.parametrize("dose", [15.0, 60.0])
def test_columns_of_a_larger_cell_repeat(order: tuple[int, int], every: int, dose: float) -> None:
    assert repeats_in_order(crystal(ordered(order, every), dose), CELLS, place(*MIDDLE))


def test_they_do_in_each_of_two_domains_in_anti_phase() -> None:
    heights = ordered((1, 1), 2)
    heights[:, 7:] = 1.55 - heights[:, 7:]
    image = crystal(heights)
    assert repeats_in_order(image, CELLS, place(6, 4))
    assert repeats_in_order(image, CELLS, place(6, 9))


@pytest.mark.parametrize("height", [0.0, 0.55, 1.6])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_defects_at_random_places_do_not(height: float, share: float) -> None:
    heights = np.where(np.random.default_rng(5).random((13, 13)) < share, height, 1.0)
    heights[MIDDLE] = height
    assert not repeats_in_order(crystal(heights), CELLS, place(*MIDDLE))


def test_a_defect_of_an_ordered_crystal_does_not() -> None:
    heights = ordered((1, 1), 2)
    heights[MIDDLE] = 0.0
    assert not repeats_in_order(crystal(heights), CELLS, place(*MIDDLE))


def test_too_few_places_state_nothing() -> None:
    image = crystal(ordered((1, 1), 2))
    assert not repeats_in_order(image, CELLS, (1.0, 1.0))
    assert not repeats_in_order(image[:40, :40], CELLS, (24.0, 24.0))
