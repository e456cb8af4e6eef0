"""Lines with fewer corners: the algorithm of Ramer (1972) and of Douglas and Peucker (1973).

`skimage.measure.approximate_polygon` gives the same lines, but its module imports all of
scipy.signal, a third of a second at the start of every command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def simplify_line(points: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Leave out the corners of a line that lie close to the line through the others.

    Parameters
    ----------
    points : ndarray of float64, shape (N, 2)
        Corners (y, x), N at least 2.
    tolerance : float
        Largest distance of a corner that is left out from the line, in the unit of the corners.

    Returns
    -------
    ndarray of float64, shape (M, 2)
        The corners that are kept, M at most N; the first and the last are among them.
    """
    if tolerance <= 0:
        return points
    is_kept = np.zeros(len(points), bool)
    is_kept[[0, -1]] = True
    pairs = [(0, len(points) - 1)]
    while pairs:
        first, last = pairs.pop()
        between = points[first + 1 : last]
        if not len(between):
            continue
        distances = _distances(between, points[first], points[last])
        farthest = int(np.argmax(distances))
        if distances[farthest] > tolerance:
            corner = first + 1 + farthest
            is_kept[corner] = True
            pairs += [(corner, last), (first, corner)]
    return points[is_kept]


def _distances(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distance of each point from the straight line between two others, ends included.

    The normal of the line is taken from its angle, as scikit-image does: of corners equally far
    away, rounding decides, and lines shall not depend on the version of this package.
    """
    along = end - start
    angle = -np.arctan2(along[0], along[1])
    normal = np.cos(angle), np.sin(angle)
    offset = start[1] * normal[1] + start[0] * normal[0]
    from_start, from_end = points - start, points - end
    is_beside = (from_start[:, 0] * along[0] + from_start[:, 1] * along[1] > 0) & (
        -from_end[:, 0] * along[0] - from_end[:, 1] * along[1] > 0
    )
    to_line = np.abs(points[:, 0] * normal[0] + points[:, 1] * normal[1] - offset)
    to_ends = np.minimum(
        np.sqrt(from_start[:, 1] ** 2 + from_start[:, 0] ** 2),
        np.sqrt(from_end[:, 1] ** 2 + from_end[:, 0] ** 2),
    )
    found: NDArray[np.float64] = np.where(is_beside, to_line, to_ends)
    return found
