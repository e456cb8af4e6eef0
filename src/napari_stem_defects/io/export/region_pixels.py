"""The pixels of each region of a result: which component of its mask a row of the table is."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

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
    number_of = np.zeros(count + 1, np.int32)
    if count and regions:
        areas = np.bincount(components.ravel(), minlength=count + 1)
        stated = np.array([each.area_px for each in regions])
        at_centroid = components[_pixels(regions, mask.shape)]
        fits = np.flatnonzero((at_centroid > 0) & (areas[at_centroid] == stated))
        _, firsts = np.unique(at_centroid[fits], return_index=True)
        sure = fits[firsts]
        number_of[at_centroid[sure]] = [regions[place].region for place in sure]
        left = np.setdiff1d(np.arange(len(regions)), sure).tolist()
        if left:
            candidates = _Candidates(components, areas, number_of > 0)
            for place in left:
                region, component = regions[place], int(at_centroid[place])
                found = candidates.take_around(region) or candidates.take(component)
                if found:
                    number_of[found] = region.region
    numbered: NDArray[np.int32] = number_of[components]
    return numbered


def line_pixels(
    mask: NDArray[np.uint8], region: Region
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
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
    inside : ndarray of bool, shape (y, x)
        Pixels within half the mean width of the region and one more, in the box around them.
    origin : (int, int)
        Row and column of the first pixel of the box.
    """
    reach = region.area_px / max(region.length_px or 0.0, 1.0) / 2 + 1
    line = np.array(region.centre_line)
    low = np.maximum(np.floor(line.min(axis=0) - reach).astype(int), 0)
    high = np.ceil(line.max(axis=0) + reach).astype(int) + 1
    part = mask[low[0] : high[0], low[1] : high[1]]
    inside = np.zeros(part.shape, bool)
    y, x = np.nonzero(part)
    if len(y):
        near = _distance(np.column_stack([y, x]) + low, line) <= reach
        inside[y[near], x[near]] = True
    return inside, (int(low[0]), int(low[1]))


class _Candidates:
    """The components of a mask that are no region yet.

    Parameters
    ----------
    components : ndarray of int, shape (Y, X)
        Number of the component in each pixel.
    areas : ndarray of int, shape (N + 1,)
        Pixels of each component; the first is the background.
    is_taken : ndarray of bool, shape (N + 1,)
    """

    def __init__(
        self,
        components: NDArray[np.integer],
        areas: NDArray[np.integer],
        is_taken: NDArray[np.bool_],
    ) -> None:
        self._free = ~is_taken
        self._free[0] = False
        boxes = [
            (rows.start, rows.stop, columns.start, columns.stop)
            for rows, columns in ndimage.find_objects(components)
        ]
        top, bottom, left, right = np.array([(0, 0, 0, 0), *boxes]).T
        self._middles = np.column_stack([top + bottom - 1, left + right - 1]) / 2
        self._halves = np.column_stack([bottom - top + 1, right - left + 1]) / 2
        free = np.flatnonzero(self._free)
        free = free[np.argsort(areas[free], kind="stable")]
        values, starts = np.unique(areas[free], return_index=True)
        self._of_area = dict(zip(values.tolist(), np.split(free, starts)[1:], strict=True))
        self._trees: dict[int, tuple[KDTree, float]] = {}

    def take_around(self, region: Region) -> int:
        """Take the component of its area around a centroid, the nearest of several, or 0."""
        numbers = self._of_area.get(region.area_px)
        if numbers is None:
            return 0
        if region.area_px not in self._trees:
            tree = KDTree(self._middles[numbers])
            self._trees[region.area_px] = tree, float(self._halves[numbers].max())
        tree, reach = self._trees[region.area_px]
        at = region.y_px, region.x_px
        near = tree.query_ball_point(at, reach, p=np.inf)
        around = [
            (math.dist(self._middles[number], at), number)
            for number in numbers[near].tolist()
            if self._free[number]
            and (np.abs(self._middles[number] - at) <= self._halves[number]).all()
        ]
        return self.take(min(around)[1]) if around else 0

    def take(self, component: int) -> int:
        """Take a component and return it; 0 if it is not free."""
        if not self._free[component]:
            return 0
        self._free[component] = False
        return component


def _pixels(
    regions: Sequence[Region], shape: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of the pixel at the centroid of each region."""
    at = np.array([(each.y_px, each.x_px) for each in regions])
    y, x = np.clip(np.floor(at + 0.5), 0, np.array(shape) - 1).astype(np.intp).T
    return y, x


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
