"""The period of a crystal, found in the power spectrum of its image.

Where a file knows no pixel size, the spacing of the lattice planes in px gives it: for CdTe seen
along [110] the first ring of the spectrum is {111}, 0.3742 nm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_stem_defects.errors import InputError

Array = NDArray[np.float64]

_LARGEST_PX = 1024
"""Of larger images only the middle is looked at: scan distortion smears the peaks of more."""
_SMALLEST_PX = 48
_LONGEST_PX, _SHORTEST_PX = 80.0, 2.2
"""Spacings looked for."""
_SIGNIFICANT = 20.0
"""How far above the median of its ring the smoothed power of a peak must stand. The largest of
30,000 values of speckle stays under it, amorphous matter included."""
_MOST_PEAKS = 14
_LEAST_EXPLAINED = 0.55
"""Share of the peaks' weight that one lattice must explain."""


@dataclass(frozen=True)
class Lattice:
    """The two shortest independent reciprocal vectors of a crystal.

    Attributes
    ----------
    vectors : ((float, float), (float, float))
        The vectors as (y, x) in cycles per px, shortest first.
    d_px : (float, float)
        Spacings of their planes, px, longest first.
    angle_deg : float
        Angle between them, 0 to 90 degrees.
    confidence : float
        0 to 1: the share of the spectrum's peaks that this lattice explains, less where the
        weakest of them hardly stand out.
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

    Returns
    -------
    Lattice or None
        None where no lattice stands out: vacuum, amorphous matter, too small an image.
    """
    if min(image.shape) < _SMALLEST_PX:
        return None
    positions, heights, bin_size = _peaks(_middle(image))
    if len(positions) < 2:
        return None
    weights = np.sqrt(heights)  # amplitudes: streaks of a jittery scan hardly count
    best, explained = _best_basis(positions, weights, bin_size)
    if best is None or explained < _LEAST_EXPLAINED:
        return None
    basis = _shortest(_refined(best, positions, weights, bin_size))
    lengths = np.hypot(*basis.T)
    if 1 / lengths.min() > _LONGEST_PX:
        return None
    cosine = abs(float(basis[0] @ basis[1])) / float(lengths.prod())
    (y0, x0), (y1, x1) = basis.tolist()
    return Lattice(
        vectors=((y0, x0), (y1, x1)),
        d_px=(float(1 / lengths[0]), float(1 / lengths[1])),
        angle_deg=float(np.degrees(np.arccos(min(cosine, 1)))),
        confidence=float(explained * (1 - _SIGNIFICANT / (_SIGNIFICANT + np.median(heights)))),
    )


def pixel_size_from_lattice(lattice: Lattice, d_nm: float) -> float:
    """Return the pixel size in nm if the first ring of the lattice has the spacing ``d_nm``.

    Both vectors count: their mean evens out a scan that is stretched along one axis.

    Raises
    ------
    InputError
        If ``d_nm`` is not a positive length.
    """
    if not (np.isfinite(d_nm) and d_nm > 0):
        raise InputError(f"lattice spacing {d_nm} nm is not a positive length; give one in nm")
    return d_nm / float(np.sqrt(lattice.d_px[0] * lattice.d_px[1]))


def _middle(image: NDArray[np.float32]) -> NDArray[np.float32]:
    start = [max(0, (n - _LARGEST_PX) // 2) for n in image.shape]
    return image[start[0] : start[0] + _LARGEST_PX, start[1] : start[1] + _LARGEST_PX]


def _peaks(image: NDArray[np.float32]) -> tuple[Array, Array, float]:
    """Return the significant peaks of half the spectrum, strongest first.

    Positions (N, 2) as y, x in cycles per px, heights (N,) over the median of their ring, and
    the size of a bin in cycles per px.
    """
    power, fy, fx = _power(image)
    radius = np.hypot(fy[:, None], fx[None, :])
    bin_size = 1 / min(image.shape)
    ring = np.rint(radius / (2 * bin_size)).astype(np.intp)
    height = ndimage.gaussian_filter(power, 0.8, mode="wrap") / _ring_median(power, ring)
    low = max(1 / _LONGEST_PX, 3 * bin_size)
    searched = (radius > low) & (radius < 1 / _SHORTEST_PX)
    searched &= (fx[None, :] > 0) | ((fx[None, :] == 0) & (fy[:, None] > 0))
    top = height == ndimage.maximum_filter(height, 7, mode="wrap")
    rows, columns = np.nonzero(top & searched & (height > _SIGNIFICANT))
    order = np.argsort(-height[rows, columns])[:_MOST_PEAKS]
    rows, columns = rows[order], columns[order]
    offset = np.array(
        [_centroid(power, int(y), int(x)) for y, x in zip(rows, columns, strict=True)]
    )
    steps = np.array([1 / image.shape[0], 1 / image.shape[1]])
    position = np.stack([fy[rows], fx[columns]], axis=1) + offset.reshape(-1, 2) * steps
    return position, height[rows, columns], bin_size


def _power(image: NDArray[np.float32]) -> tuple[Array, Array, Array]:
    """Return the power spectrum, shifted, of the evened and Hann-windowed image."""
    height, width = image.shape
    pixels = image.astype(np.float64)
    flat = pixels - ndimage.gaussian_filter(pixels, min(height, width) / 12, truncate=3)
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(fft.fftshift(fft.fft2(flat * window))) ** 2
    return power, fft.fftshift(fft.fftfreq(height)), fft.fftshift(fft.fftfreq(width))


def _ring_median(power: Array, ring: NDArray[np.intp]) -> Array:
    """Return the median power of every pixel's ring, smoothed from ring to ring."""
    order = np.argsort(ring, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(ring.ravel()))
    values = power.ravel()[order]
    medians = [float(np.median(part)) for part in np.split(values, ends[:-1])]
    floor = max(float(np.median(power)) * 1e-6, 1e-30)
    return np.asarray(np.maximum(ndimage.median_filter(medians, 3), floor)[ring])


def _centroid(power: Array, row: int, column: int) -> Array:
    """Return where a peak lies within its surroundings, in bins: split peaks are averaged."""
    reach = np.arange(-2, 3)
    rows, columns = (row + reach) % power.shape[0], (column + reach) % power.shape[1]
    part = power[np.ix_(rows, columns)]
    part = np.maximum(part - np.median(part), 0)
    return np.asarray([part.sum(axis=1) @ reach, part.sum(axis=0) @ reach] / part.sum())


def _best_basis(positions: Array, weights: Array, bin_size: float) -> tuple[Array | None, float]:
    """Return the pair of peaks whose lattice explains most, beyond what chance would explain.

    A pair must be the shortest basis of its lattice. Denser lattices explain more, those of two
    twins together for one, but their shortest vectors are not seen as peaks.
    """
    best, best_score, best_share = None, 0.0, 0.0
    for i, j in combinations(range(len(positions)), 2):
        basis = positions[[i, j]]
        squares = (basis**2).sum(axis=1)
        if abs(basis[0] @ basis[1]) > 0.55 * squares.min():
            continue
        hit = _explained(basis, positions, bin_size)
        share = float(weights[hit].sum() / weights.sum())
        chance = np.pi * (2 * bin_size) ** 2 / abs(float(np.linalg.det(basis)))
        score = share * (1 - min(chance, 1.0))
        if score > best_score + 1e-9:
            best, best_score, best_share = basis, score, share
    return best, best_share


def _explained(basis: Array, positions: Array, bin_size: float) -> NDArray[np.bool_]:
    """Tell which peaks are whole combinations of the basis, within what scan distortion does."""
    order = np.rint(positions @ np.linalg.inv(basis))
    away = np.hypot(*(positions - order @ basis).T)
    return np.asarray(away < 1.2 * bin_size + 0.015 * np.hypot(*positions.T))


def _refined(basis: Array, positions: Array, weights: Array, bin_size: float) -> Array:
    """Fit the basis to all peaks it explains."""
    for _ in range(2):
        hit = _explained(basis, positions, bin_size)
        order = np.rint(positions @ np.linalg.inv(basis))[hit]
        root = np.sqrt(weights[hit])[:, None]
        fitted, *_ = np.linalg.lstsq(order * root, positions[hit] * root, rcond=None)
        if abs(np.linalg.det(fitted)) < 0.5 * abs(np.linalg.det(basis)):
            break
        basis = fitted
    return basis


def _shortest(basis: Array) -> Array:
    """Return the shortest basis of the same lattice (Gauss's reduction), shortest vector first."""
    a, b = basis
    while True:
        if a @ a > b @ b:
            a, b = b, a
        turns = np.rint((a @ b) / (a @ a))
        if turns == 0:
            return np.stack([a, b])
        b = b - turns * a
        if b @ b >= a @ a:
            return np.stack([a, b])
