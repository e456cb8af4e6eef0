"""Noise made from a residual itself, as the null of a survey.

The phases of the residual are made random, and its values mapped to their distribution where
nothing is unusual: a surrogate with the spectrum and the values of the recorded data (Theiler et
al., Physica D 58, 77, 1992, section 2.4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from napari_stem_defects.anomaly.line_evidence import HALVED
from napari_stem_defects.anomaly.score import EXTENDED_POOL, POINT_POOL
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.clear_part import ClearPart

_USUAL = 0.9999
"""Share of the scores of noise with random phases above which a place is unusual."""
_BESIDE = 1.0
"""Distance in lattice periods up to which the residual beside an unusual place is left out."""
_QUANTILES = 2049
_AREA_RADIUS = 1.0
"""Radius in lattice periods of a disc that is unusual throughout in an area; and how far beside one
the residual is not that of the crystal."""
_LEAST_USUAL = 0.5
"""Least share that is usual: what more of an image shows is what it usually shows."""


def noise_of_crystal(
    recorded: NDArray[np.float32], part: ClearPart, samples: float, seed: int
) -> tuple[NDArray[np.float32], ClearPart]:
    """Return the surrogate of a residual without its unusual areas, and the part without them.

    Contamination or a hole that covers a few hundredths of an image would otherwise raise the
    spectrum, and with it all limits, so far that no vacancy reaches them.

    Parameters
    ----------
    recorded : ndarray of float32, shape (Y, X)
        A part of the residual, limited to `anomaly.score.NULL_LIMIT` spreads.
    part : ClearPart
        The part.
    samples : float
        Samples per lattice period.
    seed : int
        Of the phases.

    Returns
    -------
    noise : ndarray of float32, shape (Y, X)
    part : ClearPart
        With less that is clear, where there are unusual areas on less than half of it.
    """
    noise = surrogate(recorded, part, samples, np.random.default_rng(seed))
    areas = unusual_areas(recorded, noise, samples)
    clear = ~areas if part.clear is None else part.clear & ~areas
    if not areas.any() or clear.mean() < _LEAST_USUAL:
        return noise, part
    part = replace(part, clear=clear)
    return surrogate(recorded, part, samples, np.random.default_rng(seed)), part


def unusual_areas(
    recorded: NDArray[np.float32], noise: NDArray[np.float32], samples: float
) -> NDArray[np.bool_]:
    """Return the parts of a residual that are unusual throughout, and what is near them.

    Parameters
    ----------
    recorded, noise : ndarray of float32, shape (Y, X)
        A part of the residual, and its surrogate.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        Parts that contain a disc with a radius of a lattice period, as few columns or lines do.
    """
    pool, radius = EXTENDED_POOL * samples, _AREA_RADIUS * samples
    score, of_noise = (gaussian_blur(np.square(each), pool) for each in (recorded, noise))
    parts, count = ndimage.label(score > np.quantile(of_noise, _USUAL))
    if not count:
        return np.zeros(recorded.shape, bool)
    deep = ndimage.distance_transform_edt(parts) > radius
    is_area = np.zeros(count + 1, bool)
    is_area[np.unique(parts[deep])] = True
    is_area[0] = False
    areas: NDArray[np.bool_] = is_area[parts]
    if areas.any():
        areas = ndimage.distance_transform_edt(~areas) <= radius
    return areas


def surrogate(
    recorded: NDArray[np.float32], part: ClearPart, samples: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise with the spectrum of a residual and the values it has where nothing is unusual.

    Places with a score that noise with random phases alone hardly has are left out of the values.

    Parameters
    ----------
    recorded : ndarray of float32, shape (Y, X)
        A part of the residual, limited to `anomaly.score.NULL_LIMIT` spreads.
    part : ClearPart
        The part.
    samples : float
        Samples per lattice period.
    rng : numpy.random.Generator
        Of the phases.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    spectrum = fft.rfft2(part.masked(recorded))
    phases = rng.random(spectrum.shape, np.float32)
    spectrum = np.abs(spectrum) * np.exp(np.complex64(2j * np.pi) * phases)
    noise: NDArray[np.float32] = fft.irfft2(spectrum, recorded.shape).astype(np.float32)
    sigma = POINT_POOL * samples
    # Every second sample is enough for scores that are smooth.
    score, of_noise = (
        gaussian_blur(np.square(each), sigma)[::HALVED, ::HALVED] for each in (recorded, noise)
    )
    around = 2 * round(_BESIDE * samples / HALVED) + 1
    highest = ndimage.maximum_filter(score, around)
    clear = np.ones(highest.shape, bool) if part.clear is None else part.clear[::HALVED, ::HALVED]
    limit = max(np.quantile(of_noise, _USUAL), np.quantile(highest[clear], _LEAST_USUAL))
    usual = clear & (highest <= limit)
    values = recorded[::HALVED, ::HALVED][usual]
    if len(values) < _QUANTILES:
        return noise
    levels = np.linspace(0, 1, _QUANTILES)
    at, target = np.quantile(noise[::HALVED, ::HALVED], levels), np.quantile(values, levels)
    mapped: NDArray[np.float32] = np.interp(noise, at, target).astype(np.float32)
    return mapped
