"""Gaussian blur in float32, as products with band matrices.

A blur along one axis is a convolution with a kernel of some dozen samples. A block of samples
together with its surroundings, times a band matrix that holds the kernel in each column, is the
same sum. Matrix products are the fastest arithmetic of a processor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Limits of a block of samples that is multiplied at once: shorter ones spend their time on calls,
# longer ones on zeros of the band matrix.
_SHORTEST, _LONGEST = 32, 128
_TRUNCATE = 4.0
_LARGE = 1 << 20
"""Samples beyond which memory counts more than time: products take three copies of an image."""


def blur_axes(image: NDArray[np.float32], sigma: float, radius: int) -> NDArray[np.float32]:
    """Blur images along their last two axes.

    Beyond the border an image is mirrored, the outermost pixel included.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
    sigma : float
        Standard deviation in px, above 0.
    radius : int
        Radius of the kernel in px.

    Returns
    -------
    ndarray of float32, shape of ``image``
        Equal to `scipy.ndimage.gaussian_filter` to within single-precision rounding.
    """
    band = _band_matrix(sigma, radius)
    length = band.shape[1]
    height, width = image.shape[-2:]
    padding = [(0, 0)] * (image.ndim - 2)
    # Without an offset far above the contrast, which would cost digits of single precision. It is
    # rounded, so that strips of an image have the same.
    offset = np.round(8 * image.mean(axis=(-2, -1), keepdims=True)) / np.float32(8)
    rows = np.pad(image - offset, [*padding, (radius, radius), (0, 0)], mode="symmetric")
    down = np.empty(image.shape, np.float32)
    for start in range(0, height, length):
        stop = min(start + length, height)
        part = band[: stop - start + 2 * radius, : stop - start]
        np.matmul(part.T, rows[..., start : stop + 2 * radius, :], out=down[..., start:stop, :])
    columns = np.pad(down, [*padding, (0, 0), (radius, radius)], mode="symmetric")
    for start in range(0, width, length):
        stop = min(start + length, width)
        part = band[: stop - start + 2 * radius, : stop - start]
        down[..., start:stop] = columns[..., start : stop + 2 * radius] @ part
    down += offset
    return down


def gaussian_blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur an image, with a kernel that ends at four standard deviations.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
    sigma : float
        Standard deviation in px, above 0.

    Returns
    -------
    ndarray of float32, shape of ``image``
        Equal to `scipy.ndimage.gaussian_filter` to within single-precision rounding.
    """
    if image.size > _LARGE:
        blurred: NDArray[np.float32] = ndimage.gaussian_filter(
            image, sigma, truncate=_TRUNCATE, axes=(-2, -1)
        )
        return blurred
    return blur_axes(image, sigma, int(_TRUNCATE * sigma + 0.5))


def gaussian_kernel(sigma: float, radius: int) -> NDArray[np.float32]:
    """Return the samples of a Gaussian, with a sum of 1.

    Parameters
    ----------
    sigma : float
        Standard deviation in px, above 0.
    radius : int
        Radius of the kernel in px.

    Returns
    -------
    ndarray of float32, shape (2 radius + 1,)
    """
    offsets = np.arange(-radius, radius + 1)
    exact = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel: NDArray[np.float32] = (exact / exact.sum()).astype(np.float32)
    # What rounding changed of the sum goes to the outermost samples, so that a blur keeps the mean.
    kernel[[0, -1]] += (1 - kernel.sum(dtype=np.float64)) / 2
    return kernel


@lru_cache(maxsize=16)
def _band_matrix(sigma: float, radius: int) -> NDArray[np.float32]:
    """Return the matrix (length + 2 radius, length) whose columns hold the kernel."""
    kernel = gaussian_kernel(sigma, radius)
    length = min(max(2 * radius, _SHORTEST), _LONGEST)
    band = np.zeros((length + 2 * radius, length), np.float32)
    for column in range(length):
        band[column : column + len(kernel), column] = kernel
    band.setflags(write=False)
    return band
