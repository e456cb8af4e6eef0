"""Outlines of labelled regions along the edges of their pixels, for programs that draw polygons.

Vertices are corners of pixels: pixel (y, x) covers [y, y + 1] x [x, x + 1], so that a polygon
contains exactly the pixels of its region. Rings are simple (no vertex twice): where two pixels of a
region touch at a corner only, they are parts of two polygons.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, depth_first_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


class Polygon(NamedTuple):
    """A part of a region that is connected through edges of pixels.

    Attributes
    ----------
    shell : ndarray of int, shape (n, 2)
        Vertices (y, x) of the outer ring, clockwise as displayed (y downwards), not closed.
    holes : tuple of ndarray of int, shape (n, 2)
        The inner rings, counter-clockwise.
    """

    shell: NDArray[np.int64]
    holes: tuple[NDArray[np.int64], ...]

    def moved(self, by: tuple[int, int]) -> Polygon:
        """Return the polygon of a part of an image in the whole image.

        Parameters
        ----------
        by : (int, int)
            Row and column of the first pixel of the part.

        Returns
        -------
        Polygon
        """
        return Polygon(self.shell + by, tuple(hole + by for hole in self.holes))


def trace_outlines(labels: NDArray[np.integer]) -> dict[int, tuple[Polygon, ...]]:
    """Return the outlines of all regions of a label image.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Number of the region in each pixel, 0 outside.

    Returns
    -------
    dict of int to tuple of Polygon
        By number; a region has several polygons where its parts touch at corners only, or not at
        all.
    """
    padded = np.pad(labels, 1)
    pixels, sides = _boundary(padded)
    if not len(pixels):
        return {}
    following, touches = _next_edges(padded, pixels, sides)
    order, starts = _rings(following)
    pixels, sides = pixels[order], sides[order]
    numbers = padded.ravel()[pixels[starts[:-1]]]
    is_simple = ~np.logical_or.reduceat(touches[order], starts[:-1])
    rings: dict[int, list[NDArray[np.int64]]] = {}
    for number, ring, simple in zip(
        numbers.tolist(),
        _corners(pixels, sides, starts, padded.shape[1]),
        is_simple.tolist(),
        strict=True,
    ):
        rings.setdefault(number, []).extend([ring] if simple else _simple(ring))
    return {number: _polygons(found) for number, found in rings.items()}


def _boundary(padded: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pixel and side (0 top, 1 right, 2 bottom, 3 left) of every edge of a region."""
    flat = padded.ravel()
    inside = np.flatnonzero(flat)
    values = flat[inside]
    found = [
        inside[flat[inside + across] != values] for across in np.roll(_steps(padded.shape[1]), 1)
    ]
    sides = np.repeat(np.arange(4), [len(each) for each in found])
    return np.concatenate(found), sides


def _steps(width: int) -> NDArray[np.int64]:
    """Return how the pixel index changes along each side: right, down, left, up."""
    return np.array([1, width, -1, -width])


def _next_edges(
    padded: NDArray[np.integer], pixels: NDArray[np.int64], sides: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the index of the edge after each edge, and where a ring touches its own region.

    An edge runs with its pixel on the right. It continues along the next side of the pixel, along
    the pixel ahead, or turns left along the pixel beyond that, in this order of preference: pixels
    that touch at a corner only are not joined. Only at such a corner can a ring pass twice.
    """
    flat = padded.ravel()
    steps = _steps(padded.shape[1])
    along, across = steps[sides], np.roll(steps, 1)[sides]
    values = flat[pixels]
    ahead, beyond = pixels + along, pixels + along + across
    turns_right = flat[ahead] != values
    is_beyond = flat[beyond] == values
    goes_straight = ~turns_right & ~is_beyond
    next_pixel = np.where(turns_right, pixels, np.where(goes_straight, ahead, beyond))
    next_side = np.where(turns_right, sides + 1, np.where(goes_straight, sides, sides - 1)) % 4
    following = np.empty_like(pixels)
    for side in range(4):  # the edges come side by side, each side in the order of its pixels
        first, end = np.searchsorted(sides, [side, side + 1])
        chosen = next_side == side
        following[chosen] = first + np.searchsorted(pixels[first:end], next_pixel[chosen])
    return following, turns_right & is_beyond


def _rings(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges ring by ring, and where each ring starts; the last start is the end.

    Each ring starts at its first edge. The rings are cut there and joined to one path, which is
    followed at once.
    """
    count = len(following)
    places = np.arange(count)
    weights = np.ones(count, np.int8)
    ring_count, ring_of = connected_components(
        csr_array((weights, following, np.arange(count + 1)), shape=(count, count))
    )
    _, firsts = np.unique(ring_of, return_index=True)
    firsts.sort()
    before = np.empty_like(following)
    before[following] = places
    lasts = before[firsts]
    path = following.copy()
    path[lasts[:-1]] = firsts[1:]
    keeps = places != lasts[-1]  # the path ends there
    ends = np.concatenate([[0], np.cumsum(keeps)])
    joined = csr_array((weights[keeps], path[keeps], ends), shape=(count, count))
    order = depth_first_order(joined, firsts[0], return_predecessors=False)
    lengths = np.bincount(ring_of, minlength=ring_count)[ring_of[firsts]]
    return order, np.concatenate([[0], np.cumsum(lengths)])


def _corners(
    pixels: NDArray[np.int64], sides: NDArray[np.int64], starts: NDArray[np.int64], width: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the vertices (y, x) of each ring, in px of the image without its padding."""
    y, x = np.divmod(pixels, width)
    # A side starts at the upper left, upper right, lower right or lower left corner of its pixel.
    vertices = np.stack([y - 1 + (sides >= 2), x - 1 + ((sides == 1) | (sides == 2))], axis=1)
    before = np.arange(len(sides)) - 1
    before[starts[:-1]] = starts[1:] - 1
    is_corner = sides != sides[before]
    ends = np.concatenate([[0], np.cumsum(is_corner)])[starts]
    corners = vertices[is_corner]
    for first, last in pairwise(ends.tolist()):
        yield corners[first:last]


def _simple(ring: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield the parts of a ring, none of which has a vertex that occurs twice."""
    points = [(y, x) for y, x in ring.tolist()]
    path, place_of = list[tuple[int, int]](), dict[tuple[int, int], int]()
    for point in points:
        start = place_of.get(point)
        if start is not None:
            yield np.array(path[start:])
            for each in path[start:]:
                del place_of[each]
            del path[start:]
        place_of[point] = len(path)
        path.append(point)
    yield np.array(path)


def _polygons(rings: Sequence[NDArray[np.int64]]) -> tuple[Polygon, ...]:
    """Return the polygons of one region: each hole belongs to the smallest shell around it."""
    if len(rings) == 1:
        return (Polygon(rings[0], ()),)
    areas = [signed_area(ring) for ring in rings]
    # The largest shell last, so that a shell in the hole of another takes its own holes.
    shells = sorted((area, place) for place, area in enumerate(areas) if area > 0)
    holes: dict[int, list[NDArray[np.int64]]] = {place: [] for _, place in shells}
    for ring, area in zip(rings, areas, strict=True):
        if area < 0:
            inside = _pixel_beside(ring)
            place = next(place for _, place in shells if _contains(rings[place], inside))
            holes[place].append(ring)
    return tuple(Polygon(rings[place], tuple(inner)) for place, inner in holes.items())


def _pixel_beside(ring: NDArray[np.int64]) -> tuple[float, float]:
    """Return the centre of a pixel of the region, on the right of the first edge of a ring."""
    dy, dx = np.sign(ring[1] - ring[0]).tolist()
    y, x = ring[0].tolist()
    return y + (dy + dx) / 2, x + (dx - dy) / 2


def _contains(ring: NDArray[np.int64], point: tuple[float, float]) -> bool:
    """Return whether a ring encloses the centre of a pixel (even-odd rule)."""
    y, x = point
    after = np.roll(ring, -1, axis=0)
    crosses = ((ring[:, 0] > y) != (after[:, 0] > y)) & (ring[:, 1] > x)
    return bool(np.count_nonzero(crosses) % 2)


def signed_area(ring: NDArray[np.integer]) -> float:
    """Return the area inside a ring, px², negative for a hole.

    Parameters
    ----------
    ring : ndarray of int, shape (n, 2)
        Vertices (y, x), not closed.

    Returns
    -------
    float
        By the shoelace formula.
    """
    y, x = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2
