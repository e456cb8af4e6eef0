"""What the scan rows beside a row predict of it, and by how much rows usually differ from that.

A probe is several pixels wide, so that whatever a specimen shows extends over several scan rows,
and a row follows from those above and below it but for its noise. What a scan or a detector does to
a row ends with the row.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = 3
"""Rows above and below from which a row is predicted."""
LIMIT = 5.0
"""Multiples of the usual difference to which differences are limited, so that no pixel counts for
a whole row."""
_FIT_COLUMNS = 256
_USUAL = 0.8
"""Share of the rows that follow best from their neighbours, from which the weights are fitted."""
_ROUNDS = 3
_LEVELS, _SLOPES = 12, 4
"""Levels of brightness, and of its slope along a row, that have a usual difference of their own:
electrons that are counted scatter more where there are more, and rows that are shifted differ where
the brightness changes."""
_FEWEST = 50
_SLOW, _FINE, _NOISE = 0.02, 0.2, 0.4
"""Frequencies across the rows, per px: of drift below, of fine structure, and of noise beyond."""
_SWEEPS = 12
_STEP = 3


def fine_structure(image: NDArray[np.float32]) -> float:
    """Return how much of the structure of an image changes from row to row.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        At least 8 rows.

    Returns
    -------
    float
        Share of the power across the rows that has a period below 5 px, noise and single rows that
        differ left out: their power is the same at all periods.
    """
    part = image[:, :: max(1, image.shape[1] // _FIT_COLUMNS)]
    part = (part - part.mean(axis=0)) * np.hanning(len(part))[:, None]
    power = np.square(np.abs(fft.rfft(part, axis=0))).mean(axis=1)
    frequency = fft.rfftfreq(len(part))
    power = power - power[frequency > _NOISE].mean()
    all_of_it = float(power[frequency > _SLOW].sum())
    fine = float(power[(frequency > _FINE) & (frequency <= _NOISE)].sum())
    return fine / all_of_it if all_of_it > 0 else 0.0


def row_weights(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fit the weights with which the rows at the distances 1 to 3 predict a row.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Zero mean, at least 8 rows.

    Returns
    -------
    ndarray of float64, shape (3,)
        The same above and below. Least squares over the rows that follow best from others.
    """
    part = image[:, :: max(1, image.shape[1] // _FIT_COLUMNS)]
    sums = _pair_sums(part)
    kept = np.zeros(len(part), bool)
    kept[REACH:-REACH] = True
    inner = kept.copy()
    weights: NDArray[np.float64] = np.zeros(REACH)
    for _ in range(_ROUNDS):
        x = np.stack([each[kept].ravel() for each in sums]).astype(np.float64)
        square = x @ x.T
        square += 1e-9 * max(float(np.trace(square)), 1e-12) * np.eye(REACH)
        weights = np.asarray(
            np.linalg.solve(square, x @ part[kept].ravel().astype(np.float64)), np.float64
        )
        power = np.square(part - _weighted(sums, weights)).mean(axis=1)
        kept = inner & (power <= np.quantile(power[inner], _USUAL))
    return np.asarray(weights)


def predict_rows(image: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Predict every row from its neighbours; beyond the border the image is mirrored.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    weights : ndarray of float64, shape (3,)
        See `row_weights`.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    return _weighted(_pair_sums(image), weights)


def _pair_sums(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the sums of the rows at each distance above and below."""
    padded = np.pad(image, ((REACH, REACH), (0, 0)), mode="reflect")
    height = len(image)
    return [
        padded[REACH - k : REACH - k + height] + padded[REACH + k : REACH + k + height]
        for k in range(1, REACH + 1)
    ]


def _weighted(sums: list[NDArray[np.float32]], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    total = np.float32(weights[0]) * sums[0]
    for weight, each in zip(weights[1:], sums[1:], strict=True):
        total += np.float32(weight) * each
    return total


class UsualDifference:
    """By how much pixels usually differ from their prediction, by its brightness and slope.

    Parameters
    ----------
    predicted, difference : ndarray of float32, shape (Y, X)
        What is predicted, and the image minus it.
    """

    def __init__(self, predicted: NDArray[np.float32], difference: NDArray[np.float32]) -> None:
        some = slice(REACH, -REACH, _STEP), slice(None, None, _STEP)
        slope = _slope(predicted)
        self._levels = _between(predicted[some], _LEVELS)
        self._slopes = _between(slope[some], _SLOPES)
        kinds = self._kinds(predicted, slope)[some].ravel()
        size = np.abs(difference[some]).ravel()
        order = np.argsort(kinds, kind="stable")
        ends = np.searchsorted(kinds[order], np.arange(_LEVELS * _SLOPES + 1))
        size = size[order]
        # The median of the magnitude of normal noise is 0.674 of its standard deviation.
        overall = 1.4826 * float(np.median(size))
        usual = np.array(
            [
                1.4826 * float(np.median(size[a:b])) if b - a > _FEWEST else overall
                for a, b in pairwise(ends)
            ]
        )
        self.is_zero = overall == 0
        self._usual = np.maximum(usual, 0.2 * overall + 1e-12).astype(np.float32)

    def multiples(
        self, predicted: NDArray[np.float32], difference: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return differences in multiples of the usual one, limited to `LIMIT`.

        Parameters
        ----------
        predicted, difference : ndarray of float32, shape (rows, X)
            Any rows of the image.

        Returns
        -------
        ndarray of float32, shape (rows, X)
        """
        usual = self._usual[self._kinds(predicted, _slope(predicted))]
        multiples: NDArray[np.float32] = np.clip(difference / usual, -LIMIT, LIMIT)
        return multiples

    def _kinds(
        self, predicted: NDArray[np.float32], slope: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        level = np.searchsorted(self._levels, predicted)
        return np.asarray(level * _SLOPES + np.searchsorted(self._slopes, slope))


def _slope(predicted: NDArray[np.float32]) -> NDArray[np.float32]:
    slope: NDArray[np.float32] = np.abs(ndimage.correlate1d(predicted, [-0.5, 0, 0.5], axis=1))
    return slope


def _between(values: NDArray[np.float32], parts: int) -> NDArray[np.float32]:
    """Return the values between parts of equal size."""
    return np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1]).astype(np.float32)


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
