"""Tiled version of `pipeline.filter_image` for large images, computed in strips of rows."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.preprocessing.filters import (
    NO_SIGNAL,
    background_sigma,
    blur_radius,
    normalise_contrast,
    normalise_intensity,
    subtract_background,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.preprocessing.settings import PreprocessingSettings

STRIP_ROWS = 256
"""Height of a strip in px."""


class TiledFilter:
    """A filtered image that is computed where it is accessed.

    The strips of the most recent access are cached, so that access from top to bottom, tile by
    tile, computes each strip about once. Several threads may access it; one computes at a time.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities.
    settings : PreprocessingSettings
        Smoothing, background and contrast.
    """

    def __init__(self, image: NDArray[np.float32], settings: PreprocessingSettings) -> None:
        self.shape = image.shape[0], image.shape[1]
        self._settings = settings
        self._subtracted = _BackgroundSubtracted(image, settings)
        total = sum(_sum_of_squares(self._subtracted.rows(rows)) for rows in strips(image.shape))
        self._overall = float(np.sqrt(total / max(1, image.size)))
        self._cache: dict[int, NDArray[np.float32]] = {}
        self._computing = Lock()

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.float32]:
        """Return a rectangle of the filtered image; slices have a step of 1."""
        top, bottom, _ = part[0].indices(self.shape[0])
        if bottom <= top:
            return np.zeros((0, self.shape[1]), np.float32)[:, part[1]]
        numbers = range(top // STRIP_ROWS, (bottom - 1) // STRIP_ROWS + 1)
        with self._computing:
            strips_here = self._cache = {
                number: self._cache[number]
                if number in self._cache
                else self._compute_strip(number)
                for number in numbers
            }
        parts = []
        for number, strip in strips_here.items():
            start = number * STRIP_ROWS
            parts.append(strip[max(0, top - start) : bottom - start, part[1]])
        return np.concatenate(parts)

    def _compute_strip(self, number: int) -> NDArray[np.float32]:
        rows = slice(number * STRIP_ROWS, min((number + 1) * STRIP_ROWS, self.shape[0]))
        if self._overall <= NO_SIGNAL:
            return np.zeros((rows.stop - rows.start, self.shape[1]), np.float32)
        contrast_px = self._settings.contrast_px
        if contrast_px == 0:
            return self._subtracted.rows(rows)
        needed_rows, inner_rows = _rows_around(rows, blur_radius(contrast_px), self.shape[0])
        normalised = normalise_contrast(
            self._subtracted.rows(needed_rows), contrast_px, self._overall
        )
        return normalised[
            inner_rows
        ].copy()  # a view would keep the rows beyond the strip in memory


class _BackgroundSubtracted:
    """An image after normalisation, smoothing and background subtraction, by rows."""

    def __init__(self, image: NDArray[np.float32], settings: PreprocessingSettings) -> None:
        self._image, self._settings = image, settings
        self._lowest = min(image.min(), np.float32(0))
        self._span = image.max() - self._lowest

    def rows(self, rows: slice) -> NDArray[np.float32]:
        """Compute some rows."""
        background_px, smoothing_px = self._settings.background_px, self._settings.smoothing_px
        radius = blur_radius(background_sigma(background_px, smoothing_px))
        needed_rows, inner_rows = _rows_around(rows, radius, len(self._image))
        normalised = normalise_intensity(self._image[needed_rows], self._lowest, self._span)
        return subtract_background(normalised, background_px, smoothing_px)[inner_rows]


def filter_in_strips(
    image: NDArray[np.float32], settings: PreprocessingSettings
) -> NDArray[np.float32]:
    """Filter a large image strip by strip, with little memory besides the result.

    Every strip is computed once: its contrast is normalised in place when the strip below has
    been computed, so the rows above that the blur needs are kept as they were.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities.
    settings : PreprocessingSettings
        Smoothing, background and contrast.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        As from `pipeline.filter_image`.
    """
    subtracted, filtered = _BackgroundSubtracted(image, settings), np.empty_like(image)
    total = 0.0
    for rows in strips(image.shape):
        filtered[rows] = subtracted.rows(rows)
        total += _sum_of_squares(filtered[rows])
    overall = float(np.sqrt(total / max(1, image.size)))
    if overall <= NO_SIGNAL:
        return np.zeros_like(image)
    contrast_px = settings.contrast_px
    if contrast_px == 0:
        return filtered
    radius, above = blur_radius(contrast_px), filtered[:0]
    for rows in strips(image.shape):
        needed_rows, inner_rows = _rows_around(rows, radius, len(image))
        needed = np.concatenate([above, filtered[rows.start : needed_rows.stop]])
        above = needed[max(0, inner_rows.stop - radius) : inner_rows.stop].copy()
        filtered[rows] = normalise_contrast(needed, contrast_px, overall)[inner_rows]
    return filtered


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of an image that are computed together.

    Parameters
    ----------
    shape : (Y, X)

    Yields
    ------
    slice
        First row and the row after the last one.
    """
    for top in range(0, shape[0], STRIP_ROWS):
        yield slice(top, min(top + STRIP_ROWS, shape[0]))


def _sum_of_squares(rows: NDArray[np.float32]) -> float:
    return float(np.sum(rows**2, dtype=np.float64))


def _rows_around(rows: slice, radius: int, height: int) -> tuple[slice, slice]:
    """Return the rows that a blur of some rows needs, and the position of these within them."""
    first = max(rows.start - radius, 0)
    needed_rows = slice(first, min(rows.stop + radius, height))
    return needed_rows, slice(rows.start - first, rows.stop - first)


FilteredImage = NDArray[np.float32] | TiledFilter
"""A filtered image (Y, X): an array, or a large image that is computed on access."""
