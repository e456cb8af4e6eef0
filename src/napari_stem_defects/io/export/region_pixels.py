"""The pixels of each region of a result: which component of its mask a row of the table is."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import Region

_TOUCHING = np.ones((3, 3), bool)


def number_pixels(mask: NDArray[np.uint8], regions: Sequence[Region]) -> NDArray[np.int32]:
    """Return the number of the region in each pixel of a mask.

    The table of a result states the centroid and the area of each region. A region is the
    8-connected component of that area at its centroid; a bent one, whose centroid lies outside, the
    nearest component of that area around it. Where a mask was edited after the table was written,
    the component at the centroid counts.

    Parameters
    ----------
    mask : ndarray of uint8, shape (Y, X)
        0 and 1.
    regions : sequence of Region
        Regions of one class and frame.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        0 outside, and in components that are no region.
    """
    components, count = ndimage.label(mask, _TOUCHING)
    areas = np.bincount(components.ravel(), minlength=count + 1)
    number_of = np.zeros(count + 1, np.int32)
    at_centroid = [components[_pixel(each, mask.shape)] for each in regions]
    left: list[tuple[Region, int]] = []
    for region, component in zip(regions, at_centroid, strict=True):
        if component and areas[component] == region.area_px and not number_of[component]:
            number_of[component] = region.region
        else:
            left.append((region, component))
    if left:
        boxes = ndimage.find_objects(components)
        for region, component in left:
            free = [n for n in range(1, count + 1) if not number_of[n]]
            found = _around(region, [n for n in free if areas[n] == region.area_px], boxes)
            if found is None and component in free:
                found = component
            if found is not None:
                number_of[found] = region.region
    numbered: NDArray[np.int32] = number_of[components]
    return numbered


def line_pixels(mask: NDArray[np.uint8], region: Region) -> NDArray[np.bool_]:
    """Return the pixels of a mask along the centre line of a region.

    For a line whose name the geometry contradicts: its pixels are part of the mask ``unknown``,
    among others.

    Parameters
    ----------
    mask : ndarray of uint8, shape (Y, X)
    region : Region
        With a centre line.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        Pixels within half the mean width of the region and one more.
    """
    inside = np.zeros(mask.shape, bool)
    reach = region.area_px / max(region.length_px or 0.0, 1.0) / 2 + 1
    line = np.array(region.centre_line)
    low = np.maximum(np.floor(line.min(axis=0) - reach).astype(int), 0)
    high = np.ceil(line.max(axis=0) + reach).astype(int) + 1
    box = slice(low[0], high[0]), slice(low[1], high[1])
    y, x = np.nonzero(mask[box])
    if len(y):
        near = _distance(np.column_stack([y, x]) + low, line) <= reach
        inside[box][y[near], x[near]] = True
    return inside


def _pixel(region: Region, shape: tuple[int, ...]) -> tuple[int, int]:
    y, x = (
        min(max(math.floor(at + 0.5), 0), size - 1)
        for at, size in zip((region.y_px, region.x_px), shape, strict=True)
    )
    return y, x


def _around(
    region: Region, components: Sequence[int], boxes: Sequence[tuple[slice, slice]]
) -> int | None:
    """Return the component whose bounding box contains the centroid, the nearest of several."""
    found = []
    for number in components:
        rows, columns = boxes[number - 1]
        if rows.start - 1 <= region.y_px <= rows.stop and (
            columns.start - 1 <= region.x_px <= columns.stop
        ):
            middle = (rows.start + rows.stop - 1) / 2, (columns.start + columns.stop - 1) / 2
            found.append((math.dist(middle, (region.y_px, region.x_px)), number))
    return min(found)[1] if found else None


def _distance(points: NDArray[np.intp], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each point from a polyline."""
    nearest = np.full(len(points), np.inf)
    for start, end in pairwise(line):
        along = end - start
        length = float(along @ along)
        share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(1)
        foot = start + share[:, None] * along
        nearest = np.minimum(nearest, np.hypot(*(points - foot).T))
    return nearest
