"""Groups of unusual cells that are straight lines, and lines with something attached to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINE_PERIODS, _LINE_RATIO = 3.0, 3.0
"""Smallest length of a line in periods, and in units of its width."""
_COVERED = 0.6
"""Share of its length that a line covers; columns further apart are points."""
_CORE_PERIODS, _CORE_COVERED, _CORE_WIDTH = 8.0, 0.8, (1.5, 3.5)
"""The same of a line with something attached, and its least and largest width in periods: columns
that stand in a row are not the line through their middles, each is unusual over two to three
periods; and what is wider is an area."""
_DIRECTIONS = 90
"""Directions that are tried first, 2 degrees apart."""
_MOST_CELLS = 4000
"""Cells, evenly chosen, from which the direction is found: an area may have a million."""


def extents(y: NDArray[np.intp], x: NDArray[np.intp]) -> tuple[float, float]:
    """Return length and width of cells along and across their principal axis.

    Parameters
    ----------
    y, x : ndarray of int, shape (N,)
        At least one cell.

    Returns
    -------
    length, width : float
        In cells.
    """
    width, length = np.ptp(_along_axes(y, x), axis=1) + 1
    return float(length), float(width)


def is_line(y: NDArray[np.intp], x: NDArray[np.intp], period: float) -> bool:
    """Return whether cells are a line.

    Parameters
    ----------
    y, x : ndarray of int, shape (N,)
        At least one cell.
    period : float
        Lattice period in cells.

    Returns
    -------
    bool
        At least three periods long and three times as long as wide, with cells in 60 % of its
        length.
    """
    length, width = extents(y, x)
    long_enough = length >= max(_LINE_PERIODS * period, _LINE_RATIO * width)
    return long_enough and _coverage(y, x) >= _COVERED


def line_core(
    y: NDArray[np.intp], x: NDArray[np.intp], period: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]] | None:
    """Find the straight line that runs through a group of cells from end to end.

    Parameters
    ----------
    y, x : ndarray of int, shape (N,)
        At least one cell.
    period : float
        Lattice period in cells.

    Returns
    -------
    core : ndarray of bool, shape (N,)
        Cells of the line: the band, a cell wide or wider, of which each row covers at least 80 %
        of the extent of the group; eight periods or longer, and no wider than a line.
    away : ndarray of float, shape (N,)
        Distance of each cell from the edge of that band, in cells; 0 inside.

    Notes
    -----
    None instead of both where there is no such line.
    """
    if extents(y, x)[0] < _CORE_PERIODS * period:
        return None
    centred = np.stack([y - y.mean(), x - x.mean()])
    chosen = centred[:, :: 1 + centred.shape[1] // _MOST_CELLS]
    across, along = _turned(centred, _direction(chosen))
    row = np.rint(across - across.min()).astype(np.intp)
    covered = _per_row(across) / (np.ptp(along) + 1)
    full = covered >= _CORE_COVERED
    first = last = int(np.argmax(covered))
    if not full[first]:
        return None
    while first > 0 and full[first - 1]:
        first -= 1
    while last < len(full) - 1 and full[last + 1]:
        last += 1
    core = (row >= first) & (row <= last)
    narrowest, widest = (width * period for width in _CORE_WIDTH)
    if not narrowest <= last + 1 - first <= widest or not is_line(y[core], x[core], period):
        return None
    return core, np.maximum(np.maximum(first - row, row - last), 0).astype(np.float64)


def _per_row(across: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the number of cells in each row, from the first on.

    A cell between two rows counts in both: whole cells fall into oblique rows unevenly.
    """
    at = across - across.min()
    row = at.astype(np.intp)
    share = at - row
    counts = np.zeros(row.max() + 2)
    counts[1:] += np.bincount(row, share)
    counts[:-1] += np.bincount(row, 1 - share)
    return counts


def _direction(centred: NDArray[np.float64]) -> float:
    """Return the angle along which the cells gather most in few rows."""
    step = np.pi / _DIRECTIONS
    angles = np.arange(_DIRECTIONS) * step
    length = np.ptp(np.hypot(*centred)) + 1
    while True:
        best = float(max(angles, key=lambda angle: _gathered(centred, angle)))
        if step * length < 1:
            return best
        angles = best + np.linspace(-step, step, 9)
        step /= 4


def _gathered(centred: NDArray[np.float64], angle: float) -> float:
    return float((_per_row(_turned(centred, angle)[0]) ** 2).sum())


def _turned(centred: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Return the positions (2, N) across and along a direction, an angle from the x axis."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turned: NDArray[np.float64] = np.array([[cosine, -sine], [sine, cosine]]) @ centred
    return turned


def _coverage(y: NDArray[np.intp], x: NDArray[np.intp]) -> float:
    """Return the share of the length along the principal axis in which there are cells."""
    along = _along_axes(y, x)[1]
    # From the first cell on: halves between cells are all rounded to the even ones.
    steps = np.rint(along - along.min()).astype(int)
    return len(np.unique(steps)) / (int(steps.max()) + 1)


def _along_axes(y: NDArray[np.intp], x: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the positions (2, N) of cells across and along their principal axis."""
    if len(y) < 2:
        return np.zeros((2, len(y)))
    centred = np.stack([y - y.mean(), x - x.mean()])
    rest = centred - centred.mean(axis=1)[:, None]
    # Without `numpy.cov`, which takes longer than all the rest for a few cells.
    _, axes = np.linalg.eigh(rest @ rest.T / (len(y) - 1))
    positions: NDArray[np.float64] = axes.T @ centred
    return positions
