"""Column spacing: that of the columns, whatever the unit cell."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.unit_cell import lattice_period, units_per_period

_APART = 0.8
"""Least distance of two columns in mean spacings."""


def many_columns(count, spacing, *, size=420, ratio=1.2, seed=0):
    """Return an image of cells with some columns at random places, without noise below 2 %."""
    rng = np.random.default_rng(seed)
    width = np.sqrt(count * spacing**2 / ratio)
    edges = np.array([ratio * width, width])
    places = np.zeros((0, 2))
    while len(places) < count:
        place = rng.uniform(0, edges)
        away = (places - place + edges / 2) % edges - edges / 2
        if not len(places) or np.hypot(*away.T).min() > _APART * spacing:
            places = np.vstack([places, place])
    heights = rng.choice([0.4, 0.7, 1.0], count)
    y, x = np.mgrid[:size, :size].astype(float)
    image = np.zeros((size, size))
    for (row, column), height in zip(places, heights, strict=True):
        dy, dx = (
            (v - c + e / 2) % e - e / 2 for v, c, e in ((y, row, edges[0]), (x, column, edges[1]))
        )
        image += height * np.exp(-(dy**2 + dx**2) / (2 * (0.18 * spacing) ** 2))
    return (image + rng.normal(0, 0.02, image.shape)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 4, 12, 24])
def test_the_spacing_does_not_depend_on_the_cell(count):
    cell = measure_lattices(many_columns(count, 9.0)).cell
    assert cell is not None
    assert lattice_period(cell) == pytest.approx(9 * np.sqrt(count), rel=0.02)
    assert cell.column_spacing_px == pytest.approx(9, rel=0.12)


@pytest.mark.parametrize(("count", "many"), [(1, False), (4, False), (12, True), (24, True)])
def test_lengths_follow_the_columns_of_a_large_cell(count, many):
    cell = measure_lattices(many_columns(count, 9.0)).cell
    assert cell is not None
    assert (units_per_period(cell) > 1) is many
