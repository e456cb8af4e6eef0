"""Parts of a group of unusual cells: areas, and the points beside and between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.area_border import above_half, closed_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEEP = 0.75
"""Radius in periods of the disc that an area contains within its border."""
_FILLED = 0.4
"""Share of an area with half of the highest power near it, at least. Between points that crowd
hardly any place has it, however unusual all of them are."""

Box = tuple[slice, slice]


class AreaParts(NamedTuple):
    """A group of unusual cells in its parts.

    Attributes
    ----------
    areas : list of ndarray of bool, shape (gy, gx)
        Cells of each area.
    points : ndarray of int32, shape (gy, gx)
        Numbers, from 1, of the other parts with a peak of their own; 0 elsewhere.
    """

    areas: list[NDArray[np.bool_]]
    points: NDArray[np.int32]


def area_parts(
    cells: NDArray[np.bool_],
    scores: NDArray[np.float32],
    level: NDArray[np.float32],
    cells_per_period: float,
) -> AreaParts:
    """Divide a group of unusual cells, without what is unusual around its parts alone.

    Parameters
    ----------
    cells : ndarray of bool, shape (gy, gx)
        The group.
    scores : ndarray of float32, shape (gy, gx)
        Highest anomaly score in each cell, about 1 in the perfect crystal.
    level : ndarray of float32, shape (gy, gx)
        1 is the threshold.
    cells_per_period : float

    Returns
    -------
    AreaParts
        Every peak that reaches the threshold is in one of them. The whole group is one area if
        it has no such parts.
    """
    inner = np.where(cells, scores, np.float32(1))
    half = above_half(np.square(inner) - 1, cells, cells_per_period)
    inside = closed_within(half, cells, cells_per_period)
    parts, count = ndimage.label(inside, np.ones((3, 3)))
    areas: list[NDArray[np.bool_]] = []
    others = np.zeros_like(cells)
    for number in range(1, count + 1):
        part = parts == number
        deep = depth(part) >= _DEEP * cells_per_period
        if deep and half[part].mean() >= _FILLED:
            areas.append(part)
        else:
            others |= part & half if deep else part
    points, _ = ndimage.label(others, np.ones((3, 3)))
    reached = np.zeros(int(points.max()) + 1, np.int32)
    peaked = np.unique(points[others & (level >= 1)])
    reached[peaked] = np.arange(1, len(peaked) + 1)
    points = reached[points]
    return AreaParts(areas, points) if areas or points.any() else AreaParts([cells], points)


def beside_area(
    cells: NDArray[np.bool_], level: NDArray[np.float32], deepest: float
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the numbers of the small separate parts of a group, and the areas in it.

    Parameters
    ----------
    cells : ndarray of bool, shape (gy, gx)
        The group.
    level : ndarray of float32, shape (gy, gx)
        1 is the threshold.
    deepest : float
        A small part contains no disc of this radius in cells, and exceeds the threshold by itself.

    Returns
    -------
    apart : ndarray of int32, shape (gy, gx)
        Numbers of the small parts, from 1.
    rest : ndarray of bool, shape (gy, gx)
        The other cells.
    """
    parts, _ = ndimage.label(cells, np.ones((3, 3)))
    deep = ndimage.distance_transform_edt(np.pad(cells, 1))[1:-1, 1:-1]
    apart, rest, found = np.zeros(cells.shape, np.int32), cells.copy(), 0
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        own = parts[box] == number
        if deep[box][own].max() < deepest and level[box][own].max() >= 1:
            found += 1
            apart[box][own], rest[box][own] = found, False
    return apart, rest


def depth(cells: NDArray[np.bool_]) -> float:
    """Return the radius in cells of the largest disc in some cells.

    Parameters
    ----------
    cells : ndarray of bool, shape (gy, gx)

    Returns
    -------
    float
    """
    return float(ndimage.distance_transform_edt(np.pad(cells, 1)).max())


def has_peak(
    own: NDArray[np.bool_], part: Box, cells: NDArray[np.bool_], level: NDArray[np.float32]
) -> bool:
    """Return whether a part of a group has a peak above the threshold, also against the others.

    Parameters
    ----------
    own : ndarray of bool, shape of ``part``
        Cells of the part.
    part : (slice, slice)
        Where they are in the group.
    cells : ndarray of bool, shape (gy, gx)
        The group.
    level : ndarray of float32, shape (gy, gx)
        1 is the threshold.

    Returns
    -------
    bool
    """
    grown: Box = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in part)  # type: ignore[assignment]
    values = np.where(cells[grown], level[grown], np.float32(0))
    tops = (values == ndimage.maximum_filter(values, 3)) & (values >= 1)
    inside = tuple(
        slice(side.start - around.start, side.stop - around.start)
        for side, around in zip(part, grown, strict=True)
    )
    return bool(tops[inside][own].any())
