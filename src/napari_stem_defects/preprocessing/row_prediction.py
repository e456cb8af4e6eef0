"""What the scan rows beside a row predict of it, and by how much rows usually differ from that.

A probe is several pixels wide, so that whatever a specimen shows extends over several scan rows,
and a row follows from those above and below it but for its noise. What a scan or a detector does to
a row ends with the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 3
"""Rows above and below from which a row is predicted."""
_FIT_PX, _FEWEST_COLUMNS, _MOST_COLUMNS = 1 << 17, 64, 256
"""Pixels, and least and greatest number of columns, from which the weights are fitted."""
_USUAL = 0.8
"""Share of the rows that follow best from their neighbours, from which the weights are fitted."""
_ROUNDS = 3
_SLOW, _FINE, _NOISE = 0.02, 0.2, 0.4
"""Frequencies across the rows, per px: of drift below, of fine structure, and of noise beyond."""
_SWEEPS = 12
_GOLDEN = 0.6180339887


def spread(length: int, count: int) -> NDArray[np.int64]:
    """Return places over a length, unevenly, so that no period of an image is met again and again.

    Parameters
    ----------
    length, count : int
        Places there are, and how many are wanted.

    Returns
    -------
    ndarray of int64, shape (min(count, length),)
        Ascending.
    """
    at: NDArray[np.int64] = np.arange(min(count, length))
    if count < length:
        # One of each part of equal size, at the fractions of multiples of the golden ratio.
        at = ((at + (at * _GOLDEN) % 1) * (length / count)).astype(np.int64)
    return at


def some_columns(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return enough columns of an image to show how its rows follow from each other.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)

    Returns
    -------
    ndarray of float64, shape (Y, columns)
        With zero mean and, unless it is constant, unit variance.
    """
    height, width = image.shape
    count = min(max(_FEWEST_COLUMNS, _FIT_PX // height), _MOST_COLUMNS)
    part = np.ascontiguousarray(image[:, spread(width, count)], np.float64)
    part -= part.mean()
    return part / (part.std() or 1.0)


def fine_structure(part: NDArray[np.float64]) -> float:
    """Return how much of the structure of an image changes from row to row.

    Parameters
    ----------
    part : ndarray of float64, shape (Y, columns)
        See `some_columns`; at least 8 rows.

    Returns
    -------
    float
        Share of the power across the rows that has a period below 5 px, noise and single rows that
        differ left out: their power is the same at all periods.
    """
    part = (part - part.mean(axis=0)) * np.hanning(len(part))[:, None]
    power = np.square(np.abs(fft.rfft(part, axis=0))).mean(axis=1)
    frequency = fft.rfftfreq(len(part))
    power = power - power[frequency > _NOISE].mean()
    all_of_it = float(power[frequency > _SLOW].sum())
    fine = float(power[(frequency > _FINE) & (frequency <= _NOISE)].sum())
    return fine / all_of_it if all_of_it > 0 else 0.0


def row_weights(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit the weights with which the rows at the distances 1 to 3 predict a row.

    Parameters
    ----------
    part : ndarray of float64, shape (Y, columns)
        See `some_columns`; at least 8 rows.

    Returns
    -------
    ndarray of float64, shape (3,)
        The same above and below. Least squares over the rows that follow best from others.
    """
    planes = [part[REACH:-REACH], *(above + below for above, below in _pairs(part))]
    rows = np.stack(planes, axis=1)
    products = rows @ rows.transpose(0, 2, 1)
    kept = np.ones(len(rows), bool)
    weights = np.zeros(REACH)
    for _ in range(_ROUNDS):
        total = products[kept].sum(axis=0)
        square = total[1:, 1:] + (1e-9 * np.trace(total) or 1.0) * np.eye(REACH)
        weights = np.linalg.solve(square, total[1:, 0])
        left = np.append(1, -weights)
        power = (products @ left) @ left
        kept = power <= np.quantile(power, _USUAL)
    return weights


def with_neighbours(
    image: NDArray[np.float32], rows: slice, mean: np.float32
) -> NDArray[np.float32]:
    """Return rows of an image with those above and below that predict them.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    rows : slice
        Its start and stop lie within the image.
    mean : float32
        Subtracted.

    Returns
    -------
    ndarray of float32, shape (rows + 2 * REACH, X)
        Beyond the border the image is mirrored.
    """
    first, last = rows.start - REACH, rows.stop + REACH
    # An image that is turned is copied before its axes are: pixels of one row are far apart there,
    # often by a power of two, so that few of them stay in the cache.
    part = image[max(0, first) : last].astype(np.float32, order="K")
    part = np.subtract(part, mean, order="C")
    beyond = max(0, -first), max(0, last - len(image))
    return np.pad(part, (beyond, (0, 0)), mode="reflect") if any(beyond) else part


def predict_rows(part: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Predict rows from their neighbours.

    Parameters
    ----------
    part : ndarray of float32, shape (rows + 2 * REACH, X)
        Zero mean; see `with_neighbours`.
    weights : ndarray of float64, shape (3,)
        See `row_weights`.

    Returns
    -------
    ndarray of float32, shape (rows, X)
    """
    first, *others = (above + below for above, below in _pairs(part))
    first *= np.float32(weights[0])
    for weight, pair in zip(weights[1:], others, strict=True):
        pair *= np.float32(weight)
        first += pair
    return first


def _pairs(part: NDArray[np.floating]) -> list[tuple[NDArray[np.floating], NDArray[np.floating]]]:
    """Return the rows above and below at each distance."""
    height = len(part) - 2 * REACH
    return [(part[REACH - k :][:height], part[REACH + k :][:height]) for k in range(1, REACH + 1)]


def fill_rows(
    image: NDArray[np.float32], mask: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Replace pixels by what those above and below predict, all of them together.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Zero mean.
    mask : ndarray of bool, shape (Y, X)
        Pixels that are replaced.
    weights : ndarray of float64, shape (3,)
        See `row_weights`.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        A copy. Linear between the nearest rows that are not replaced, then the values at which
        every one of them is predicted (Gauss-Seidel).
    """
    filled = image.copy()
    rows, height = np.flatnonzero(mask.any(axis=1)), len(image)
    for row in rows:
        part = mask[row]
        above, below = row - 1, row + 1
        while above >= 0 and (mask[above] & part).any():
            above -= 1
        while below < height and (mask[below] & part).any():
            below += 1
        if above < 0 and below >= height:
            continue
        above, below = (above, below) if above >= 0 else (below, below)
        below = below if below < height else above
        share = 0.5 if below == above else (row - above) / (below - above)
        between = (1 - share) * image[above] + share * image[below]
        filled[row, part] = between[part]
    last = height - 1
    for _ in range(_SWEEPS if len(rows) else 0):
        for row in rows:
            value = sum(
                np.float32(weight) * (filled[abs(row - k)] + filled[last - abs(last - row - k)])
                for k, weight in enumerate(weights, start=1)
            )
            filled[row, mask[row]] = np.asarray(value)[mask[row]]
    return filled
