"""Lattice vectors of a crystal from the power spectrum of its image.

The spacing of the lattice planes in px yields the pixel size of uncalibrated images: for CdTe along
[110] the first ring of the spectrum is {111}, 0.3742 nm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.reciprocal_basis import best_basis, reduce_basis, refine_basis

Array = NDArray[np.float64]

_MAX_SIZE_PX = 1024
"""Of larger images only the centre is used: scan distortion would smear the peaks."""
_MIN_SIZE_PX = 48
_MAX_SPACING_PX, _MIN_SPACING_PX = 80.0, 2.2
"""Range of the spacings."""
_MIN_PROMINENCE = 20.0
"""Minimum ratio of the smoothed power of a peak to the median of its ring.

The largest of 30,000 values of speckle is lower, amorphous films included.
"""
_MAX_PEAKS = 14
_MIN_EXPLAINED = 0.55
"""Minimum fraction of the weight of the peaks that one lattice must explain."""


@dataclass(frozen=True)
class Lattice:
    """The two shortest independent reciprocal vectors of a crystal.

    Attributes
    ----------
    vectors : ((float, float), (float, float))
        The vectors as (y, x) in cycles per px, shortest first.
    d_px : (float, float)
        Spacings of their planes in px, longest first.
    angle_deg : float
        Angle between them, 0 to 90 degrees.
    confidence : float
        0 to 1: the fraction of the peaks that this lattice explains, reduced for weak peaks.
    """

    vectors: tuple[tuple[float, float], tuple[float, float]]
    d_px: tuple[float, float]
    angle_deg: float
    confidence: float


def measure_lattice(image: NDArray[np.float32]) -> Lattice | None:
    """Find the lattice of an image in its power spectrum.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.

    Returns
    -------
    Lattice or None
        None if there is no clear lattice: vacuum, amorphous material, or an image that is too
        small.
    """
    if min(image.shape) < _MIN_SIZE_PX:
        return None
    positions, heights, bin_size = _find_peaks(_crop_centre(image))
    if len(positions) < 2:
        return None
    weights = np.sqrt(heights)  # amplitudes: streaks of a jittery scan have little weight
    best, explained = best_basis(positions, weights, bin_size)
    if best is None or explained < _MIN_EXPLAINED:
        return None
    basis = reduce_basis(refine_basis(best, positions, weights, bin_size))
    lengths = np.hypot(*basis.T)
    if 1 / lengths.min() > _MAX_SPACING_PX:
        return None
    cosine = abs(float(basis[0] @ basis[1])) / float(lengths.prod())
    (y0, x0), (y1, x1) = basis.tolist()
    return Lattice(
        vectors=((y0, x0), (y1, x1)),
        d_px=(float(1 / lengths[0]), float(1 / lengths[1])),
        angle_deg=float(np.degrees(np.arccos(min(cosine, 1)))),
        confidence=float(
            explained * (1 - _MIN_PROMINENCE / (_MIN_PROMINENCE + np.median(heights)))
        ),
    )


def pixel_size_from_lattice(lattice: Lattice, d_nm: float) -> float:
    """Return the pixel size of an image whose lattice has a known spacing.

    The geometric mean of both spacings compensates for a scan that is stretched along one axis.

    Parameters
    ----------
    lattice : Lattice
        Measured lattice.
    d_nm : float
        Known spacing of the planes of the first ring in nm.

    Returns
    -------
    float
        Pixel size in nm.

    Raises
    ------
    InputError
        If ``d_nm`` is not a positive length.
    """
    if not (np.isfinite(d_nm) and d_nm > 0):
        raise InputError(f"lattice spacing {d_nm} nm is not a positive length; give one in nm")
    return d_nm / float(np.sqrt(lattice.d_px[0] * lattice.d_px[1]))


def _crop_centre(image: NDArray[np.float32]) -> NDArray[np.float32]:
    start = [max(0, (n - _MAX_SIZE_PX) // 2) for n in image.shape]
    return image[start[0] : start[0] + _MAX_SIZE_PX, start[1] : start[1] + _MAX_SIZE_PX]


def _find_peaks(image: NDArray[np.float32]) -> tuple[Array, Array, float]:
    """Return the significant peaks of half the spectrum, strongest first.

    Positions (N, 2) as y, x in cycles per px, heights (N,) over the median of their ring, and
    the size of a bin in cycles per px.
    """
    power, fy, fx = _power(image)
    radius = np.hypot(fy[:, None], fx[None, :])
    bin_size = 1 / min(image.shape)
    ring = np.rint(radius / (2 * bin_size)).astype(np.intp)
    height = ndimage.gaussian_filter(power, 0.8, mode="wrap") / _ring_median(power, ring)
    low = max(1 / _MAX_SPACING_PX, 3 * bin_size)
    in_range = (radius > low) & (radius < 1 / _MIN_SPACING_PX)
    in_range &= (fx[None, :] > 0) | ((fx[None, :] == 0) & (fy[:, None] > 0))
    top = height == ndimage.maximum_filter(height, 7, mode="wrap")
    rows, columns = np.nonzero(top & in_range & (height > _MIN_PROMINENCE))
    order = np.argsort(-height[rows, columns])[:_MAX_PEAKS]
    rows, columns = rows[order], columns[order]
    offset = np.array(
        [_centroid(power, int(y), int(x)) for y, x in zip(rows, columns, strict=True)]
    )
    steps = np.array([1 / image.shape[0], 1 / image.shape[1]])
    position = np.stack([fy[rows], fx[columns]], axis=1) + offset.reshape(-1, 2) * steps
    return position, height[rows, columns], bin_size


def _power(image: NDArray[np.float32]) -> tuple[Array, Array, Array]:
    """Return the centred power spectrum of the background-subtracted, Hann-windowed image."""
    height, width = image.shape
    # From the first pixel, so that a constant image is exactly 0.
    pixels, sigma = image.astype(np.float64) - float(image[0, 0]), min(height, width) / 12
    background = _blur_matrix(height, sigma) @ pixels @ _blur_matrix(width, sigma).T
    subtracted = pixels - background
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(fft.fftshift(fft.fft2(subtracted * window))) ** 2
    return power, fft.fftshift(fft.fftfreq(height)), fft.fftshift(fft.fftfreq(width))


@lru_cache(maxsize=4)
def _blur_matrix(length: int, sigma: float) -> Array:
    """Return the matrix (length, length) that blurs a column with a Gaussian, mirrored at its ends.

    So wide a blur is a matter of products of matrices: as a convolution it took longer than
    everything else here.
    """
    radius = int(3 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    row = np.arange(length)[:, None]
    folded = (row + offsets) % (2 * length)
    column = np.minimum(folded, 2 * length - 1 - folded)
    weights = np.broadcast_to(kernel / kernel.sum(), column.shape)
    place = (row * length + column).ravel()
    matrix = np.bincount(place, weights.ravel(), minlength=length**2)
    return np.asarray(matrix.reshape(length, length))


def _ring_median(power: Array, ring: NDArray[np.intp]) -> Array:
    """Return the median power of the ring of every pixel, smoothed along the radius."""
    order = np.argsort(ring, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(ring.ravel()))
    values = power.ravel()[order]
    medians = [float(np.median(part)) for part in np.split(values, ends[:-1])]
    floor = max(float(np.median(power)) * 1e-6, 1e-30)
    return np.asarray(np.maximum(ndimage.median_filter(medians, 3), floor)[ring])


def _centroid(power: Array, row: int, column: int) -> Array:
    """Return the centroid of a peak in bins from its maximum; split peaks are averaged."""
    offsets = np.arange(-2, 3)
    rows, columns = (row + offsets) % power.shape[0], (column + offsets) % power.shape[1]
    part = power[np.ix_(rows, columns)]
    part = np.maximum(part - np.median(part), 0)
    return np.asarray([part.sum(axis=1) @ offsets, part.sum(axis=0) @ offsets] / part.sum())
