"""Where an unusual place shows itself best: an example to look at and to label.

The centroid of a line may lie in an area that it crosses, and that of a crescent beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from skimage.measure import points_in_poly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.shapes import Line

_POINTS, _GRID = 120, 48
"""Points compared along a line, and along each edge of the box around an area."""


def example_places(
    candidates: Sequence[Candidate], beside: Sequence[Candidate] = ()
) -> list[tuple[float, float]]:
    """Return one place of each candidate, as far from the others as possible.

    Parameters
    ----------
    candidates : sequence of Candidate
    beside : sequence of Candidate
        Further ones that are no good examples of these.

    Returns
    -------
    list of (float, float)
        y and x in px of the image. Of a line, the point of its centre line that is furthest from
        its ends and all other candidates; of an area, the one inside that is furthest from its
        outline and from lines and points. Of a point, its position.
    """
    every = [*candidates, *beside]
    points = [_points_of(each) for each in every]
    return [_example(number, every, points) for number in range(len(candidates))]


def _points_of(place: Candidate) -> NDArray[np.float64]:
    """Return points along the lines or outlines of a candidate."""
    if not any(place.shape):
        return np.array([(place.y, place.x)])
    return np.concatenate([_along(line) for line in place.shape])


def _example(
    number: int, places: Sequence[Candidate], points: Sequence[NDArray[np.float64]]
) -> tuple[float, float]:
    place, own = places[number], points[number]
    if place.kind == "point" or not any(place.shape):
        return place.y, place.x
    if place.kind == "line":
        where = own
        free = _distance(where, own[[0, -1]])
    else:
        where = _grid(own)
        free = np.where(_inside(where, place.shape), _distance(where, own), 0.0)
    beside = [
        (other, at)
        for index, (other, at) in enumerate(zip(places, points, strict=True))
        # Areas are apart from each other, each inside of its outline.
        if index != number and not place.kind == other.kind == "area"
    ]
    if beside:
        free = np.minimum(free, _distance(where, np.concatenate([at for _, at in beside])))
    low, high = where.min(axis=0), where.max(axis=0)
    for other, at in beside:
        if other.kind == "area" and (at.max(axis=0) > low).all() and (at.min(axis=0) < high).all():
            free[_inside(where, other.shape)] = 0.0
    if not free.max() > 0:  # nowhere alone
        free = -np.hypot(*(where - (place.y, place.x)).T)
    y, x = where[int(np.argmax(free))]
    return float(y), float(x)


def _along(line: Line) -> NDArray[np.float64]:
    """Return points at equal distances along a line."""
    corners = np.asarray(line, np.float64)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    at = np.linspace(0, length[-1], _POINTS)
    return np.stack([np.interp(at, length, each) for each in corners.T], axis=1)


def _grid(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a grid of points in the box around an outline."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    y, x = (np.linspace(start, stop, _GRID) for start, stop in zip(low, high, strict=True))
    return np.stack([each.ravel() for each in np.meshgrid(y, x, indexing="ij")], axis=1)


def _inside(points: NDArray[np.float64], rings: Sequence[Line]) -> NDArray[np.bool_]:
    """Return which points are inside of outlines: those of holes exclude what they enclose."""
    inside = np.zeros(len(points), bool)
    for ring in rings:
        inside ^= points_in_poly(points, np.asarray(ring))
    return inside


def _distance(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each point is from the nearest of some others."""
    return np.asarray(cKDTree(others).query(points)[0])
