"""Lattices whose reflections are too faint to be certain one by one, as of thin crystals.

A single peak is a reflection where it is far above all speckle. Faint ones count together: two
peaks predict where all others of their lattice are, and speckle is hardly ever high there, too.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_stem_defects.lattice.reciprocal_basis import (
    explained_peaks,
    reduce_bases,
    refine_basis,
)
from napari_stem_defects.lattice.reflections import (
    MIN_SPACING_PX,
    Spectrum,
    find_peaks,
    isolation,
    reflections_at,
    spectrum_of,
)

Array = NDArray[np.float64]

_SMALLEST_PX = 128
_MIN_BINS = 8.0
"""Least distance of a reflection from zero frequency in bins: nearer to it a ring has too few bins
for its median, and what blurs leave of the background is uneven."""
_LOWEST, _PEAKS = 5.0, 14
"""Least height of a peak, and number of the highest from which lattices are made."""
_SPECKLE, _EXPECTED, _HIGHEST = 8.5, 5.0, 16.0
"""Usual height of the highest speckle in a spectrum, and of the highest in the nine bins around
some place; and what higher peaks count as, so that no peak makes a lattice alone."""
_WEIGHT = 0.8
"""Weight of a reflection that is where two others predict it."""
_ENOUGH, _ACROSS = 12.0, (5.0, 9.0)
"""Least sum of what reflections have above speckle, and of those across the highest one: speckle of
1300 images without a lattice reached 10.2. The higher one where the highest is a fringe."""
_FRINGE = 50.0
"""Height of a peak that is not faint: where it has no equals, it may be that of fringes."""
_STRONG, _MIN_SHARE = 10.0, 0.75
"""Height of a strong peak, and least share of those that one lattice explains."""
_MIN_ISOLATION, _MIN_SHARPNESS = 5.0, 1.5
_LEAST_SINE = 0.3
_AWAY_BINS = 1.6
_FINE, _COARSE, _LEAST_POWER = 24, 20, 0.1
"""Fractions of the edge of an image: standard deviations of the background and of the average of
noise; and least noise in units of its median."""
_ORDERS = np.array(
    [(h, k) for h in range(-2, 3) for k in range(-2, 3) if (h, k) > (0, 0)], np.float64
)


def faint_basis(found: Spectrum) -> tuple[Spectrum, Array] | None:
    """Find a lattice by all its reflections together.

    Parameters
    ----------
    found : Spectrum
        Of an image without a lattice by single peaks.

    Returns
    -------
    spectrum : Spectrum
        The spectrum in which the lattice was found: noisy parts of the image, as contamination,
        have less weight in it.
    basis : ndarray of float64, shape (2, 2)
        Rows are reciprocal vectors (y, x) in cycles per px.

    Notes
    -----
    None instead of both where there is no lattice.
    """
    if min(found.subtracted.shape) < _SMALLEST_PX:
        return None
    even = spectrum_of(_with_even_noise(found.subtracted))
    positions, heights = find_peaks(even, _LOWEST)
    far = np.hypot(*(positions / even.steps).T) >= _MIN_BINS
    positions, heights = positions[far], heights[far]
    basis = _highest_sum(even, positions[:_PEAKS], heights[:_PEAKS])
    if basis is None:
        return None
    hit = explained_peaks(basis, positions, even.bin_size)
    strong = heights > _STRONG
    if not _explains(even, positions[hit & strong], heights[hit & strong], heights[strong]):
        return None
    basis = refine_basis(basis, positions[hit], np.sqrt(heights[hit]), even.bin_size)
    return even, reduce_bases(basis[None])[0]


def _explains(found: Spectrum, positions: Array, heights: Array, strong: Array) -> bool:
    """Return whether a lattice explains most strong peaks, two of them isolated."""
    if len(positions) < 2 or np.sqrt(heights).sum() < _MIN_SHARE * np.sqrt(strong).sum():
        return False
    return bool((isolation(found, positions) > _MIN_ISOLATION).sum() >= 2)


def _with_even_noise(subtracted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image, each part weighted by the inverse power of its noise."""
    edge = min(subtracted.shape)
    fine = subtracted - _blurred(subtracted, edge / _FINE)
    power = _blurred(np.square(fine), edge / _COARSE)
    least = np.float32(max(float(_LEAST_POWER * np.median(power)), 1e-30))
    return np.asarray(fine * (least / np.maximum(power, least)), np.float32)


def _blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return an image after a Gaussian blur, mirrored at its borders.

    A blur as wide as this is quickest as a product of cosine transforms.
    """
    down, across = (
        np.exp(-0.5 * np.square(np.pi * sigma * np.arange(length) / length)).astype(np.float32)
        for length in image.shape
    )
    return np.asarray(fft.idctn(fft.dctn(image) * down[:, None] * across), np.float32)


def _highest_sum(found: Spectrum, positions: Array, heights: Array) -> Array | None:
    """Return the lattice of two peaks whose reflections rise most above speckle together."""
    pairs = np.array(list(combinations(range(len(positions)), 2)), np.intp).reshape(-1, 2)
    peaks = positions[pairs]
    lengths = np.hypot(peaks[..., 0], peaks[..., 1]).prod(axis=1)
    oblique = np.abs(np.linalg.det(peaks)) > _LEAST_SINE * lengths
    pairs, bases = pairs[oblique], reduce_bases(peaks[oblique])
    if not len(pairs):
        return None
    gain, measured = _gains(found, bases)
    # The two peaks were chosen among all, so that they count from the highest speckle on.
    orders = np.rint(positions[pairs] @ np.linalg.inv(bases))
    same = np.abs(orders[:, :, None] - _ORDERS).max(axis=3) == 0
    same |= np.abs(orders[:, :, None] + _ORDERS).max(axis=3) == 0
    own = np.minimum(heights[pairs], _HIGHEST) - _SPECKLE
    gain[same.any(axis=1)] = 0
    high = np.where(same.any(axis=1) | (gain > 0), measured, 0).argmax(axis=1)
    top = _ORDERS[high]
    total = gain.sum(axis=1) + own.sum(axis=1)
    across = (gain * (np.abs(_cross(top[:, None], _ORDERS)) > 0)).sum(axis=1)
    across += (own * (np.abs(_cross(top[:, None], orders)) > 0)).sum(axis=1)
    is_fringe = measured.max(axis=1, initial=0, where=same.any(axis=1) | (gain > 0)) > _FRINGE
    enough = (total > _ENOUGH) & (across > np.where(is_fringe, _ACROSS[1], _ACROSS[0]))
    if not enough.any():
        return None
    return np.asarray(bases[np.where(enough, total, -np.inf).argmax()])


def _gains(found: Spectrum, bases: Array) -> tuple[Array, Array]:
    """Return by how much reflections exceed speckle, and their heights, (N, orders)."""
    expected = (_ORDERS @ bases).reshape(-1, 2)
    heights, sharpness, measured = reflections_at(found, expected)
    away = np.hypot(*((measured - expected) / found.steps).T)
    used = np.hypot(*expected.T) < 1 / MIN_SPACING_PX
    used &= np.hypot(*(expected / found.steps).T) >= _MIN_BINS
    used &= (away < _AWAY_BINS) & (sharpness > _MIN_SHARPNESS)
    above = _WEIGHT * np.maximum(np.minimum(heights, _HIGHEST) - _EXPECTED, 0)
    shape = len(bases), len(_ORDERS)
    return np.where(used, above, 0).reshape(shape), heights.reshape(shape)


def _cross(first: Array, second: Array) -> Array:
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])
