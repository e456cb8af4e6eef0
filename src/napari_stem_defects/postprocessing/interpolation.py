"""Bilinear upsampling of values at window centres to pixels, in row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_stem_defects.postprocessing.mask_stack import row_slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Kind = TypeVar("_Kind", bound=np.generic)
_ALL = slice(None)


def upsample(
    values: NDArray[np.float32],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Upsample values at window centres to all pixels of an image.

    Parameters
    ----------
    values : ndarray, shape (gy, gx)
    y, x : ndarray, shapes (gy,) and (gx,)
        Increasing centres in px, steps of any length; pixel i lies at coordinate i.
    shape : (Y, X)

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Bilinear between centres, the value of the nearest centre outside them. Beside the
        result only one row block is held in memory.
    """
    interpolator = WindowInterpolator(y, x, shape)
    pixels = np.empty(shape, np.float32)
    for rows in row_slices(shape):
        pixels[rows] = interpolator.bilinear(values, rows)
    return pixels


class WindowInterpolator:
    """Interpolation from window centres to the pixels of an image.

    Parameters
    ----------
    y, x : ndarray of float32, shapes (gy,) and (gx,)
        Increasing centres, px.
    shape : (Y, X)
    """

    def __init__(
        self, y: NDArray[np.float32], x: NDArray[np.float32], shape: tuple[int, int]
    ) -> None:
        self.shape = shape
        self._down, self._across = _bracket(y, shape[0]), _bracket(x, shape[1])
        # The pixel at each centre.
        self.pixel_y, self.pixel_x = (
            np.clip(np.rint(at).astype(int), 0, length - 1)
            for at, length in ((y, shape[0]), (x, shape[1]))
        )

    def window_rows(self, rows: slice) -> slice:
        """Return the rows of windows that contribute to some rows of pixels.

        Parameters
        ----------
        rows : slice
            Rows of pixels, with start and stop.

        Returns
        -------
        slice
            First and last row of the grid of windows.
        """
        before, after, _ = self._down
        return slice(int(before[rows][0]), int(after[rows][-1]) + 1)

    def bilinear(
        self, values: NDArray[np.float32], rows: slice, columns: slice = _ALL
    ) -> NDArray[np.float32]:
        """Interpolate values (gy, gx) between the centres.

        Parameters
        ----------
        values : ndarray of float32, shape (gy, gx)
            One value per window.
        rows : slice
            Rows of pixels, with start and stop.
        columns : slice
            Columns of pixels; all by default.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            Outside the centres the value of the nearest one.
        """
        windows = self.window_rows(rows)
        left, right, across = self._across
        near = values[windows]
        wide = _blend(near[:, left[columns]], near[:, right[columns]], across[columns])
        top, bottom, down = self._down
        upper, lower = wide[top[rows] - windows.start], wide[bottom[rows] - windows.start]
        return _blend(upper, lower, down[rows, None])

    def nearest(self, values: NDArray[_Kind], rows: slice) -> NDArray[_Kind]:
        """Return the value (gy, gx) of the nearest window for every pixel.

        Parameters
        ----------
        values : ndarray, shape (gy, gx)
            One value per window.
        rows : slice
            Rows of pixels, with start and stop.

        Returns
        -------
        ndarray, shape (rows, X)
            Of the type of the values.
        """
        y, x = (
            np.where(weight > 0.5, after, before)
            for before, after, weight in (self._down, self._across)
        )
        pixels: NDArray[_Kind] = values[np.ix_(y[rows], x)]
        return pixels

    def at_centres(
        self, values: NDArray[np.integer[Any] | np.bool_], rows: slice
    ) -> NDArray[np.int32]:
        """Return the value (gy, gx) of each window in the pixel at its centre, 0 elsewhere.

        Parameters
        ----------
        values : ndarray of int or bool, shape (gy, gx)
            One value per window.
        rows : slice
            Rows of pixels, with start and stop.

        Returns
        -------
        ndarray of int32, shape (rows, X)
            Zero except at the pixels of the centres.
        """
        pixels = np.zeros((rows.stop - rows.start, self.shape[1]), np.int32)
        down, across = np.nonzero(values)
        here = (self.pixel_y[down] >= rows.start) & (self.pixel_y[down] < rows.stop)
        down, across = down[here], across[here]
        pixels[self.pixel_y[down] - rows.start, self.pixel_x[across]] = values[down, across]
        return pixels


def _bracket(
    centres: NDArray[np.float32], length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return, for each pixel, the centres before and after it and its relative position."""
    position = np.interp(np.arange(length), centres, np.arange(len(centres)))
    before = np.minimum(position.astype(np.intp), max(len(centres) - 2, 0))
    after = np.minimum(before + 1, len(centres) - 1)
    return before, after, (position - before).astype(np.float32)


def _blend(
    a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate linearly, exactly where ``a`` equals ``b``."""
    return a + (b - a) * weight
