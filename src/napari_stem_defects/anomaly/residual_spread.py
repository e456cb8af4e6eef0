"""The spread of a residual, and how it grows towards the border of its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HIGH_LINES, _DIFFER = 0.9, 1.3
"""Quantile of lines, and its ratio to their median beyond which lines differ by the columns on
them; noise alone makes it 1.05 to 1.2."""


class Spread(NamedTuple):
    """Spread of a residual.

    Attributes
    ----------
    inner : float
        Robust standard deviation of the residual.
    gains : (ndarray, ndarray, ndarray, ndarray)
        Excess spread of the rows and columns next to the upper, lower, left and right border,
        outermost first, float32.
    """

    inner: float
    gains: tuple[NDArray[np.float32], ...]


def measure_spread(
    found: Sequence[NDArray[np.float32]],
    parts: Sequence[slice],
    half: int,
    blocked: NDArray[np.bool_] | None = None,
    *,
    unlike_lines: bool = False,
) -> Spread:
    """Measure the spread of a residual.

    Parameters
    ----------
    found : sequence of ndarray of float32, shape (rows, X)
        Magnitude of the residual of some rows, the first and the last of the image among them. NaN
        afterwards where it is blocked.
    parts : sequence of slice
        The rows.
    half : int
        Half the width of the filters, in samples: up to there the spread grows.
    blocked : ndarray of bool, shape (Y, X), optional
        Samples that do not count.
    unlike_lines : bool
        Whether lines next to the border are compared with the higher lines inside, where these
        differ; see `high_line`.

    Returns
    -------
    Spread
    """
    gaps = blocked is not None and any(
        blocked[rows].any() and not blocked[rows].all() for rows in parts
    )
    if blocked is not None and gaps:
        for rows, values in zip(parts, found, strict=True):
            values[blocked[rows]] = np.nan
    median, quantile = (np.nanmedian, np.nanquantile) if gaps else (np.median, np.quantile)
    whole = np.concatenate(found)
    edge = min(half, *(length // 4 for length in found[0].shape))
    inner = whole[edge : len(whole) - edge, edge : whole.shape[1] - edge]
    if np.isnan(inner).all():
        inner = whole
    usual = max(float(median(inner)), 1e-12)
    # Quartiles, because a row of defects beside the border may fill half of a line.
    least = max(float(quantile(inner, 0.25)), 1e-12)
    in_rows = in_columns = least
    if unlike_lines:
        in_rows, in_columns = (max(least, high_line(_quartiles(i, gaps))) for i in (inner, inner.T))
    sides = (
        (found[0][:edge], in_rows),
        (found[-1][::-1][:edge], in_rows),
        (whole[:, :edge].T, in_columns),
        (whole[:, ::-1][:, :edge].T, in_columns),
    )
    gains = tuple(
        np.maximum(_quartiles(side, gaps) / inside, 1).astype(np.float32) for side, inside in sides
    )
    return Spread(1.4826 * usual, gains)


def high_line(lines: NDArray[np.floating]) -> float:
    """Return what the higher lines inside an image have, if lines differ; otherwise 0.

    Where columns are brighter than the noise, a line through columns has a larger residual than
    one between them. Next to the border it would seem too noisy if all lines were its measure, and
    a defect on it would be missed.

    Parameters
    ----------
    lines : ndarray of float, shape (N,)
        A quantile of the residual of each line.

    Returns
    -------
    float
    """
    usual, high = np.quantile(lines, (0.5, _HIGH_LINES))
    return float(high) if high > _DIFFER * usual else 0.0


def _quartiles(lines: NDArray[np.float32], gaps: bool) -> NDArray[np.float32]:
    """Return the lower quartile of each line; 0 for lines without any value."""
    if not gaps:
        return np.asarray(np.quantile(lines, 0.25, axis=1))
    empty = np.asarray(np.isnan(lines).all(axis=1))[:, None]
    return np.asarray(np.nanquantile(np.where(empty, 0, lines), 0.25, axis=1))
