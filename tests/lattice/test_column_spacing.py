"""Column spacing: that of the columns, whatever the unit cell."""

from __future__ import annotations

import numpy as np
import pytest
from large_cells import many_columns

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.unit_cell import lattice_period, units_per_period


@pytest.mark.parametrize("count", [1, 4, 12, 24])
def test_the_spacing_does_not_depend_on_the_cell(count):
    cell = measure_lattices(many_columns(count).pixels).cell
    assert cell is not None
    assert lattice_period(cell) == pytest.approx(9 * np.sqrt(count), rel=0.02)
    assert cell.column_spacing_px == pytest.approx(9, rel=0.12)


@pytest.mark.parametrize(("count", "many"), [(1, False), (4, False), (12, True), (24, True)])
def test_lengths_follow_the_columns_of_a_large_cell(count, many):
    cell = measure_lattices(many_columns(count).pixels).cell
    assert cell is not None
    assert (units_per_period(cell) > 1) is many
