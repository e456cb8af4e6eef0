"""Shapes of unusual lines and areas: centre lines and outlines, from the cells they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Line = tuple[tuple[float, float], ...]
"""Points (y, x)."""

_SMOOTHED_CELLS = 7
_MOST_POINTS = 60


def centre_line(y: NDArray[np.intp], x: NDArray[np.intp]) -> Line:
    """Return the line through the middle of some elongated cells, from end to end.

    Parameters
    ----------
    y, x : ndarray of int, shape (N,)
        The cells, in any order.

    Returns
    -------
    tuple of (float, float)
        Points (y, x) in cells: the mean of the cells at each step along the principal axis,
        averaged over seven steps.
    """
    cells = np.stack([y, x], axis=1).astype(np.float64)
    centred = cells - cells.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    step = np.rint(centred @ axis).astype(np.intp)
    step -= step.min()
    counts = np.bincount(step)
    sums = np.stack([np.bincount(step, weights=each) for each in cells.T], axis=1)
    means = sums[counts > 0] / counts[counts > 0, None]
    half, last = _SMOOTHED_CELLS // 2, len(means) - 1
    wide = ndimage.uniform_filter1d(means, _SMOOTHED_CELLS, axis=0, mode="nearest")
    if last < 2 * half + 1:
        wide = means
    else:  # straight on to the ends: the outermost cells lie askew
        steps = np.arange(half, 0, -1)[:, None]
        wide[:half] = wide[half] + steps * (wide[half] - wide[half + 1])
        wide[last - half + 1 :] = wide[last - half] + steps[::-1] * (
            wide[last - half] - wide[last - half - 1]
        )
    return _as_line(wide[np.unique(np.linspace(0, last, _MOST_POINTS).round().astype(int))])


def outlines(cells: NDArray[np.bool_]) -> tuple[Line, ...]:
    """Return the closed outlines of some cells, holes included.

    Parameters
    ----------
    cells : ndarray of bool, shape (Y, X)

    Returns
    -------
    tuple of tuple of (float, float)
        Points (y, x) in cells.
    """
    rings = find_contours(np.pad(cells, 1).astype(np.float32), 0.5)
    return tuple(_as_line(ring - 1) for ring in rings)


def _as_line(points: Iterable[NDArray[np.float64]]) -> Line:
    return tuple((float(y), float(x)) for y, x in points)
