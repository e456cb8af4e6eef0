"""Both sides of a line as weighted parts of the image."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from napari_stem_defects.planar_geometry import sides as sides_module
from napari_stem_defects.planar_geometry.sides import GAP_PERIODS, NEAR_PERIODS, cut_sides

PERIOD = 12.0
LINE = np.array([[150.0, 20.0], [150.0, 280.0]])


def image() -> np.ndarray:
    return np.random.default_rng(0).random((300, 300)).astype(np.float32)


def used(side: sides_module.Patch) -> np.ndarray:
    """Return which pixels of the image have weight, for a line whose middle is (150, 150)."""
    found = np.zeros((300, 300), bool)
    rows, columns = (np.rint(at + 150).astype(int) for at in (side.y, side.x))
    found[np.ix_(rows, columns)] = side.weights > 0
    return found


def test_sides_leave_out_the_defect_and_do_not_overlap() -> None:
    sides = cut_sides(image(), LINE, PERIOD)
    assert sides is not None
    assert not (used(sides.first) & used(sides.second)).any()
    near = np.abs(sides.first.y) < GAP_PERIODS * PERIOD
    assert not sides.first.weights[near].any()
    assert sides.across.tolist() == [-1, 0]
    assert sides.first.y[sides.first.weights.any(axis=1)].max() < 0
    deepest = np.abs(sides.near_second.y[sides.near_second.weights.any(axis=1)]).max()
    assert deepest <= (GAP_PERIODS + NEAR_PERIODS) * PERIOD


def test_a_line_along_the_border_has_no_second_side() -> None:
    assert cut_sides(image(), np.array([[10.0, 20.0], [10.0, 280.0]]), PERIOD) is None


def test_what_lies_beyond_another_line_is_left_out() -> None:
    other = np.array([[240.0, 0.0], [240.0, 299.0]])
    sides = cut_sides(image(), LINE, PERIOD, [other])
    assert sides is not None
    rows = sides.second.y[sides.second.weights.any(axis=1)] + 150
    assert rows.max() <= 240 - GAP_PERIODS * PERIOD
    assert cut_sides(image(), LINE, PERIOD, [other - (50, 0)]) is None


@pytest.mark.parametrize("seed", range(6))
def test_segments_that_are_not_compared_would_hide_nothing(seed: int) -> None:
    """Lines all over the image, each compared with the pixels, and only those near the sides."""
    rng = np.random.default_rng(seed)
    line = np.array([[130.0, 60.0], [170.0, 240.0]])
    others = [rng.uniform(-100, 400, (3, 2)) for _ in range(5)]
    few = cut_sides(image(), line, 6.0, others)
    with (
        patch.object(sides_module, "_may_hide", lambda each, *_: np.ones(len(each), bool)),
        patch.object(sides_module, "_beyond", lambda s, *_: np.arange(len(s))),
    ):
        every = cut_sides(image(), line, 6.0, others)
    assert few is not None
    assert every is not None
    for number in range(4):  # the four patches
        np.testing.assert_array_equal(few[number].weights, every[number].weights)


def test_lines_far_away_are_not_compared_with_pixels() -> None:
    far = [np.array([[1000.0 + 10 * number, 0.0], [1000.0, 3000.0]]) for number in range(50)]
    with patch.object(sides_module, "_behind", wraps=sides_module._behind) as behind:
        cut_sides(image(), LINE, PERIOD, [*far, np.array([[240.0, 0.0], [240.0, 299.0]])])
    assert behind.call_count == 1


def test_invalid_pixels_have_no_weight() -> None:
    invalid = np.zeros((300, 300), bool)
    invalid[:, 100:120] = True
    sides = cut_sides(image(), LINE, PERIOD, invalid=invalid)
    assert sides is not None
    columns = np.rint(sides.first.x + 150).astype(int)
    assert not sides.first.weights[:, (columns >= 100) & (columns < 120)].any()


def test_images_of_many_px_per_period_are_averaged() -> None:
    fine = cut_sides(image(), LINE, 12.0)
    coarse = cut_sides(np.kron(image(), np.ones((4, 4), np.float32)), 4 * LINE + 1.5, 48.0)
    assert fine is not None
    assert coarse is not None
    assert coarse.first.pixels.size < 1.5 * fine.first.pixels.size
