"""Straight lines of unusual cells."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.straight_lines import extents, is_line, line_core

PERIOD = 3.5


def band(degrees: float, size: int = 80, half: float = 4.0) -> np.ndarray:
    """Return a line through the middle of an image of cells."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.abs(y * np.cos(np.radians(degrees)) - x * np.sin(np.radians(degrees))) < half


def disc(y: float, x: float, radius: float, size: int = 80) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return np.hypot(rows - y, columns - x) < radius


def test_extents_are_along_and_across_the_principal_axis() -> None:
    cells = np.zeros((20, 20), bool)
    cells[4:7, 2:18] = True
    assert extents(*np.nonzero(cells)) == pytest.approx((16, 3))


def test_a_band_is_a_line_and_a_disc_is_none() -> None:
    assert is_line(*np.nonzero(band(20)), PERIOD)
    assert not is_line(*np.nonzero(disc(40, 40, 12)), PERIOD)
    assert is_line(np.zeros(80, int), np.arange(80), PERIOD)
    assert not is_line(np.zeros(80, int), 3 * np.arange(80), PERIOD)


@pytest.mark.parametrize("degrees", [0, 7, 33, 90, 141])
def test_what_is_attached_to_a_line_is_no_part_of_it(degrees: float) -> None:
    line = band(degrees)
    y, x = np.nonzero(line | disc(24, 30, 6) | disc(55, 62, 6))
    found = line_core(y, x, PERIOD)
    assert found is not None
    core, away = found
    assert core[line[y, x]].mean() > 0.85
    assert not core[~band(degrees, half=5.0)[y, x]].any()
    assert not away[core].any()
    rows = np.abs(
        (y - 39.5) * np.cos(np.radians(degrees)) - (x - 39.5) * np.sin(np.radians(degrees))
    )
    assert away == pytest.approx(np.maximum(rows - 4, 0), abs=2)


@pytest.mark.parametrize(
    "cells",
    [
        disc(40, 40, 15),
        band(30, half=9.0) | disc(24, 30, 6),
        disc(40, 20, 4.5) | disc(40, 30, 4.5),
        disc(40, 40, 30) & ~disc(40, 40, 24),
        disc(3, 3, 2),
    ],
    ids=["area", "wide band", "two columns", "ring", "one column"],
)
def test_other_groups_have_no_line_through_them(cells: np.ndarray) -> None:
    assert line_core(*np.nonzero(cells), PERIOD) is None


def test_the_direction_of_a_large_group_is_found_from_a_part_of_its_cells() -> None:
    line = band(33, size=1600, half=30.0)
    y, x = np.nonzero(line | disc(500, 400, 60, size=1600))
    assert len(y) > 80_000
    found = line_core(y, x, 26.0)
    assert found is not None
    assert found[0][line[y, x]].mean() > 0.85
    assert not found[0][~band(33, size=1600, half=33.0)[y, x]].any()
