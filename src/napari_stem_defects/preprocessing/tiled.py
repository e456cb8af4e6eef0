"""Flattening an image of any size: what `preprocessing.filter_image` does, a strip of rows at a time."""

from __future__ import annotations

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

    from napari_stem_defects.preprocessing.settings import (
        PreprocessingSettings,
    )

STRIP_ROWS = 256


class TiledFilter:
    """A flattened image that is computed where it is looked at.

    The strips of the part looked at last are kept, so whoever goes over the image from top to
    bottom, tile by tile, has each computed about once.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities.
    settings : Preprocessing
    """

    def __init__(self, image: NDArray[np.float32], settings: PreprocessingSettings) -> None:
        self.shape = image.shape[0], image.shape[1]
        self._image, self._settings = image, settings
        self._lowest = min(image.min(), np.float32(0))
        self._span = image.max() - self._lowest
        total = sum(
            float(np.sum(self._levelled(rows) ** 2, dtype=np.float64)) for rows in self.strips()
        )
        self._overall = float(np.sqrt(total / max(1, image.size)))
        self._kept: dict[int, NDArray[np.float32]] = {}

    def strips(self) -> Iterator[slice]:
        """Yield the rows that are computed together."""
        for top in range(0, self.shape[0], STRIP_ROWS):
            yield slice(top, min(top + STRIP_ROWS, self.shape[0]))

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.float32]:
        """Return a rectangle, with steps of 1."""
        top, bottom, _ = part[0].indices(self.shape[0])
        if bottom <= top:
            return np.zeros((0, self.shape[1]), np.float32)[:, part[1]]
        numbers = range(top // STRIP_ROWS, (bottom - 1) // STRIP_ROWS + 1)
        self._kept = {
            number: self._kept[number] if number in self._kept else self._strip(number)
            for number in numbers
        }
        pieces = []
        for number, strip in self._kept.items():
            start = number * STRIP_ROWS
            pieces.append(strip[max(0, top - start) : bottom - start, part[1]])
        return np.concatenate(pieces)

    def _strip(self, number: int) -> NDArray[np.float32]:
        rows = slice(number * STRIP_ROWS, min((number + 1) * STRIP_ROWS, self.shape[0]))
        if self._overall <= NO_SIGNAL:
            return np.zeros((rows.stop - rows.start, self.shape[1]), np.float32)
        contrast_px = self._settings.contrast_px
        if contrast_px == 0:
            return self._levelled(rows)
        seen, inner = self._around(rows, blur_radius(contrast_px))
        evened = normalise_contrast(self._levelled(seen), contrast_px, self._overall)
        return evened[inner].copy()  # a view would keep the rows beyond the strip in memory

    def _levelled(self, rows: slice) -> NDArray[np.float32]:
        """Return some rows normalised, smoothed and without background."""
        background_px, smoothing_px = self._settings.background_px, self._settings.smoothing_px
        reach = blur_radius(background_sigma(background_px, smoothing_px))
        seen, inner = self._around(rows, reach)
        normalised = normalise_intensity(self._image[seen], self._lowest, self._span)
        return subtract_background(normalised, background_px, smoothing_px)[inner]

    def _around(self, rows: slice, reach: int) -> tuple[slice, slice]:
        """Return the rows a blur of some rows has to see, and where these lie among them."""
        first = max(rows.start - reach, 0)
        seen = slice(first, min(rows.stop + reach, self.shape[0]))
        return seen, slice(rows.start - first, rows.stop - first)


FilteredImage = NDArray[np.float32] | TiledFilter
"""A flattened image (Y, X), of which parts are looked at."""
