"""Rows of the table find their pixels, also where masks are bent, alike or edited."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from export_samples import masks
from numpy.typing import NDArray
from skimage.draw import line as draw_line

from napari_stem_defects.io.export.region_pixels import line_pixels, number_pixels
from napari_stem_defects.postprocessing.results import Region


def region(number: int, mask: NDArray[np.bool_]) -> Region:
    """Return a region with the centroid and area of a mask."""
    y, x = (float(each.mean()) for each in np.nonzero(mask))
    area = int(mask.sum())
    return Region("a", 0, "X", number, y, x, None, None, area, None, None, 0.9, 0.9, "area")


def test_regions_have_the_numbers_of_the_table() -> None:
    mask = masks()[0]
    upper, lower = mask.copy(), mask.copy()
    upper[45:], lower[:45] = 0, 0
    numbered = number_pixels(mask, [region(7, lower > 0), region(3, upper > 0)])
    np.testing.assert_array_equal(numbered == 7, lower > 0)
    np.testing.assert_array_equal(numbered == 3, upper > 0)


def test_a_bent_region_is_found_although_its_centroid_lies_outside() -> None:
    y, x = np.indices((60, 60))
    radius = np.hypot(y - 30, x - 20)
    arc = (radius > 14) & (radius < 18) & (x > 20)
    dot = np.hypot(y - 30, x - 27) < 3
    assert not arc[30, 30]
    numbered = number_pixels((arc | dot).astype(np.uint8), [region(1, arc), region(2, dot)])
    np.testing.assert_array_equal(numbered == 1, arc)
    np.testing.assert_array_equal(numbered == 2, dot)


def test_a_region_within_a_ring_of_another_keeps_its_pixels() -> None:
    y, x = np.indices((60, 60))
    radius = np.hypot(y - 30, x - 30)
    ring, dot = (radius > 20) & (radius < 24), radius < 4
    numbered = number_pixels((ring | dot).astype(np.uint8), [region(1, ring), region(2, dot)])
    np.testing.assert_array_equal(numbered == 1, ring)
    np.testing.assert_array_equal(numbered == 2, dot)


def test_an_edited_mask_keeps_the_component_at_the_centroid() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10:20] = 1
    before = region(5, mask > 0)
    mask[10:12, 10:12] = 0
    mask[30:35, 30:35] = 1  # added by hand: no row of the table
    numbered = number_pixels(mask, [before, replace(before, region=6, y_px=2.0, x_px=2.0)])
    assert set(np.unique(numbered)) == {0, 5}
    assert (numbered[30:35, 30:35] == 0).all()
    assert (numbered == 5).sum() == 96


def test_touching_corners_are_one_region() -> None:
    mask = np.eye(5, dtype=np.uint8)
    assert (number_pixels(mask, [region(1, mask > 0)]) == mask).all()


def test_pixels_along_a_line_are_those_of_its_band() -> None:
    mask = np.ones((50, 80), np.uint8)
    points = ((5.0, 5.0), (25.0, 40.0), (25.0, 70.0))
    length = float(np.hypot(20, 35) + 30)
    found = replace(region(1, mask > 0), kind="line", centre_line=points, area_px=int(5 * length))
    inside = in_whole(mask, found)
    assert inside[draw_line(5, 5, 25, 40)].all()
    assert inside[25 - 3 : 25 + 4, 60].all()
    assert not inside[25 - 4, 60]
    assert abs(int(inside.sum()) - 7 * length) < 0.1 * 7 * length
    assert not line_pixels(0 * mask, found)[0].any()


def in_whole(mask: NDArray[np.uint8], found: Region) -> NDArray[np.bool_]:
    """Return the pixels along a line in an image of the size of the mask."""
    part, (top, left) = line_pixels(mask, found)
    whole = np.zeros(mask.shape, bool)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole


def test_a_table_with_more_rows_than_components_leaves_the_rest_without_pixels() -> None:
    mask, (first, *_) = rings(1)
    dot = np.zeros_like(mask)
    dot[2:4, 2:4] = 1
    numbered = number_pixels(dot, [region(1, dot > 0), replace(first, region=2)])
    np.testing.assert_array_equal(numbered, dot)


def test_many_bent_regions_of_one_area_are_told_apart() -> None:
    """No centroid of theirs is a pixel of theirs, and all have the same area."""
    numbered = number_pixels(*rings(20))
    pitches = numbered.reshape(20, 24, 20, 24).max(axis=(1, 3)).ravel()
    np.testing.assert_array_equal(pitches, np.arange(1, 401))
    assert (numbered > 0).sum() == rings(20)[0].sum()


@pytest.mark.slow
def test_the_time_of_bent_regions_grows_with_their_number() -> None:
    """Four times as many take 16 times as long where each looks at all others one by one."""
    few, many = (min(seconds(*rings(edge)) for _ in range(3)) for edge in (40, 80))
    assert many < 10 * few


def seconds(mask: NDArray[np.uint8], regions: list[Region]) -> float:
    """Return the processor time of numbering."""
    started = time.process_time()
    number_pixels(mask, regions)
    return time.process_time() - started


def rings(edge: int) -> tuple[NDArray[np.uint8], list[Region]]:
    """Return ``edge`` by ``edge`` rings and their rows in the table."""
    y, x = np.indices((24 * edge, 24 * edge)) % 24 - 12
    radius = np.hypot(y, x)
    mask = ((radius > 5) & (radius < 9)).astype(np.uint8)
    first = region(1, mask[:24, :24] > 0)
    places = np.argwhere(np.ones((edge, edge)))
    return mask, [
        replace(first, region=number, y_px=first.y_px + 24 * row, x_px=first.x_px + 24 * column)
        for number, (row, column) in enumerate(places.tolist(), 1)
    ]
