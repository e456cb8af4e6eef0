"""Anomaly score of every pixel, and the score that noise alone does not reach.

The score is the local root mean square of the lattice residual in multiples of the robust spread of
the residual of the whole image: about 1 in a perfect crystal, whatever its contrast and dose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

POINT_POOL, EXTENDED_POOL = 0.3, 0.7
"""Standard deviations, in lattice periods, of the averages for points and extended features."""

_NULL_PIXELS = 1 << 20
_NULL_LIMIT = 4.0
_BLOCKS = 8
_EXPECTED_FALSE = 0.5


@dataclass(frozen=True)
class Scores:
    """Scores of some rows.

    Attributes
    ----------
    rows : slice
        The rows, in samples.
    point, extended : ndarray of float32, shape (rows, columns)
        Local root mean square over a column and over a lattice period.
    mean : ndarray of float32, shape (rows, columns)
        Local mean over a column: negative where intensity is missing.
    """

    rows: slice
    point: NDArray[np.float32]
    extended: NDArray[np.float32]
    mean: NDArray[np.float32]


@dataclass(frozen=True)
class Thresholds:
    """Scores that noise with the spectrum of the residual exceeds 0.5 times per image.

    Attributes
    ----------
    point, extended : float
    """

    point: float
    extended: float


def score_blocks(residual: LatticeResidual) -> Iterator[Scores]:
    """Yield the scores of an image in blocks of rows, from top to bottom.

    Parameters
    ----------
    residual : LatticeResidual

    Yields
    ------
    Scores
    """
    samples = residual.sampled.samples
    for rows, inner, values in residual.blocks(halo=int(4 * EXTENDED_POOL * samples) + 1):
        point, extended = (
            local_rms(values, pool * samples)[inner] for pool in (POINT_POOL, EXTENDED_POOL)
        )
        yield Scores(rows, point, extended, _blur(values, POINT_POOL * samples)[inner])


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
    mean = _blur(np.square(residual), sigma)
    rms: NDArray[np.float32] = np.sqrt(np.maximum(mean, 0, out=mean), out=mean)
    return rms


def _blur(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, mode="reflect")
    return blurred


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
    height, width = residual.shape
    rows = min(height, max(_NULL_PIXELS // width, 64))
    top = (height - rows) // 2
    recorded = np.clip(residual.rows(slice(top, top + rows)), -_NULL_LIMIT, _NULL_LIMIT)
    recorded = recorded[:, : max(_NULL_PIXELS // rows, 64)]
    spectrum = fft.rfft2(recorded)
    phases = np.random.default_rng(seed).random(spectrum.shape, np.float32)
    noise = fft.irfft2(np.abs(spectrum) * np.exp(2j * np.pi * phases), recorded.shape)
    noise = noise.astype(np.float32)
    samples = residual.sampled.samples
    ratio = height * width / recorded.size
    point, extended = (
        _highest(local_rms(noise, pool * samples), ratio) for pool in (POINT_POOL, EXTENDED_POOL)
    )
    return Thresholds(point, extended)


def _highest(score: NDArray[np.float32], ratio: float) -> float:
    """Return the score exceeded `_EXPECTED_FALSE` times in an image ``ratio`` times as large."""
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
    return mode + scale * float(np.log(ratio * maxima.size / _EXPECTED_FALSE))
