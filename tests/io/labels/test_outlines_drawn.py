from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask

from napari_stem_defects.io.labels.outlines_drawn import (
    check_numbers,
    ellipse,
    mask_outlines,
    rectangle,
)


def test_a_mask_has_rings_around_its_pixels_and_holes() -> None:
    mask = np.zeros((9, 12), bool)
    mask[1:8, 2:10] = True
    mask[3:5, 4:6] = False
    outer, hole = mask_outlines(mask, top=20, left=30)
    assert set(outer) == {(y, x) for y in (20.5, 27.5) for x in (31.5, 39.5)}
    assert set(hole) == {(y, x) for y in (22.5, 24.5) for x in (33.5, 35.5)}
    assert mask_outlines(np.zeros((3, 3), bool)) == []


def test_a_rectangle_turns_clockwise_about_its_upper_left_corner() -> None:
    assert rectangle(30, 10, 20, 5)[:2] == [(9.5, 29.5), (9.5, 49.5)]
    turned = rectangle(30, 10, 20, 5, 90)
    np.testing.assert_allclose(turned, [(9.5, 29.5), (29.5, 29.5), (29.5, 24.5), (9.5, 24.5)])


@pytest.mark.parametrize("degrees", [0, 30])
def test_an_ellipse_covers_its_pixels(degrees: float) -> None:
    radians = np.radians(degrees)
    y, x = np.mgrid[:60, :80] + 0.5
    along = (x - 40) * np.cos(radians) + (y - 30) * np.sin(radians)
    across = (y - 30) * np.cos(radians) - (x - 40) * np.sin(radians)
    expected = (along / 20) ** 2 + (across / 9) ** 2 <= 1
    found = polygon2mask((60, 80), np.array(ellipse(40, 30, 20, 9, degrees)))
    assert np.count_nonzero(found != expected) < 0.02 * expected.sum()


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300])
def test_numbers_that_are_no_places_are_refused(odd: float) -> None:
    check_numbers(0, -5, 1e6)
    for number in range(5):
        given = [10.0, 20.0, 5.0, 6.0, 0.0]
        given[number] = odd
        for outline in (check_numbers, rectangle, ellipse):
            with pytest.raises(ValueError, match="not finite or too large"):
                outline(*given)
