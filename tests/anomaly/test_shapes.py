"""Centre lines and outlines of unusual cells."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.anomaly.shapes import centre_line, outlines


def length(line) -> float:
    return float(np.hypot(*np.diff(np.array(line), axis=0).T).sum())


def test_a_line_runs_from_end_to_end_through_the_middle_of_its_cells() -> None:
    cells = np.zeros((30, 60), bool)
    for x in range(5, 55):
        middle = 4 + 0.4 * x
        cells[round(middle) - 1 : round(middle) + 2, x] = True
    line = np.array(centre_line(*np.nonzero(cells)))
    away = np.abs(line[:, 0] - (4 + 0.4 * line[:, 1]))
    assert away[3:-3].max() < 0.2
    assert away.max() <= 1
    assert length(line) > 0.95 * np.hypot(49, 0.4 * 49)


def test_a_bent_line_is_followed() -> None:
    x = np.arange(60)
    y = np.rint(10 + 8 * np.sin(np.pi * x / 59)).astype(np.intp)
    line = np.array(centre_line(y, x))
    assert line[:, 0].max() > 17
    assert abs(line[0, 0] - 10) < 1 > abs(line[-1, 0] - 10)


def test_one_cell_is_a_line_of_one_point() -> None:
    assert centre_line(np.array([3]), np.array([7])) == ((3.0, 7.0),)


def test_an_area_is_outlined_with_its_holes() -> None:
    cells = np.ones((12, 12), bool)
    assert len(outlines(cells)) == 1
    cells[5:8, 5:8] = False
    rings = outlines(cells)
    assert len(rings) == 2
    assert all(ring[0] == ring[-1] for ring in rings)
    low, high = np.array(rings[0]).min(), np.array(rings[0]).max()
    assert (low, high) == (-0.5, 11.5)
