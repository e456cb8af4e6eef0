"""Whether clicks have more in common than places anywhere, and show more than noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from napari_stem_defects.anomaly.score import NULL_LIMIT
from napari_stem_defects.matched_filter.examples import Found
from napari_stem_defects.matched_filter.templates import align
from napari_stem_defects.matched_filter.usual_power import without_strong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.templates import Aligned, Reach

_CLEAR = 2.0
"""Median power of the patterns at clicks, in units of that of noise, that needs no comparison."""
_AS_MANY = 0.95
"""Share of the places of a faint class that noise alone would show, from which it is noise. In
simulated crystals it is 0.99 or more where hundreds of places are named, and 0.77 or less where
half of those that are named are right."""
_SETS = 5
_MORE = 1.2
"""A template of clicks is at least this much stronger than any from as many places anywhere."""


def is_chance(
    aligned: Aligned,
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]],
    samples: float,
    reach: Reach,
    noise: float,
) -> bool:
    """Return whether several clicks have no more in common than places anywhere.

    Places that are shifted to where they agree best have something in common, even in noise; clicks
    on a defect that the image does not resolve have no more.

    Parameters
    ----------
    aligned : Aligned
        The clicks.
    clicks : sequence of (ndarray of float32 (Y, X), ndarray of float (2,))
        Residual of the image and position of each click in samples.
    samples : float
        Samples per length unit.
    reach : Reach
        Of the kind of the class.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.

    Returns
    -------
    bool
        False for a single click, which may show anything.
    """
    if len(clicks) < 2 or not is_faint(aligned, noise):
        return False
    if _strength(aligned) >= _MORE * _strongest(clicks, samples, reach, noise):
        return False
    # All flanks of strong defects have something in common, so these are left out, too.
    images = {id(image): image for image, _ in clicks}
    beside = {key: without_strong(image, samples) for key, image in images.items()}
    if all(beside[key] is image for key, image in images.items()):
        return True
    clicks = [(beside[id(image)], at) for image, at in clicks]
    aligned = align(clicks, samples, reach, noise)
    return _strength(aligned) < _MORE * _strongest(clicks, samples, reach, noise)


def _strongest(
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]],
    samples: float,
    reach: Reach,
    noise: float,
) -> float:
    """Return the highest power of what as many places anywhere in the images have in common."""
    rng = np.random.default_rng(0)
    anywhere = [
        [(image, rng.uniform(0, np.array(image.shape) - 1)) for image, _ in clicks]
        for _ in range(_SETS)
    ]
    return max(_strength(align(places, samples, reach, noise)) for places in anywhere)


def is_noise(found: Found, threshold: float, aligned: Aligned, noise: float) -> bool:
    """Return whether noise alone would show about as many places that look like a class.

    Clicks on a defect that an image hardly resolves are mostly noise, and so is their mean: noise
    looks like it everywhere.

    Parameters
    ----------
    found : Found
        Where the clicked images look like the class.
    threshold : float
        Similarity from which the class is assigned.
    aligned : Aligned
        The clicks.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.

    Returns
    -------
    bool
        False for clicks that noise does not resemble, without a comparison.
    """
    if not is_faint(aligned, noise):
        return False
    rng = np.random.default_rng(0)
    surrogates = [with_random_phases(image, rng) for image in found.images]
    of_noise = Found(surrogates, found.templates, found.samples).heights
    return int((of_noise > threshold).sum()) >= _AS_MANY * int((found.heights > threshold).sum())


def is_faint(aligned: Aligned, noise: float) -> bool:
    """Return whether most patterns at clicks have hardly more power than noise.

    Parameters
    ----------
    aligned : Aligned
        The clicks.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.

    Returns
    -------
    bool
    """
    powers = (aligned.weight * aligned.patterns**2).sum(axis=(1, 2))
    return bool(np.median(powers) <= _CLEAR * noise)


def with_random_phases(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return noise with the spectrum of a residual; see `anomaly.score.null_thresholds`.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        The residual.
    rng : numpy.random.Generator
        Of the phases.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    spectrum = np.abs(fft.rfft2(np.clip(image, -NULL_LIMIT, NULL_LIMIT)))
    phases = np.exp(np.complex64(2j * np.pi) * rng.random(spectrum.shape, np.float32))
    noise: NDArray[np.float32] = fft.irfft2(spectrum * phases, image.shape).astype(np.float32)
    return noise


def _strength(aligned: Aligned) -> float:
    """Return the power of what some places have in common."""
    return float((aligned.weight * aligned.patterns.mean(axis=0) ** 2).sum())
