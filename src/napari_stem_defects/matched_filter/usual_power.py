"""Power of a residual where the crystal is perfect, whatever strong defects there are.

A vacancy has hundreds of times the power of noise, and the Gaussian of an extended class reaches
two lattice periods. With a vacancy in every thirtieth column the median of the local power is
fourfold, and a faint fault between them has less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.score import EXTENDED_POOL, NULL_LIMIT, local_rms
from napari_stem_defects.matched_filter.examples import peak_near
from napari_stem_defects.matched_filter.similarity import local_power

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_AROUND = 0.5
"""Distance in lattice periods from a strong sample within which all belongs to its defect."""
_FAR, _MOST_FAR = 2.0, 0.5
"""Places that are so many times more unusual than clicks are something else, and are at most this
share of those that are as unusual."""
_LEAST = 0.4
"""Share of an image that must be left without strong defects; otherwise all of it counts."""


def usual_power(
    residual: NDArray[np.float32], weight: NDArray[np.float32], samples: float
) -> float:
    """Return the median of the local power beside the strong defects.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
        In multiples of its spread.
    weight : ndarray of float32, shape (w, w)
        See `similarity.local_power`.
    samples : float
        Samples per length unit.

    Returns
    -------
    float
    """
    left = _beside_strong(residual, samples)
    if left is None:
        return float(np.median(local_power(residual, weight)))
    power = local_power(residual * left, weight)[left > 0]
    share = local_power(left, weight)[left > 0]
    return float(np.median(power / share))


def spreads_beside_strong(
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]], samples: float, near: float
) -> float:
    """Return how many spreads clicks are above the usual anomaly score, without strong defects.

    Parameters
    ----------
    clicks : sequence of (ndarray of float32, shape (Y, X), ndarray of float, shape (2,))
        Lattice residual of the image of each click, in multiples of its spread, and the click
        (y, x) in samples.
    samples : float
        Samples per length unit.
    near : float
        Distance in lattice periods within which the highest score is that of a click.

    Returns
    -------
    float
        Median of the clicks; scores are logarithmic, averaged as for extended features. Defects
        that are strong themselves count where they are clicked.
    """
    scores: dict[int, tuple[NDArray[np.float32], float, float]] = {}
    found = []
    for residual, (y, x) in clicks:
        if id(residual) not in scores:
            scores[id(residual)] = _logarithmic(residual, samples)
        values, usual, spread = scores[id(residual)]
        highest = peak_near(values, round(float(y)), round(float(x)), round(near * samples))[1]
        found.append((highest - usual) / spread)
    return float(np.median(found))


def _logarithmic(
    residual: NDArray[np.float32], samples: float
) -> tuple[NDArray[np.float32], float, float]:
    """Return the logarithmic score of every place, its median and its spread."""
    pool = EXTENDED_POOL * samples
    scores, left = local_rms(residual, pool), _beside_strong(residual, samples)
    beside = np.ones(residual.shape, bool)
    if left is not None:
        beside = left > 0
        scores[beside] = local_rms(residual * left, pool)[beside] / local_rms(left, pool)[beside]
    logarithms = np.log(np.maximum(scores, 1e-3))
    usual = float(np.median(logarithms[beside]))
    spread = 1.4826 * float(np.median(np.abs(logarithms[beside] - usual))) + 1e-12
    return logarithms, usual, spread


def is_selective(anomaly: float, images: Sequence[NDArray[np.float32]], samples: float) -> bool:
    """Return whether few of the places that are as unusual as some clicks are far more unusual.

    A faint fault between vacancies is unusual, but what is at least as unusual is mostly vacancies.

    Parameters
    ----------
    anomaly : float
        Anomaly score of the clicks, averaged as for extended features.
    images : sequence of ndarray of float32, shape (Y, X)
        Lattice residuals.
    samples : float
        Samples per length unit.

    Returns
    -------
    bool
    """
    as_unusual = more_unusual = 0
    for image in images:
        scores = local_rms(image, EXTENDED_POOL * samples)
        as_unusual += int((scores >= anomaly).sum())
        more_unusual += int((scores >= _FAR * anomaly).sum())
    return more_unusual <= _MOST_FAR * as_unusual


def without_strong(residual: NDArray[np.float32], samples: float) -> NDArray[np.float32]:
    """Return a residual with zeros at strong defects.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
        In multiples of its spread.
    samples : float
        Samples per length unit.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        The residual itself where there is none, or nearly everything is one.
    """
    left = _beside_strong(residual, samples)
    return residual if left is None else residual * left


def _beside_strong(residual: NDArray[np.float32], samples: float) -> NDArray[np.float32] | None:
    """Return 1 beside strong defects and 0 at them; None where nearly everything is one."""
    strong = np.abs(residual) > NULL_LIMIT
    if not strong.any():
        return None
    left = ndimage.distance_transform_edt(~strong) > _AROUND * samples
    return left.astype(np.float32) if left.mean() >= _LEAST else None
