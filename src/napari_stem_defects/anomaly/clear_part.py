"""The part of a residual from which its noise is modelled: the crystal, where it is not all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STRIPS = 6
_LEAST_CLEAR = 0.05
"""Least share of a part that shows what the noise is."""


@dataclass(frozen=True)
class ClearPart:
    """Rows and columns of a residual.

    Attributes
    ----------
    rows, columns : slice
    clear : ndarray of bool, shape (rows, columns), or None
        Samples that show the noise of the crystal; None for all.
    """

    rows: slice
    columns: slice
    clear: NDArray[np.bool_] | None = None

    @property
    def share(self) -> float:
        """Share of the part that shows the noise."""
        return 1.0 if self.clear is None else float(self.clear.mean())

    def masked(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values of the part, 0 where they show no noise, with the same mean square.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, columns)

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            For a spectrum: a gap takes the power of its share.
        """
        if self.clear is None:
            return values
        kept: NDArray[np.float32] = np.where(self.clear, values, np.float32(0))
        kept /= np.float32(np.sqrt(self.share))
        return kept


def clear_part(
    shape: tuple[int, int], size: tuple[int, int], blocked: NDArray[np.bool_] | None
) -> ClearPart:
    """Return the part of a residual with the fewest blocked samples, near the middle among equals.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the residual.
    size : (int, int)
        Of the part.
    blocked : ndarray of bool, shape ``shape``, or None
        Samples where the residual means nothing.

    Returns
    -------
    ClearPart
    """
    if blocked is None:
        return ClearPart(_middle(shape[0], size[0]), _middle(shape[1], size[1]))
    rows = _clearest(blocked.mean(axis=1), size[0])
    columns = _clearest(blocked[rows].mean(axis=0), size[1])
    clear = ~blocked[rows, columns]
    return ClearPart(rows, columns, clear if clear.mean() > _LEAST_CLEAR else None)


def clear_strips(
    shape: tuple[int, ...], most: int, blocked: NDArray[np.bool_] | None = None
) -> list[slice]:
    """Return the rows from which statistics are taken: all, or six strips of a large image.

    Parameters
    ----------
    shape : (int, int)
        Of the image in samples.
    most : int
        Samples in all strips.
    blocked : ndarray of bool, shape ``shape``, optional
        Samples where a residual means nothing; the inner strips lie in what is left.

    Returns
    -------
    list of slice
        From top to bottom, the first and the last at the borders.
    """
    height, width = shape
    if height * width <= most:
        return [slice(0, height)]
    rows = max(most // width // _STRIPS, 64)
    tops = np.linspace(0, height - rows, _STRIPS)
    if blocked is not None:
        shown = np.flatnonzero(~blocked.all(axis=1))
        low, high = (int(shown[0]), int(shown[-1])) if len(shown) else (0, height)
        low = min(low, height - rows)
        tops[1:-1] = np.linspace(low, max(low, high - rows), _STRIPS)[1:-1]
    return [slice(int(top), int(top) + rows) for top in tops]


def _middle(length: int, size: int) -> slice:
    start = max(0, (length - size) // 2)
    return slice(start, min(length, start + size))


def _clearest(blocked: NDArray[np.float64], size: int) -> slice:
    """Return the lines of which the smallest share is blocked."""
    size = min(size, len(blocked))
    sums = np.concatenate([[0.0], np.cumsum(blocked)])
    share = (sums[size:] - sums[:-size]).round(6)
    least = np.flatnonzero(share == share.min())
    start = int(least[np.abs(least - (len(blocked) - size) // 2).argmin()])
    return slice(start, start + size)
