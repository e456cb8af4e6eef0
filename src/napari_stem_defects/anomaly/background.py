"""Residual of an image without a lattice: what stands out from its background.

The place of the lattice period takes the window of the spots that are sought, and that of the
prediction a filter that makes the background white: each frequency is divided by the root of its
power in the background. The correlation with a pattern that was whitened as well is then the
matched filter for that background (Turin, IRE Transactions on Information Theory 6, 311, 1960,
equation 15). An amorphous film has no direction, so the power is that of a radius: white noise and
a part that falls with the square of the frequency, as the power of most images does (Field, Journal
of the Optical Society of America A 4, 2379, 1987). Without the white part the matched filter of a
Gaussian spot is the Laplacian of Gaussian of blob detection, without the other one the Gaussian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage, optimize

from napari_stem_defects.anomaly.grain_structure import grains_of
from napari_stem_defects.anomaly.outside_crystal import is_particle, outside_crystal
from napari_stem_defects.anomaly.predictor import Predictor
from napari_stem_defects.anomaly.residual import (
    SMOOTHING_PERIODS,
    LatticeResidual,
    with_predictors,
)
from napari_stem_defects.anomaly.sampling import (
    Sampled,
    at_samples,
    near_invalid,
    sample,
    sample_window,
)
from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.lattice.unit_cell import lattice_period

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement

WINDOW_SIGMAS = 5.0
"""Window in standard deviations of a spot: a column of a crystal fills as much of its period."""
SMALLEST_WINDOW_PX = 2.0
"""Below it a spot is smaller than a pixel."""
_WINDOWS = 4
"""The shorter edge of an image has at least so many windows."""
_WINDOW_PERIODS = 3
"""Width of the filter, as that of a prediction."""
_PART = 64
"""Edge in samples of the parts of the image whose power is measured."""
_MOST_PARTS = 400
_LEAST_CLEAR = 0.2
"""Largest share of a part that may be no background, if there are parts with less."""
_LIMIT = 3.0
"""Spreads to which the image is limited there, so that few strong spots are not background."""
_LOWEST = 0.4
"""Lowest frequency of the fit in cycles per window: below it the background is subtracted."""
_HIGHEST = 0.45
"""Highest one in cycles per sample."""
_UNDONE = 0.2
"""Smoothing is undone down to this transfer."""
_LEAST = 1e-3
"""Each part of the power at one cycle per window in units of the whole, at least."""


def background_residual(
    micrograph: Micrograph,
    window_px: float,
    samples: float | None = None,
    crystal: NDArray[np.bool_] | None = None,
) -> LatticeResidual:
    """Sample an image and whiten its background.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    window_px : float
        Window of a spot in px, five times its standard deviation; it takes the place of the
        lattice period.
    samples : float, optional
        Samples per window; by default those that suit the image.
    crystal : ndarray of bool, shape (Y, X), optional
        Pixels of a crystal, see `crystal_pixels`: its columns are no spots.

    Returns
    -------
    LatticeResidual
        Without a lattice. Crystal, pixels without a value and those near them are no background.
    """
    sampled = sample_window(micrograph.pixels, window_px, samples)
    ignored = near_invalid(micrograph.invalid, micrograph.frame_shape, window_px)
    if crystal is not None:
        ignored |= crystal
    blocked = at_samples(ignored, sampled) if ignored.any() else None
    return with_predictors(sampled, (whitening(sampled, blocked),), blocked)


def crystal_pixels(micrograph: Micrograph, lattice: LatticeMeasurement) -> NDArray[np.bool_] | None:
    """Return the pixels that show a crystal in an image of which a part shows none.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    lattice : LatticeMeasurement
        Of the frame.

    Returns
    -------
    ndarray of bool, shape (Y, X), or None
        None where there is no crystal, or one that fills the image; a particle of few periods is
        all edge, and its atoms are spots.
    """
    if lattice.cell is None:
        return None
    sampled = sample(micrograph.pixels, lattice.cells)
    grain_map = grains_of(sampled, micrograph.invalid)
    outside = outside_crystal(micrograph.pixels, grain_map)
    if outside is None or outside.all():
        return None
    return None if is_particle(outside, lattice_period(lattice.cell)) else ~outside


def unsuited_window(micrograph: Micrograph, window_px: float) -> str:
    """Return why spots of a window cannot be sought in an image.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    window_px : float
        Window of a spot in px of the image.

    Returns
    -------
    str
        What is wrong and what to do; "" where they can.
    """
    size = micrograph.pixel_size_nm
    length = both_units(round(window_px, 1), size)
    if window_px < SMALLEST_WINDOW_PX:
        return f"spots with a window of {length} are smaller than a pixel; check the pixel size"
    if min(micrograph.frame_shape) < _WINDOWS * window_px:
        return f"too small for spots with a window of {length}; check the pixel size"
    return ""


def whitening(sampled: Sampled, blocked: NDArray[np.bool_] | None = None) -> Predictor:
    """Return the filter that makes the background of an image white.

    Parameters
    ----------
    sampled : Sampled
    blocked : ndarray of bool, shape (rows, columns), optional
        Samples that are no background.

    Returns
    -------
    Predictor
        Without a direction.
    """
    falling, white = _power_law(_power(sampled, blocked), sampled)
    half = round(_WINDOW_PERIODS * sampled.samples / 2)
    edge = 8 * half
    frequency = np.hypot(fft.fftfreq(edge)[:, None], fft.fftfreq(edge))
    response = frequency / np.sqrt(falling + white * frequency**2)
    # A residual is smoothed after its filter, which white noise must not be.
    smoothing = np.exp(-2 * (np.pi * SMOOTHING_PERIODS * sampled.samples * frequency) ** 2)
    response /= np.maximum(smoothing, _UNDONE)
    kernel = fft.fftshift(fft.ifft2(response).real)
    inner = slice(edge // 2 - half, edge // 2 + half + 1)
    away = np.hypot(*np.mgrid[-half : half + 1, -half : half + 1]) / (half + 1)
    taper = np.where(away < 1, np.cos(0.5 * np.pi * np.minimum(away, 1)) ** 2, 0)
    cut = kernel[inner, inner] * taper
    cut -= cut.sum() * taper / taper.sum()  # nothing is left of a uniform background
    return Predictor(cut.astype(np.float32), 0.0)


def _power_law(power: NDArray[np.float64], sampled: Sampled) -> tuple[float, float]:
    """Fit a part that falls with the square of the frequency, and a white one.

    Parameters
    ----------
    power : ndarray of float64, shape (N,)
        At 0, 1, ... cycles per part, up to half a cycle per sample.
    sampled : Sampled

    Returns
    -------
    (float, float)
        Power of both parts at 1 cycle per sample.
    """
    frequency = np.arange(len(power)) / (2 * (len(power) - 1))
    # Resampled images have no noise beyond the highest frequency of their own pixels.
    highest = _HIGHEST * min(1.0, *(1 / each for each in sampled.factor))
    used = (frequency >= _LOWEST / sampled.samples) & (frequency <= highest) & (power > 0)
    middle = 1 / sampled.samples**2
    if used.sum() < 2:
        return 1.0, 1.0
    # Relative errors, and each octave counts as much as the next one.
    weight = np.sqrt(1 / frequency[used])
    parts = np.stack([frequency[used] ** -2, np.ones(used.sum())], axis=1)
    falling, white = optimize.nnls(parts / power[used][:, None] * weight[:, None], weight)[0]
    total = falling + white * middle
    return max(falling, _LEAST * total), max(white, _LEAST * total / middle)


def _power(sampled: Sampled, blocked: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Return the power of the background at 0, 1, ... cycles per part: the median of parts."""
    height, width = sampled.filtered.shape[:2]
    edge = min(_PART, height, width) // 2 * 2
    tops = np.arange(0, height - edge + 1, edge // 2)
    lefts = np.arange(0, width - edge + 1, edge // 2)
    most = max(1, int(np.sqrt(_MOST_PARTS)))
    tops, lefts = (_spaced(each, most) for each in (tops, lefts))
    rows = [np.asarray(sampled.filtered[slice(top, top + edge), slice(None)]) for top in tops]
    values = np.stack([each[:, left : left + edge] for each in rows for left in lefts])
    if blocked is not None:
        share = [blocked[t : t + edge, n : n + edge].mean() for t in tops for n in lefts]
        values = values[np.array(share) <= max(min(share), _LEAST_CLEAR)]
    middle = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - middle))) + 1e-12
    values = np.clip(values - middle, -_LIMIT * spread, _LIMIT * spread)
    window = np.hanning(edge)[:, None] * np.hanning(edge)
    power = np.median(np.abs(fft.fft2((values * window).astype(np.float32))) ** 2, axis=0)
    frequency = np.hypot(fft.fftfreq(edge)[:, None], fft.fftfreq(edge)) * edge
    ring = np.rint(frequency).astype(int)
    found = ndimage.mean(power, ring, np.arange(edge // 2 + 1))
    found[0] = found[1]  # the background is subtracted
    return np.asarray(found, np.float64)


def _spaced(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most so many of some places, evenly spaced."""
    if len(places) <= most:
        return places
    chosen = np.linspace(0, len(places) - 1, most).astype(int)
    return np.asarray(places[chosen], np.int64)
