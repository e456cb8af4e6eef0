"""The look of spots in images without a lattice, and how they are compared with an image.

A spot is a Gaussian, whitened as its image is, unless the clicks agree on another look. Its
similarity is the amplitude in units of the clicked one: spots crowd, and amorphous films are
uneven, so what else is at a place counts only where it is much stronger.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy
from scipy import ndimage

from napari_stem_defects.anomaly.background import WINDOW_SIGMAS
from napari_stem_defects.anomaly.residual import SMOOTHING_PERIODS
from napari_stem_defects.matched_filter.similarity import local_power, similarity
from napari_stem_defects.matched_filter.templates import (
    REACH,
    SPOT,
    Template,
    align,
    cut_pattern,
    gaussian_weight,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.model import MatchedFilterModel

_SLACK = 2.0
_REFERENCE = 0.4
"""Quantile of the amplitudes of the clicks that is 1: some clicks may be on brighter spots."""
_OWN_LOOK = 4
"""Clicks from which they may have a look of their own."""
_BETTER = 0.15
"""How much better that look must fit clicks that are left out: their alignment fits noise, too."""
_EXACT = 1_000_000
"""Clicks of a pattern that is no average, so that there is no noise in it."""


class ClickedSpot(NamedTuple):
    """A click on a spot.

    Attributes
    ----------
    residual : LatticeResidual
        Of the image, without a lattice; see `anomaly.background`.
    values : ndarray of float32, shape (Y, X)
        The whole residual.
    at : ndarray of float64, shape (2,)
        y and x in samples.
    """

    residual: LatticeResidual
    values: NDArray[np.float32]
    at: NDArray[np.float64]


class SpotLook(NamedTuple):
    """What clicked spots have in common.

    Attributes
    ----------
    template : Template
    amplitudes : ndarray of float64, shape (N,)
        Of the clicks, in units of the template.
    """

    template: Template
    amplitudes: NDArray[np.float64]


def as_spots(model: MatchedFilterModel) -> MatchedFilterModel:
    """Return a model with templates that are compared as spots are.

    Parameters
    ----------
    model : MatchedFilterModel

    Returns
    -------
    MatchedFilterModel
    """
    exclusive = len(model.classes) > 1
    classes = tuple(
        replace(item, templates=tuple(_of_spot(each, exclusive) for each in item.templates))
        for item in model.classes
    )
    negatives = tuple(_of_spot(each, True) for each in model.negatives)
    return replace(model, classes=classes, negatives=negatives)


def _of_spot(template: Template, exclusive: bool) -> Template:
    return replace(template, slack=_SLACK, is_exclusive=exclusive)


def gaussian_pattern(residual: LatticeResidual) -> NDArray[np.float32]:
    """Return what the residual of an image shows of a Gaussian spot of unit height.

    Parameters
    ----------
    residual : LatticeResidual
        Without a lattice; see `anomaly.background`.

    Returns
    -------
    ndarray of float32, shape (w, w)
        As wide as the weight of spots, in spreads of the residual.
    """
    samples = residual.sampled.samples
    kernel = residual.predictors[0].kernel
    half = gaussian_weight(samples, REACH[SPOT]).shape[0] // 2
    reach = half + kernel.shape[0] // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1] / samples
    spot = np.exp(-(y**2 + x**2) * WINDOW_SIGMAS**2 / 2)
    left = scipy.signal.fftconvolve(spot, kernel, mode="same")
    left = ndimage.gaussian_filter(left, SMOOTHING_PERIODS * samples)
    inner = slice(reach - half, reach + half + 1)
    return np.asarray(left[inner, inner] / residual.spread, np.float32)


def spot_look(clicks: Sequence[ClickedSpot]) -> SpotLook:
    """Learn the look of spots.

    Parameters
    ----------
    clicks : sequence of ClickedSpot
        At least one; all at the same samples per window.

    Returns
    -------
    SpotLook
    """
    samples = clicks[0].residual.sampled.samples
    weight = gaussian_weight(samples, REACH[SPOT])
    gaussian = gaussian_pattern(clicks[0].residual)
    noise = float(np.median([np.median(local_power(each.values, weight)) for each in clicks]))
    unit = Template(gaussian, weight, noise, _EXACT, slack=np.inf)
    peaks = [_peak(each, unit) for each in clicks]
    heights = np.array([height for _, height in peaks])
    sign = 1.0 if np.median(np.abs(heights) * np.sign(heights)) >= 0 else -1.0
    if (np.sign(heights) != sign).any():
        peaks = [_peak(each, unit, sign) for each in clicks]
        heights = np.array([height for _, height in peaks])
    amplitudes = np.maximum(sign * heights, 1e-3)
    level = float(np.quantile(amplitudes, _REFERENCE))
    template = replace(unit, pattern=(sign * level * gaussian).astype(np.float32), slack=_SLACK)
    radius = weight.shape[0] // 2
    cuts = np.stack(
        [cut_pattern(each.values, at, radius) for each, (at, _) in zip(clicks, peaks, strict=True)]
    )
    fit = float(np.median([_agreement(cut, template.pattern, weight) for cut in cuts]))
    own = _own_look(clicks, template, fit)
    if own is None:
        return SpotLook(template, amplitudes / level)
    bare = replace(own, slack=np.inf)
    return SpotLook(own, np.array([max(_peak(each, bare, 1.0)[1], 1e-3) for each in clicks]))


def _peak(
    click: ClickedSpot, unit: Template, sign: float = 0.0
) -> tuple[NDArray[np.float64], float]:
    """Return where a spot is near a click, to a fraction of a sample, and its amplitude.

    Without a sign it is the stronger one of a bright and a dark spot.
    """
    near = round(REACH[SPOT].shift * click.residual.sampled.samples)
    reach = near + 1 + unit.weight.shape[0] // 2
    (y, x), (height, width) = np.rint(click.at).astype(int), click.values.shape
    y, x = int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))
    top, left = max(0, y - reach), max(0, x - reach)
    part = click.values[top : y + reach + 1, left : x + reach + 1]
    similar = similarity(part, unit)
    wanted = np.abs(similar) if sign == 0 else sign * similar
    low, first = max(0, y - top - near), max(0, x - left - near)
    box = wanted[low : y - top + near + 1, first : x - left + near + 1]
    row, column = np.unravel_index(int(box.argmax()), box.shape)
    at = low + int(row), first + int(column)
    shift = [_vertex(wanted, at, axis) for axis in (0, 1)]
    place = np.array([top + at[0] + shift[0], left + at[1] + shift[1]])
    return place, float(similar[at])


def _vertex(values: NDArray[np.float32], at: tuple[int, int], axis: int) -> float:
    """Return how far the vertex of a parabola through a maximum is from it along an axis."""
    line = values[:, at[1]] if axis == 0 else values[at[0]]
    place = at[axis]
    if not 0 < place < len(line) - 1:
        return 0.0
    before, here, after = (float(each) for each in line[place - 1 : place + 2])
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _own_look(clicks: Sequence[ClickedSpot], gaussian: Template, fit: float) -> Template | None:
    """Return the mean of the clicks, or that of all directions, if it fits better than a Gaussian.

    It must fit clicks that are left out. The fewest numbers are tried first.
    """
    if len(clicks) < _OWN_LOOK:
        return None
    samples, weight = clicks[0].residual.sampled.samples, gaussian.weight
    at_clicks = [(each.values, each.at) for each in clicks]
    cuts = align(at_clicks, samples, REACH[SPOT], gaussian.noise).patterns
    best, found = fit + _BETTER, None
    for average in (_round_mean, _mean):
        fits = [
            _agreement(cut, average(np.delete(cuts, n, axis=0)), weight)
            for n, cut in enumerate(cuts)
        ]
        if float(np.median(fits)) > best:
            best, found = float(np.median(fits)) + _BETTER, average
    if found is None:
        return None
    return replace(gaussian, pattern=found(cuts).astype(np.float32), clicks=len(cuts))


def _mean(cuts: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cuts.mean(axis=0))


def _round_mean(cuts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of patterns over all directions."""
    mean = cuts.mean(axis=0)
    half = mean.shape[0] // 2
    away = np.hypot(*np.mgrid[-half : half + 1, -half : half + 1])
    rings = np.rint(away).astype(int)
    profile = ndimage.mean(mean, rings, np.arange(rings.max() + 1))
    return np.asarray(np.interp(away, np.arange(len(profile)), profile), np.float32)


def _agreement(
    cut: NDArray[np.float32], pattern: NDArray[np.float32], weight: NDArray[np.float32]
) -> float:
    """Return the weighted correlation of two patterns."""
    both = float((weight * cut * pattern).sum())
    powers = float((weight * cut**2).sum()) * float((weight * pattern**2).sum())
    return both / float(np.sqrt(max(powers, 1e-24)))
