"""Places that repeat along one lattice row are part of a line; what differs from all is a point."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.repeated_along_row import repeats_along_row

PERIOD, SIZE = 20.0, 300


def crystal(height_of, turn_deg: float = 3.0, dose: float = 60.0, seed: int = 1):
    """Return an image of a square lattice with a second column per cell, and the places of it.

    ``height_of`` gives the brightness of columns from their places in lattice vectors.
    """
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    steps = np.arange(-14, 15)
    cell = np.array([(i, j) for i in steps for j in steps], float)
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.full((SIZE, SIZE), 0.1)
    for offset, bright in ((0.0, 1.0), (0.5, 0.5)):
        at = cell + offset
        places = at @ (PERIOD * turn) + SIZE / 2
        for (row, column), height in zip(places, bright * height_of(at), strict=True):
            near = tuple(slice(max(0, int(at) - 14), max(0, int(at) + 15)) for at in (row, column))
            apart = (y[near] - row) ** 2 + (x[near] - column) ** 2
            image[near] += height * np.exp(-apart / (2 * 2.8**2))

    def place(i: float, j: float) -> tuple[float, float]:
        row, column = np.array([i, j]) @ (PERIOD * turn) + SIZE / 2
        return float(row), float(column)

    counts = np.random.default_rng(seed).poisson(dose * image)
    return counts.astype(np.float32), place


def cells_of(image: np.ndarray):
    return measure_lattices(image).cells


@pytest.mark.parametrize("dimmer", [0.35, 2.0])
@pytest.mark.parametrize("along", [(0, 1), (1, 1)])
def test_columns_along_an_interface_repeat(dimmer: float, along: tuple[int, int]) -> None:
    across = np.array([along[1], -along[0]])
    image, place = crystal(lambda at: np.where(at @ across > -0.1, 1.0, dimmer))
    cells = cells_of(image)
    beside = [place(*(step * np.array(along) - across * 0.5)) for step in (-2, -1, 0, 1, 2)]
    assert all(repeats_along_row(image, cells, each) for each in beside)


@pytest.mark.parametrize("height", [0.0, 0.5, 1.8])
@pytest.mark.parametrize("dose", [8.0, 60.0])
def test_a_column_of_its_own_does_not(height: float, dose: float) -> None:
    def with_defects(at: np.ndarray) -> np.ndarray:
        changed = (at == (0, 0)).all(axis=1) | (at == (4, 3)).all(axis=1)
        return np.where(changed, height, 1.0)

    image, place = crystal(with_defects, dose=dose)
    cells = cells_of(image)
    assert not repeats_along_row(image, cells, place(0, 0))
    assert not repeats_along_row(image, cells, place(4, 3))


def test_neither_do_two_neighbours_or_the_perfect_crystal() -> None:
    image, place = crystal(
        lambda at: np.where((np.abs(at[:, 0]) < 0.1) & (np.abs(at[:, 1] - 0.5) < 0.6), 0.0, 1.0)
    )
    cells = cells_of(image)
    assert not any(repeats_along_row(image, cells, place(0, j)) for j in (0, 1, -3))


def test_a_defect_in_the_last_row_before_another_crystal_stays() -> None:
    def heights(at: np.ndarray) -> np.ndarray:
        return np.where((at == (0, 0)).all(axis=1), 0.0, np.where(at[:, 0] < 0.1, 1.0, 0.35))

    image, place = crystal(heights)
    assert not repeats_along_row(image, cells_of(image), place(0, 0))


def test_at_the_border_and_in_small_images_there_is_no_row() -> None:
    image, _ = crystal(lambda at: np.ones(len(at)))
    cells = cells_of(image)
    assert not repeats_along_row(image, cells, (1.0, 150.0))
    assert not repeats_along_row(image[:30, :30].copy(), cells, (15.0, 15.0))
    assert not repeats_along_row(image, (), (150.0, 150.0))
