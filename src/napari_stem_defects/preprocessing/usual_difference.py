"""By how much pixels usually differ from what the rows beside them predict."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 5.0
"""Multiples of the usual difference to which differences are limited, so that no pixel counts for
a whole row."""
_LEVELS, _SLOPES = 12, 4
"""Levels of brightness, and of its slope along a row, that have a usual difference of their own:
electrons that are counted scatter more where there are more, and rows that are shifted differ where
the brightness changes."""
_LEVEL_BINS, _SLOPE_BINS = 256, 16
"""Bins of brightness and of slope by which a pixel's level is looked up."""
_FEWEST = 50
_LEAST_USUAL = 0.2
"""Least usual difference of a level, in units of that of the image."""
_NORMAL = 1.4826
"""Standard deviation of normal noise in units of the median of its magnitude."""
_EVERY = 5
"""Pixels of a row of which one is used to measure usual differences."""


class UsualDifference:
    """By how much pixels usually differ from their prediction, by its brightness and slope.

    Parameters
    ----------
    predicted, difference : ndarray of float32, shape (rows, X)
        What is predicted, and the image minus it, for any rows of an image.
    """

    def __init__(self, predicted: NDArray[np.float32], difference: NDArray[np.float32]) -> None:
        every = slice(None), slice(None, None, _EVERY)
        self._levels = _Bins.of(predicted[every], _LEVELS, _LEVEL_BINS)
        slope = _slope(predicted)
        self._slopes = _Bins.of(slope[every], _SLOPES, _SLOPE_BINS)
        kinds = (
            self._levels.parts[self._levels(predicted[every])] * _SLOPES
            + self._slopes.parts[self._slopes(slope[every])]
        ).ravel()
        size = np.abs(difference[every]).ravel()[np.argsort(kinds, kind="stable")]
        ends = np.append(0, np.bincount(kinds, minlength=_LEVELS * _SLOPES).cumsum())
        overall = _NORMAL * float(np.median(size))
        usual = np.array(
            [
                _NORMAL * float(np.median(size[a:b])) if b - a > _FEWEST else overall
                for a, b in pairwise(ends)
            ]
        )
        self.is_zero = overall == 0
        if self.is_zero:
            return
        usual = np.maximum(usual, _LEAST_USUAL * overall).reshape(_LEVELS, _SLOPES)
        table = usual[np.ix_(self._levels.parts, self._slopes.parts)]
        self._inverse = (1 / table).astype(np.float32).ravel()

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
        kinds = self._levels(predicted)
        kinds *= np.uint16(_SLOPE_BINS)
        kinds += self._slopes(_slope(predicted))
        multiples: NDArray[np.float32] = self._inverse.take(kinds)
        multiples *= difference
        np.clip(multiples, -LIMIT, LIMIT, out=multiples)
        return multiples


@dataclass(frozen=True)
class _Bins:
    """Values in equal steps, for a look-up of which part of all values each belongs to.

    Attributes
    ----------
    first, scale : float32
        Start of the second bin, and bins per unit.
    parts : ndarray of uint8, shape (bins,)
        Which of the parts of equal size the values of each bin belong to.
    """

    first: np.float32
    scale: np.float32
    parts: NDArray[np.uint8]

    @classmethod
    def of(cls, values: NDArray[np.float32], parts: int, bins: int) -> _Bins:
        between = np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1])
        inner = bins - 2
        step = float(between[-1] - between[0]) / inner
        if step == 0:
            return cls(np.float32(between[0]), np.float32(0), np.zeros(bins, np.uint8))
        centres = between[0] + (np.arange(bins) - 0.5) * step
        which = np.searchsorted(between, centres).astype(np.uint8)
        return cls(np.float32(between[0]), np.float32(1 / step), which)

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Return the bins of values; the first and the last have all beyond."""
        at = values - self.first
        at *= self.scale
        at += np.float32(1)
        np.clip(at, 0, len(self.parts) - 1, out=at)
        return at.astype(np.uint16)


def _slope(predicted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the magnitude of the difference of a pixel's neighbours in its row."""
    slope = np.empty_like(predicted)
    np.subtract(predicted[:, 2:], predicted[:, :-2], out=slope[:, 1:-1])
    slope[:, 0], slope[:, -1] = slope[:, 1], slope[:, -2]
    return np.abs(slope, out=slope)
