"""Search for the place of most evidence near a start: the same place wherever the start was.

The evidence at a site, the mean logit of the orientations of the window, is smooth and has one
maximum at a defect. A scan meets it at some distance, which depends on the step, the crop and the
orientation of the image. The maximum of a parabola through the evidence around the start does not.
Networks are slow, so a start with little evidence gets one look, and the maximum itself only where
it can be near the threshold; elsewhere its height is that of the parabola, and its place the start.
Places beside each other are looked at together, because their windows share feature maps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.float64]
Evidence = Callable[[Places], NDArray[np.float64]]
"""Returns the logits (N,) at places (N, 2)."""

_STEPS = np.arange(-1, 2)
_NINE = np.stack(np.meshgrid(_STEPS, _STEPS, indexing="ij"), -1).reshape(-1, 2).astype(float)
_CROSS = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)], float)
_PROMISING = -2.0
"""Logit of the scan above the threshold from which a start and its neighbours are evaluated at
once, as the start is hardly hopeless."""
_HOPELESS = -3.5
"""Logit above the threshold, at a start, below which nothing more is evaluated."""
_CLEAR = 2.0
"""Mean logit above the threshold around a start from which the maximum need not be found."""
_POSSIBLE = -1.5
"""Mean logit above the threshold, by the parabola, from which the maximum itself is evaluated."""
_FARTHEST = 1.5
"""Distance in spacings along an axis up to which a parabola is believed."""
_ROUNDS, _ARRIVED = 3, 0.25
"""Parabolas in a row to a maximum, and the step in spacings after which none follows."""


class Maxima(NamedTuple):
    """Places of most evidence.

    Attributes
    ----------
    places : ndarray of float64, shape (N, 2)
        y and x in px.
    logits : ndarray of float64, shape (N,)
        Mean over each place and its four neighbours.
    """

    places: Places
    logits: NDArray[np.float64]


def best_of_nine(middles: Places, spacing_px: float, evidence: Evidence) -> Places:
    """Return the place with the most evidence of nine around each middle.

    Parameters
    ----------
    middles : ndarray of float64, shape (N, 2)
        y and x in px.
    spacing_px : float
        Distance of neighbouring places along y and x.
    evidence : callable
        Returns the logits (N,) at places (N, 2).

    Returns
    -------
    ndarray of float64, shape (N, 2)
    """
    logits = _around(middles, spacing_px * _NINE, evidence)
    best: Places = middles + spacing_px * _NINE[logits.argmax(axis=1)]
    return best


def find_maxima(
    starts: Places,
    scanned: NDArray[np.float64],
    spacing_px: float,
    limit: float,
    evidence: Evidence,
) -> Maxima:
    """Return the evidence at some places, at its maximum nearby where it is near the threshold.

    Parameters
    ----------
    starts : ndarray of float64, shape (N, 2)
        y and x in px.
    scanned : ndarray of float64, shape (N,)
        Logits of the scan there, which decide what is looked at together.
    spacing_px : float
        Distance of neighbours along y and x, over which the evidence is averaged and between which
        a maximum is interpolated.
    limit : float
        Logit of the threshold.
    evidence : callable
        Returns the logits (N,) at places (N, 2).

    Returns
    -------
    Maxima
    """
    promising = scanned > limit + _PROMISING
    crosses = np.full((len(starts), len(_CROSS)), np.nan)
    crosses[promising] = _cross(starts[promising], spacing_px, evidence)
    crosses[~promising, 0] = evidence(starts[~promising])
    places, logits = starts.copy(), crosses[:, 0].copy()
    likely = np.flatnonzero(logits > limit + _HOPELESS)
    if not len(likely):
        return Maxima(places, logits)
    left = likely[~promising[likely]]
    crosses[left, 1:] = _around(starts[left], spacing_px * _CROSS[1:], evidence)
    cross = crosses[likely]
    steps, gain, _ = _peaks(cross)
    expected = cross.mean(axis=1) + gain
    logits[likely] = expected
    is_open = (expected - gain < limit + _CLEAR) & (expected > limit + _POSSIBLE)
    followed, steps = likely[is_open], steps[is_open]
    for _ in range(_ROUNDS):
        if not len(followed):
            break
        places[followed] += spacing_px * steps
        cross = _cross(places[followed], spacing_px, evidence)
        logits[followed] = cross.mean(axis=1)
        steps, _, is_near = _peaks(cross)
        on_the_way = is_near & (np.abs(steps).max(axis=1) > _ARRIVED)
        followed, steps = followed[on_the_way], steps[on_the_way]
    return Maxima(places, logits)


def mean_around(places: Places, spacing_px: float, evidence: Evidence) -> NDArray[np.float64]:
    """Return the mean evidence over places and their four neighbours.

    Parameters
    ----------
    places : ndarray of float64, shape (N, 2)
        y and x in px, at least one.
    spacing_px : float
        Distance of the neighbours along y and x.
    evidence : callable
        Returns the logits (N,) at places (N, 2).

    Returns
    -------
    ndarray of float64, shape (N,)
    """
    mean: NDArray[np.float64] = _cross(places, spacing_px, evidence).mean(axis=1)
    return mean


def _cross(places: Places, spacing_px: float, evidence: Evidence) -> NDArray[np.float64]:
    """Return the logits (N, 5) at places and at their four neighbours."""
    return _around(places, spacing_px * _CROSS, evidence)


def _around(places: Places, offsets: Places, evidence: Evidence) -> NDArray[np.float64]:
    """Return the logits (N, K) at K offsets from each place."""
    logits = evidence((places[:, None] + offsets).reshape(-1, 2))
    return logits.reshape(len(places), len(offsets))


def _peaks(
    cross: NDArray[np.float64],
) -> tuple[Places, NDArray[np.float64], NDArray[np.bool_]]:
    """Return where parabolas through crosses (N, 5) are highest, how much higher, and if nearby.

    In spacings from the middle, (N, 2); along an axis without a maximum nearby, at the higher end.
    """
    middle, steps, gains, nearby = cross[:, 0], [], [], []
    for low, high in ((cross[:, 1], cross[:, 2]), (cross[:, 3], cross[:, 4])):
        slope, bend = (high - low) / 2, (high + low) / 2 - middle
        peak = -slope / (2 * np.where(bend < 0, bend, -1.0))
        is_near = (bend < 0) & (np.abs(peak) <= _FARTHEST)
        steps.append(np.where(is_near, peak, np.where(slope > 0, 1.0, -1.0)))
        gains.append(np.where(is_near, -bend * peak**2, np.abs(slope) + np.maximum(bend, 0)))
        nearby.append(is_near)
    return np.stack(steps, axis=1), np.sum(gains, axis=0), np.logical_and(*nearby)
