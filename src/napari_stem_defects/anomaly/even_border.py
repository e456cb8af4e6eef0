"""Residual next to the border on the scale of the rest, for a survey.

Half of every window at the border is missing. What is there instead, the crystal continued by its
lattice, predicts faint places as well as the inside does, but bright columns worse, whose noise it
repeats. So the tails of the residual are longer there, which its lower quartile, the scale of
`LatticeResidual.gains`, does not show, and each border had unusual places of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.clear_part import clear_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

_TAIL = 0.9
"""Quantile of the magnitude that is compared: one column in twenty periods does not reach it."""
_PARTS = 8
"""Parts of a line next to the border, of which most show its tail alone."""
_LINES_PERIODS = 0.5
_MOST = 768
"""Rows of the middle of a large image, from which its inside and its sides are known."""


def with_even_border(
    residual: LatticeResidual, values: NDArray[np.float32] | None = None
) -> tuple[LatticeResidual, NDArray[np.float32] | None]:
    """Return a residual whose tails next to the border are those of the inside.

    Parameters
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X), optional
        The whole residual, where it is known.

    Returns
    -------
    residual : LatticeResidual
        With larger gains.
    values : ndarray of float32, shape (Y, X), or None
        The whole residual on that scale, where it is known.
    """
    height, width = residual.shape
    count = min(round(_LINES_PERIODS * residual.sampled.samples), height // 4, width // 4)
    part = clear_part((height, width), (_MOST, width), residual.blocked)
    sides = slice(0, count), slice(height - count, height), part.rows
    upper, lower, middle = (_magnitude(residual, values, rows) for rows in sides)
    inner = middle[:, count : width - count]
    if len(middle) == height:
        inner = inner[count : height - count]
    if np.isnan(inner).all():
        return residual, values
    usual = max(float(np.nanquantile(inner, _TAIL)), 1e-12)
    lines = (upper, lower[::-1], middle[:, :count].T, middle[:, ::-1][:, :count].T)
    more = [np.maximum(_tails(line) / usual, 1) for line in lines]
    gains = []
    for gain, factor in zip(residual.gains, more, strict=True):
        known = min(len(gain), count)
        gains.append(np.concatenate([gain[:known] * factor[:known], gain[known:]]))
    if values is not None:
        values = _divided(values, *more)
    even = tuple(gain.astype(np.float32) for gain in gains)
    return replace(residual, gains=even, known=values), values


def _magnitude(
    residual: LatticeResidual, values: NDArray[np.float32] | None, rows: slice
) -> NDArray[np.float32]:
    """Return the magnitude of some rows, NaN where the residual means nothing."""
    found = np.abs(residual.rows(rows) if values is None else values[rows])
    if residual.blocked is not None and not residual.blocked.all():
        found[residual.blocked[rows]] = np.nan
    return found


def _tails(lines: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the quantile of each line; 0 for lines without any value.

    The median of several parts, so that a grain in a corner does not count.
    """
    empty = np.asarray(np.isnan(lines).all(axis=1))[:, None]
    filled = np.where(empty, np.float32(0), lines)
    found = [
        np.nanquantile(part, _TAIL, axis=1)
        for part in np.array_split(filled, _PARTS, axis=1)
        if part.size and not np.isnan(part).all(axis=1).any()
    ]
    return np.asarray(np.median(found, axis=0) if found else np.zeros(len(lines)))


def _divided(
    values: NDArray[np.float32],
    upper: NDArray[np.float64],
    lower: NDArray[np.float64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return a copy of a residual, divided by factors of the lines next to each border."""
    rows, columns = np.ones(values.shape[0], np.float32), np.ones(values.shape[1], np.float32)
    rows[: len(upper)], columns[: len(left)] = upper, left
    rows[len(rows) - len(lower) :] = lower[::-1]
    columns[len(columns) - len(right) :] = right[::-1]
    return np.asarray(values / rows[:, None] / columns)
