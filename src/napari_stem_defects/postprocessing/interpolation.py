"""Bilinear upsampling of values at window centres to pixels, in row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_stem_defects.postprocessing.mask_stack import row_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    _Bracket = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]

_Kind = TypeVar("_Kind", bound=np.generic)
_ALL = slice(None)
ALMOST = 1 - 1e-6
"""Share of a threshold below which no interpolated value reaches it by rounding."""
# Edge, in windows, of the squares in which the windows that matter are enclosed by a rectangle.
_SQUARE = 8


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

    def parts_around(self, chosen: NDArray[np.bool_], rows: slice) -> Iterator[tuple[slice, slice]]:
        """Yield rectangles of pixels that hold all between chosen windows and their neighbours.

        Parameters
        ----------
        chosen : ndarray of bool, shape (gy, gx)
            Windows.
        rows : slice
            Rows of pixels, with start and stop; others are left out.

        Yields
        ------
        (slice, slice)
            Rows and columns of pixels, counted in the image. Rectangles may overlap.
        """
        windows = self.window_rows(rows)
        centres = np.searchsorted(self.pixel_y, (rows.start, rows.stop))
        first = min(windows.start, int(centres[0]))
        seen = chosen[first : max(windows.stop, int(centres[1]))]
        for square in _squares(seen):
            down, across = np.nonzero(seen[square])
            down, across = down + square[0].start + first, across + square[1].start
            part = (
                _pixels_between(self._down, self.pixel_y, down, rows),
                _pixels_between(self._across, self.pixel_x, across, slice(0, self.shape[1])),
            )
            if part[0].start < part[0].stop:
                yield part

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
        pixels: NDArray[_Kind] = values[y[rows]][:, x]
        return pixels

    def centres_in(
        self, values: NDArray[_Kind], rows: slice
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[_Kind]]:
        """Return the pixels at the centres of the windows whose value is not 0.

        Parameters
        ----------
        values : ndarray of int or bool, shape (gy, gx)
            One value per window.
        rows : slice
            Rows of pixels, with start and stop; others are left out.

        Returns
        -------
        y, x : ndarray of int, shape (N,)
            Rows, counted from the first of ``rows``, and columns, from top to bottom.
        chosen : ndarray, shape (N,)
            The values of their windows.
        """
        down, across = np.nonzero(values)
        here = (self.pixel_y[down] >= rows.start) & (self.pixel_y[down] < rows.stop)
        down, across = down[here], across[here]
        return self.pixel_y[down] - rows.start, self.pixel_x[across], values[down, across]


def _pixels_between(
    bracket: _Bracket, at_centre: NDArray[np.intp], windows: NDArray[np.intp], within: slice
) -> slice:
    """Return the pixels along an axis to which the first to the last of some windows contribute.

    With their centres, which may lie between two others that all pixels are nearer to.
    """
    (before, after, _), first, last = bracket, windows.min(), windows.max()
    start = min(int(np.searchsorted(after, first)), int(at_centre[first]))
    stop = max(int(np.searchsorted(before, last, "right")), int(at_centre[last]) + 1)
    return slice(max(within.start, start), min(within.stop, stop))


def _squares(chosen: NDArray[np.bool_]) -> Iterator[tuple[slice, slice]]:
    """Yield the squares of windows of which some are chosen."""
    rows, columns = (np.arange(0, length, _SQUARE) for length in chosen.shape)
    there = np.logical_or.reduceat(np.logical_or.reduceat(chosen, rows, axis=0), columns, axis=1)
    for down, across in np.argwhere(there) * _SQUARE:
        yield slice(int(down), int(down) + _SQUARE), slice(int(across), int(across) + _SQUARE)


def _bracket(centres: NDArray[np.float32], length: int) -> _Bracket:
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
