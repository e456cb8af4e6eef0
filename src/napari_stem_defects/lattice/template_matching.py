"""Template matching: the position in a micrograph from which a patch was cropped.

Normalised cross-correlation (Lewis, "Fast Normalized Cross-Correlation", 1995) is independent of
brightness and contrast. The numerator is computed by FFT, the denominator from running sums; the
transform and the sums of the micrograph are computed once for all patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft
from scipy.ndimage import uniform_filter1d

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COARSE_TOLERANCE = 1e-3
"""Scores this close to the best coarse score are computed again in float64."""

_MAX_CANDIDATES = 32


class Match(NamedTuple):
    """Position of the best match of a patch.

    Attributes
    ----------
    score : float
        Normalised cross-correlation, -1 to 1.
    top, left : int
        Row and column of the upper left pixel in px of the image.
    """

    score: float
    top: int
    left: int


class PatchSearch:
    """Search for patches of one size in one image.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Finite intensities in any unit.
    patch_shape : (int, int)
        Height and width of the patches, not larger than the image.
    """

    def __init__(self, image: NDArray[np.floating], patch_shape: tuple[int, int]) -> None:
        self._image = np.asarray(image, dtype=np.float64)
        self._image = self._image - self._image.mean()
        self._patch_shape = patch_shape
        # Circular correlation is exact for all patches inside the image; padding only improves
        # the speed.
        self._size = tuple(fft.next_fast_len(n, real=True) for n in self._image.shape)
        spectrum = fft.rfft2(self._image, self._size)
        self._spectrum = spectrum.astype(np.complex64)
        self._norm = self._patch_norms().astype(np.float32)

    def find(self, patch: NDArray[np.floating]) -> Match | None:
        """Return the best match of a patch.

        Parameters
        ----------
        patch : ndarray, shape ``patch_shape``
            Finite intensities.

        Returns
        -------
        Match or None
            None if the patch is uniform and matches everywhere.
        """
        centred = np.asarray(patch, dtype=np.float64)
        centred = centred - centred.mean()
        length = float(np.linalg.norm(centred))
        if length < 1e-6 * max(1.0, float(np.abs(patch).max())):
            return None
        centred /= length
        coarse = self._correlate(centred.astype(np.float32))
        best = np.flatnonzero(coarse >= coarse.max() - _COARSE_TOLERANCE)
        best = best[np.argsort(coarse.flat[best], kind="stable")[::-1][:_MAX_CANDIDATES]]
        candidates = zip(*np.unravel_index(best, coarse.shape), strict=True)
        return max(self._score(centred, int(top), int(left)) for top, left in candidates)

    def _patch_norms(self) -> NDArray[np.float64]:
        """Return the norm of every mean-subtracted section of the image of the size of a patch."""
        count = self._patch_shape[0] * self._patch_shape[1]
        variance = self._window_mean(self._image**2) - self._window_mean(self._image) ** 2
        norms: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0) * count)
        return norms

    def _window_mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        for axis, length in enumerate(self._patch_shape):
            values = uniform_filter1d(values, length, axis=axis, origin=-(length // 2))
        height, width = self._valid_shape()
        return values[:height, :width]

    def _valid_shape(self) -> tuple[int, int]:
        (height, width), (rows, columns) = self._image.shape, self._patch_shape
        return height - rows + 1, width - columns + 1

    def _correlate(self, centred: NDArray[np.float32]) -> NDArray[np.float32]:
        height, width = self._valid_shape()
        along_x = fft.rfft(centred, self._size[1], axis=1)  # only the patch's own rows
        spectrum = fft.fft(along_x, self._size[0], axis=0, overwrite_x=True)
        product = self._spectrum * spectrum.conj()
        columns = fft.ifft(product, axis=0, overwrite_x=True)[:height]
        numerator = fft.irfft(columns, self._size[1], axis=1)[:, :width]
        blank = self._norm <= 1e-5 * self._norm.max()
        return np.where(blank, np.float32(0), numerator / np.where(blank, 1, self._norm))

    def _score(self, centred: NDArray[np.float64], top: int, left: int) -> Match:
        rows, columns = self._patch_shape
        window = self._image[top : top + rows, left : left + columns]
        window = window - window.mean()
        norm = float(np.linalg.norm(window))
        return Match(float((centred * window).sum() / norm) if norm else 0.0, top, left)
