"""Lines fitted to the windows of the fragments of planar defects."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.postprocessing.planar_fragments import (
    Fragment,
    fitted_line,
    line_length,
    weighted_fit,
)

NO_ROWS = np.zeros((0, 2))
SHAPE = (400, 400)


def fragment(path: np.ndarray, width: float = 20.0) -> Fragment:
    steps = np.linspace(0, 1, 30)[:, None]
    windows = path[0] + steps * (path[-1] - path[0])
    area = round(width * line_length(path))
    box = slice(0, 400), slice(0, 400)
    return Fragment("SF1", 1, path, path, area, box, np.column_stack([windows, np.ones(30)]))


def test_a_straight_path_becomes_the_fit_with_two_points() -> None:
    path = np.array([[100.0, 50.0], [101.0, 150.0], [99.0, 250.0], [100.0, 350.0]])
    line = fitted_line([fragment(path)], NO_ROWS, SHAPE)
    np.testing.assert_allclose(line, [[100, 50], [100, 350]], atol=0.5)


def test_a_bent_path_stays() -> None:
    x = np.linspace(50, 350, 31)
    path = np.column_stack([100 + 80 * np.sin((x - 50) / 300 * np.pi), x])
    assert len(fitted_line([fragment(path)], NO_ROWS, SHAPE)) == 31


def test_windows_of_no_probability_count_alike() -> None:
    places = np.array([[10.0, 2.0], [10.0, 30.0], [10.0, 60.0]])
    windows = np.column_stack([places, np.zeros(3)])
    line = weighted_fit(windows, places[[0, -1]], np.zeros((0, 2)))
    assert line == pytest.approx(places[[0, -1]])


def test_without_windows_a_line_has_the_ends_of_the_other() -> None:
    bent = np.array([[0.0, 0.0], [5.0, 10.0], [0.0, 20.0]])
    assert weighted_fit(np.zeros((0, 3)), bent, np.zeros((0, 2))) == pytest.approx(bent[[0, 2]])


def test_heavy_windows_decide() -> None:
    light = np.column_stack([np.full(20, 120.0), np.linspace(0, 380, 20), np.full(20, 0.01)])
    heavy = np.column_stack([np.full(20, 100.0), np.linspace(0, 380, 20), np.full(20, 10.0)])
    line = np.array([[110.0, 0.0], [110.0, 380.0]])
    fit = weighted_fit(np.concatenate([light, heavy]), line, NO_ROWS)
    assert fit[:, 0] == pytest.approx([100, 100], abs=0.1)


@pytest.mark.parametrize(("row_deg", "expected"), [(3.0, 3.0), (8.0, 0.0)])
def test_only_a_near_lattice_row_gives_its_direction(row_deg: float, expected: float) -> None:
    windows = np.column_stack([np.full(20, 100.0), np.linspace(0, 380, 20), np.ones(20)])
    row = np.array([[np.sin(np.radians(row_deg)), np.cos(np.radians(row_deg))]])
    first, last = weighted_fit(windows, np.array([[100.0, 0.0], [100.0, 380.0]]), row)
    angle = np.degrees(np.arctan2(last[0] - first[0], last[1] - first[1]))
    assert angle == pytest.approx(expected, abs=1e-6)
