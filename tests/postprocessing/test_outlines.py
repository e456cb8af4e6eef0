"""Outlines contain exactly the pixels of their regions, in simple rings."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import label

from napari_stem_defects.postprocessing.outlines import Polygon, signed_area, trace_outlines


def drawn(polygons: tuple[Polygon, ...], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centres lie in polygons, by crossings of each row."""
    inside = np.zeros(shape, bool)
    for polygon in polygons:
        for ring in (polygon.shell, *polygon.holes):
            after = np.roll(ring, -1, axis=0)
            for (y0, x0), (y1, x1) in zip(ring, after, strict=True):
                if x0 == x1:
                    inside[min(y0, y1) : max(y0, y1), x0:] ^= True
    return inside


@given(arrays(bool, (7, 9), elements=st.booleans()))
def test_polygons_contain_the_pixels_of_their_region(mask: NDArray[np.bool_]) -> None:
    labels, count = label(mask, np.ones((3, 3)))
    found = trace_outlines(labels)
    assert sorted(found) == list(range(1, count + 1))
    for number, polygons in found.items():
        np.testing.assert_array_equal(drawn(polygons, mask.shape), labels == number)
        parts, part_count = label(labels == number)
        assert len(polygons) == part_count
        for polygon in polygons:
            # Each polygon is one part that is connected through edges, its own holes left out.
            assert len(np.unique(parts[drawn((polygon,), mask.shape)])) == 1
            assert signed_area(polygon.shell) > 0
            assert all(signed_area(hole) < 0 for hole in polygon.holes)
            for ring in (polygon.shell, *polygon.holes):
                assert len({tuple(point) for point in ring.tolist()}) == len(ring)


def test_a_rectangle_has_its_four_corners() -> None:
    labels = np.zeros((9, 9), int)
    labels[2:5, 3:8] = 4
    (polygon,) = trace_outlines(labels)[4]
    assert polygon.shell.tolist() == [[2, 3], [2, 8], [5, 8], [5, 3]]
    assert polygon.holes == ()
    assert signed_area(polygon.shell) == 15


def test_neighbours_with_other_numbers_keep_their_own_outlines() -> None:
    labels = np.array([[1, 1, 2], [1, 3, 2]])
    found = trace_outlines(labels)
    assert {number: signed_area(each[0].shell) for number, each in found.items()} == {
        1: 3,
        2: 2,
        3: 1,
    }


def test_nothing_has_no_outline() -> None:
    assert trace_outlines(np.zeros((5, 5), int)) == {}


@pytest.mark.slow
def test_ten_thousand_regions_take_less_than_a_second() -> None:
    y, x = np.mgrid[:2400, :2400] % 24 - 12
    labels, count = label(y**2 + x**2 < 70)
    started = time.process_time()
    found = trace_outlines(labels)
    assert len(found) == count == 10_000
    assert time.process_time() - started < 1
