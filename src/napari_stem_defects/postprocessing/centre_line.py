"""Centre line of a region: the middle of a band, from end to end.

The two pixels that are furthest apart inside the region are joined by the path along which the
distance to the region's edge is largest. Smoothed over the width of the band, it is straight where
the band is; its ends, which lead into corners, are cut and continued straight to the edge. A
branch that is shorter than the path has no influence on it. A region that is hardly longer than
wide has no such path: its centre line is the main axis through its centroid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.graph import MCP_Geometric

from napari_stem_defects.postprocessing.line_simplification import simplify_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Points = NDArray[np.float64]

LEAST_ELONGATION = 3.0
"""Length in widths from which a centre line may bend."""

SMALL_HOLE_PX = 64
"""Holes of up to so many pixels are filled."""

_WIDTH_PERCENTILE = 75
_STEP_PX = 0.25
_FINE_STEPS = 16
_MOST_SHIFT_PX = 1.0
_TOLERANCE_PX = 0.3


def centre_line(mask: Mask) -> Points:
    """Return the centre line of a connected region.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
        The pixels of one region; at least one.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Points (y, x) in px from end to end, n at least 2; the first is the upper one, of two in
        the same row the left one. The ends lie on the outer edges of the outermost pixels.
    """
    padded = _without_small_holes(np.pad(mask, 1))
    # Distance to the edges of the pixels, which lie half a pixel before the next pixel's centre.
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(padded) - 0.5
    path = _deepest_path(padded, depth)
    width = _width(path, depth)
    length = _path_length(path)
    line = (
        _main_axis(padded)
        if length < LEAST_ELONGATION * width
        else _smoothed(_centred(_smooth(path, width), padded, width), width / 2)
    )
    line = simplify_line(_to_the_edges(line, padded, width), _TOLERANCE_PX) - 1
    first, last = tuple(line[0]), tuple(line[-1])
    ordered: Points = line if first <= last else line[::-1]
    return ordered


def direction_deg(line: Points) -> float:
    """Return the direction of the main axis of a line.

    Parameters
    ----------
    line : ndarray of float64, shape (n, 2)
        Points (y, x) in px.

    Returns
    -------
    float
        Degrees from the x axis, counter-clockwise as the image is displayed (y downwards), from 0
        to below 180.
    """
    steps = np.diff(line, axis=0)
    lengths = np.hypot(*steps.T)
    middles = (line[1:] + line[:-1]) / 2
    centre = np.average(middles, axis=0, weights=lengths)
    # Second moments of the polyline: those of each segment and of its middle.
    spread = np.einsum("i,ij,ik->jk", lengths, middles - centre, middles - centre)
    spread += np.einsum("i,ij,ik->jk", lengths, steps, steps) / 12
    down, right = np.linalg.eigh(spread)[1][:, -1]
    angle = float(np.degrees(np.arctan2(-down, right)) % 180.0)
    return 0.0 if angle == 180.0 else angle


def _without_small_holes(mask: Mask) -> Mask:
    """Fill holes such as single invalid pixels, which would have the path wind around them."""
    # Around a hole, a row and a column have two runs of pixels; most bands have no such row.
    if any((np.diff(mask, axis=axis).sum(axis=axis) <= 2).all() for axis in (0, 1)):
        return mask
    holes, count = ndimage.label(~mask)
    if count == 1:  # what surrounds the region
        return mask
    sizes = np.bincount(holes.ravel())
    small = sizes <= SMALL_HOLE_PX
    small[[0, holes[0, 0]]] = False  # the region itself, and what surrounds it
    filled: Mask = mask | small[holes]
    return filled


def _deepest_path(mask: Mask, depth: NDArray[np.float64]) -> Points:
    """Return the path (n, 2) between the ends of a region that stays furthest from its edge."""
    # The box of a slanting band is mostly empty: only the pixels of the band are computed with.
    # Columns first, as the search holds them, so that the box is never copied.
    y, x = np.nonzero(mask)
    costs = np.full(mask.shape, -1.0, order="F")  # negative costs are impassable
    costs[y, x] = 1.0
    search = MCP_Geometric(costs)
    first = _furthest(search, 0, y, x)
    last = _furthest(search, first, y, x)
    # Beyond the square, the path would cut bends; a steeper cost follows noise of the edge.
    inner = depth[y, x]
    costs[y, x] = (inner.max() / np.maximum(inner, 0.5)) ** 2
    search = MCP_Geometric(costs)
    ends = [(int(y[place]), int(x[place])) for place in (first, last)]
    search.find_costs(ends[:1], ends[1:])
    return np.array(search.traceback(ends[1]), np.float64)


def _furthest(search: MCP_Geometric, start: int, y: NDArray[np.intp], x: NDArray[np.intp]) -> int:
    """Return which pixel, of those of a region, is furthest from one of them inside it."""
    reached, _ = search.find_costs([(int(y[start]), int(x[start]))])
    away = reached[y, x]
    return int(np.where(np.isfinite(away), away, -1.0).argmax())


def _width(path: Points, depth: NDArray[np.float64]) -> float:
    """Return the width of a band: twice the distance of its middle from its edge.

    A high percentile, because the ends of the path lead into corners.
    """
    y, x = path.astype(np.intp).T
    return float(2 * np.percentile(depth[y, x], _WIDTH_PERCENTILE))


def _path_length(path: Points) -> float:
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _smooth(path: Points, width: float) -> Points:
    """Smooth a path over the width of its band, after cutting the ends that lead into corners."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    regular = np.arange(0.0, along[-1], 1.0)
    points = np.column_stack([np.interp(regular, along, axis) for axis in path.T])
    cut = int(np.ceil(width)) + 1
    points = points[cut:-cut] if len(points) > 2 * cut + 2 else points
    return _smoothed(points, width / 2)


def _smoothed(points: Points, sigma: float) -> Points:
    """Smooth points with a Gaussian, point-reflected at the ends so that straight ends stay."""
    reach = min(len(points) - 1, int(np.ceil(3 * sigma)))
    if reach < 1:
        return points
    before = 2 * points[0] - points[reach:0:-1]
    after = 2 * points[-1] - points[-2 : -2 - reach : -1]
    padded = np.concatenate([before, points, after])
    smooth: Points = ndimage.gaussian_filter1d(padded, sigma, axis=0, mode="nearest")
    return smooth[reach : reach + len(points)]


def _centred(line: Points, mask: Mask, width: float) -> Points:
    """Shift points to the middle between both edges, at most by `_MOST_SHIFT_PX`.

    A band of an even number of pixels has two deepest rows, and the path follows one of them.
    """
    along = np.gradient(line, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    normal /= np.maximum(np.hypot(*normal.T), 1e-9)[:, None]
    sides = []
    for sign in (-1, 1):
        offsets = sign * np.arange(_STEP_PX / 2, width + 1, _STEP_PX)
        probes = line[:, None] + offsets[:, None] * normal[:, None]
        y, x = np.clip(np.rint(probes).astype(np.intp), 0, np.array(mask.shape) - 1).T
        sides.append(offsets[np.argmin(mask[y, x], axis=0)])
    shift = np.clip((sides[0] + sides[1]) / 2, -_MOST_SHIFT_PX, _MOST_SHIFT_PX)
    centred: Points = line + shift[:, None] * normal
    return centred


def _main_axis(mask: Mask) -> Points:
    """Return two points on the main axis of a region, on both sides of its centroid."""
    points = np.argwhere(mask).astype(np.float64)
    centre = points.mean(axis=0)
    direction = np.linalg.eigh(np.cov(points.T, bias=True) + 0.0)[1][:, -1]
    return np.array([centre - 0.25 * direction, centre + 0.25 * direction])


def _to_the_edges(line: Points, mask: Mask, width: float) -> Points:
    """Continue both ends straight to the edge of the region."""
    reach = min(len(line) - 1, max(1, round(width)))
    start = _continued(line[0], line[0] - line[reach], mask)
    end = _continued(line[-1], line[-1] - line[-1 - reach], mask)
    return np.concatenate([start[None], line, end[None]])


def _continued(point: Points, towards: Points, mask: Mask) -> Points:
    """Return where a ray from a point leaves a region; pixels extend half a pixel around theirs."""
    direction = towards / max(float(np.hypot(*towards)), 1e-9)
    steps = np.arange(0.0, np.hypot(*mask.shape) + _STEP_PX, _STEP_PX)
    last = _steps_inside(point + steps[:, None] * direction, mask)
    if last == 0:
        return point
    inside = point + steps[last - 1] * direction
    fine = np.arange(1, _FINE_STEPS) * _STEP_PX / _FINE_STEPS
    reached: Points = (
        inside
        + (_STEP_PX * _steps_inside(inside + fine[:, None] * direction, mask) / _FINE_STEPS)
        * direction
    )
    return reached


def _steps_inside(ray: Points, mask: Mask) -> int:
    """Return how many points from the first one on lie in the region."""
    y, x = np.clip(np.rint(ray).astype(np.intp), 0, np.array(mask.shape) - 1).T
    outside = np.flatnonzero(~mask[y, x])
    return int(outside[0]) if len(outside) else len(ray)
