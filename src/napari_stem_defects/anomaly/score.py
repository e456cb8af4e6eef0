"""Anomaly score of every pixel, and the score that noise alone does not reach.

The score is the local root mean square of the lattice residual in multiples of the robust spread of
the residual of the whole image: about 1 in a perfect crystal, whatever its contrast and dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft

from napari_stem_defects.anomaly.clear_part import clear_part
from napari_stem_defects.anomaly.line_evidence import (
    HALVED,
    as_samples,
    line_reach,
    line_rms,
    line_vectors,
)
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

POINT_POOL, EXTENDED_POOL = 0.3, 0.7
"""Standard deviations, in lattice periods, of the averages for points and extended features."""

_NULL_PIXELS = 1 << 20
NULL_LIMIT = 4.0
"""Spreads to which the residual is limited before its phases are randomised."""
_BLOCKS = 8
_EXPECTED_FALSE = 0.5


class Scores(NamedTuple):
    """Scores of some rows.

    Attributes
    ----------
    rows : slice
        The rows, in samples.
    point, extended : ndarray of float32, shape (rows, columns)
        Local root mean square over a column and over a lattice period.
    mean : ndarray of float32, shape (rows, columns)
        Local mean over a column: negative where intensity is missing.
    line : ndarray of float32, shape (rows, columns)
        Root mean square along a line; see `line_evidence.line_rms`.
    """

    rows: slice
    point: NDArray[np.float32]
    extended: NDArray[np.float32]
    mean: NDArray[np.float32]
    line: NDArray[np.float32]


@dataclass(frozen=True)
class Thresholds:
    """Scores that noise with the spectrum of the residual exceeds 0.5 times per image.

    Attributes
    ----------
    point, extended : float
    """

    point: float
    extended: float


def score_blocks(
    residual: LatticeResidual, strong: float, values: NDArray[np.float32] | None = None
) -> Iterator[Scores]:
    """Yield the scores of an image in blocks of rows, from top to bottom.

    Parameters
    ----------
    residual : LatticeResidual
    strong : float
        Score from which a place counts alone and is no evidence for a line through it.
    values : ndarray of float32, shape (Y, X), optional
        The whole residual, where it is known.

    Yields
    ------
    Scores
    """
    samples = residual.sampled.samples
    vectors = line_vectors(residual.sampled.lattices)
    halo = max(int(4 * EXTENDED_POOL * samples) + 1, line_reach(samples))
    # Even, as the rows of a block, so that all blocks halve the same pairs of samples.
    halo += halo % HALVED
    height = residual.shape[0]
    whole = slice(0, height)
    blocks = residual.blocks(halo) if values is None else iter([(whole, whole, values)])
    for rows, inner, part in blocks:
        found = scores_of(rows, part, samples, vectors, strong)
        yield Scores(rows, *(each[inner] for each in found[1:]))


def scores_of(
    rows: slice,
    values: NDArray[np.float32],
    samples: float,
    vectors: Sequence[NDArray[np.float64]],
    strong: float,
) -> Scores:
    """Return the scores of a residual.

    Parameters
    ----------
    rows : slice
        The rows, in samples.
    values : ndarray of float32, shape (rows, columns)
        The residual in multiples of its spread.
    samples : float
        Samples per lattice period.
    vectors : sequence of ndarray of float, each of shape (2,)
        Along which lines are sought; see `line_evidence.line_vectors`.
    strong : float
        See `score_blocks`.

    Returns
    -------
    Scores
    """
    point, extended = (local_rms(values, pool * samples) for pool in (POINT_POOL, EXTENDED_POOL))
    weak = np.where(point < strong, values, np.float32(0))
    line = as_samples(line_rms(weak, vectors, samples), values.shape)
    return Scores(rows, point, extended, local_mean(values, POINT_POOL * samples), line)


def local_rms(residual: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the local root mean square of a residual.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    sigma : float
        Standard deviation of the Gaussian weights in samples.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    mean = local_mean(np.square(residual), sigma)
    rms: NDArray[np.float32] = np.sqrt(np.maximum(mean, 0, out=mean), out=mean)
    return rms


def local_mean(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the local mean of a residual.

    Parameters
    ----------
    values : ndarray of float32, shape (Y, X)
    sigma : float
        Standard deviation of the Gaussian weights in samples.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    return gaussian_blur(values, sigma)


def null_thresholds(residual: LatticeResidual, seed: int = 0) -> Thresholds:
    """Find the scores that noise does not reach.

    The null is the residual itself with random phases: noise with the same spectrum. Residuals
    beyond 4 spreads are limited first, so that defects do not raise it. The maximum over an image
    follows from the maxima of its parts, which have a Gumbel distribution (Coles, An Introduction
    to Statistical Modeling of Extreme Values, 2001, chapter 3).

    Parameters
    ----------
    residual : LatticeResidual
    seed : int
        Of the phases.

    Returns
    -------
    Thresholds
    """
    noise, ratio = noise_like(residual, seed)
    samples = residual.sampled.samples
    point, extended = (
        highest_of_noise(local_rms(noise, pool * samples), ratio)
        for pool in (POINT_POOL, EXTENDED_POOL)
    )
    return Thresholds(point, extended)


def noise_like(residual: LatticeResidual, seed: int = 0) -> tuple[NDArray[np.float32], float]:
    """Return noise with the spectrum of a residual; see `null_thresholds`.

    Parameters
    ----------
    residual : LatticeResidual
    seed : int
        Of the phases.

    Returns
    -------
    noise : ndarray of float32, shape (rows, columns)
        As large as the image, or as a part of a large one.
    ratio : float
        Size of the image in units of that of the noise.
    """
    height, width = residual.shape
    rows = min(height, max(_NULL_PIXELS // width, 64))
    part = clear_part((height, width), (rows, max(_NULL_PIXELS // rows, 64)), residual.blocked)
    recorded = part.masked(
        np.clip(residual.rows(part.rows)[:, part.columns], -NULL_LIMIT, NULL_LIMIT)
    )
    spectrum = fft.rfft2(recorded)
    phases = np.random.default_rng(seed).random(spectrum.shape, np.float32)
    noise = fft.irfft2(np.abs(spectrum) * np.exp(2j * np.pi * phases), recorded.shape)
    return noise.astype(np.float32), height * width / recorded.size


def highest_of_noise(
    score: NDArray[np.float32], ratio: float, expected: float = _EXPECTED_FALSE
) -> float:
    """Return the score that noise exceeds a given number of times in an image.

    From the Gumbel distribution of the maxima of parts; see `null_thresholds`.

    Parameters
    ----------
    score : ndarray of float32, shape (Y, X)
        Of noise.
    ratio : float
        Size of the image in units of that of ``score``.
    expected : float
        How often the score is exceeded.

    Returns
    -------
    float
    """
    across = min(_BLOCKS, *score.shape)
    maxima = np.array(
        [
            part.max()
            for band in np.array_split(score, across, axis=0)
            for part in np.array_split(band, across, axis=1)
        ]
    )
    scale = float(np.sqrt(6) / np.pi * maxima.std())
    mode = float(maxima.mean()) - np.euler_gamma * scale
    return mode + scale * float(np.log(ratio * maxima.size / expected))
