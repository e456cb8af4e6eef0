"""Lines of a general model, seen along their length.

Networks see a few periods. Where a fault is hardly visible, or noise is strong, window after window
along it is a little below the threshold, and a line has gaps or is missed. The mean along a line
has much less noise than a window, so it needs less: of windows on both sides along one direction,
as a line goes on. In 102 simulated and public images of perfect crystals no place has a mean logit
above -1.9, counted from the threshold; on 36 simulated faults and boundaries at any dose the median
is -0.9.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft, ndimage
from scipy.special import expit, logit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

    Grid = NDArray[np.float32]

_REACH = 6.0
"""Length in lattice periods, on each side of a window, along which logits are averaged."""
_DIRECTIONS = 16
_LEAST = -1.6
"""Mean logit on both sides, counted from the threshold of a window, from which there is a line."""
_USUAL, _ABOVE_USUAL = 0.8, 2.5
"""Quantile of the logits of all windows, and how far above it a line must be: where point defects
crowd, or contrast is inverted, many windows look a little like a line."""
_NOWHERE = -99.0
_LOWEST, _HIGHEST = -6.0, 2.0
"""Logits of a window are limited to these, so that no single one makes a line."""
_KNOWN = 0.35
"""Share of a side that must be in the image; at the border the other side decides."""
_SMOOTH = 3.0
"""Standard deviation in periods of the vote on the name of a place."""


class _Pooled(NamedTuple):
    """Highest mean logit of the weaker side over all directions, and that direction.

    Attributes
    ----------
    logit : ndarray of float32, shape (gy, gx)
    y, x : ndarray of float32, shape (gy, gx)
        Unit vector of the direction.
    """

    logit: Grid
    y: Grid
    x: Grid


def with_pooled_lines(
    found: ProbabilityMap, thresholds: Mapping[str, float], period_px: float
) -> ProbabilityMap:
    """Return a map in which lines pass their threshold that are seen along their length.

    Parameters
    ----------
    found : ProbabilityMap
        With its windows in px of the image.
    thresholds : mapping of str to float
        Of all classes.
    period_px : float
        Lattice period in px of the image.

    Returns
    -------
    ProbabilityMap
        On the crest of such a line the more probable class of lines reaches its threshold.
    """
    names = found.names_of("line")
    if not names or min(found.valid.shape) < 2:
        return found
    above = np.stack([_above(found, name, thresholds[name]) for name in names])
    step = _step(found)
    reach = max(2, round(_REACH * period_px / step))
    # Outside of the crystal no class has a probability: there a line may go on or not.
    shown = found.valid & (found.probability > 0).any(axis=0)
    highest = above.max(axis=0)
    if not shown.any():
        return found
    least = max(_LEAST, float(np.quantile(highest[shown], _USUAL)) + _ABOVE_USUAL)
    pooled = _pooled(highest, shown, reach)
    crest = _crest(pooled) & shown & (pooled.logit >= least)
    if not crest.any():
        return found
    sigma = _SMOOTH * period_px / step
    votes = [ndimage.gaussian_filter(np.where(crest, expit(each), 0), sigma) for each in above]
    chosen = np.argmax(votes, axis=0)
    probability = found.probability.copy()
    for number, name in enumerate(names):
        at = crest & (chosen == number)
        raised = expit(logit(thresholds[name]) + pooled.logit[at] - least)
        layer = probability[found.classes.index(name)]
        layer[at] = np.maximum(layer[at], np.maximum(raised, np.float32(thresholds[name])))
    return replace(found, probability=probability)


def _above(found: ProbabilityMap, name: str, threshold: float) -> Grid:
    """Return the limited logits of a class, 0 at its threshold."""
    lowest = float(expit(_LOWEST - 1))
    values = np.clip(found.probability[found.classes.index(name)], lowest, 1 - lowest)
    above = logit(values.astype(np.float64)) - logit(threshold)
    limited: Grid = np.clip(above, _LOWEST, _HIGHEST).astype(np.float32)
    return limited


def _step(found: ProbabilityMap) -> float:
    return float(np.mean([np.diff(centres).mean() for centres in (found.y, found.x)]))


def _pooled(values: Grid, shown: NDArray[np.bool_], reach: int) -> _Pooled:
    best = _Pooled(*(np.full(values.shape, start, np.float32) for start in (_NOWHERE, 0, 0)))
    size = [fft.next_fast_len(length + 2 * reach, real=True) for length in values.shape]
    spectra = [
        fft.rfft2(each.astype(np.float32), size) for each in (np.where(shown, values, 0), shown)
    ]
    for y, x, sides in _sides(reach):
        means = []
        for side in sides:
            kernel = fft.rfft2(side, size)
            total, share = (
                fft.irfft2(each * kernel, size)[
                    reach : reach + values.shape[0], reach : reach + values.shape[1]
                ]
                for each in spectra
            )
            means.append(np.where(share >= _KNOWN, total / np.maximum(share, 1e-6), np.inf))
        weaker = np.minimum(*means)
        weaker[np.isinf(weaker)] = _NOWHERE
        higher = weaker > best.logit
        best.logit[higher], best.y[higher], best.x[higher] = weaker[higher], y, x
    return best


def _sides(reach: int) -> Iterator[tuple[float, float, list[Grid]]]:
    """Yield directions (y, x), and weights (2 * reach + 1)² of both sides along each."""
    along = np.linspace(0, reach, 2 * reach + 1)
    for angle in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        y, x = float(np.sin(angle)), float(np.cos(angle))
        sides = []
        for sign in (1, -1):
            places = reach + sign * np.outer(along, (y, x))
            whole = np.floor(places).astype(int)
            part = places - whole
            side = np.zeros((2 * reach + 2, 2 * reach + 2), np.float32)
            for down in (0, 1):
                for across in (0, 1):
                    weight = np.abs(1 - down - part[:, 0]) * np.abs(1 - across - part[:, 1])
                    np.add.at(side, (whole[:, 0] + down, whole[:, 1] + across), weight)
            sides.append(side[:-1, :-1] / side.sum())
        yield y, x, sides


def _crest(pooled: _Pooled) -> NDArray[np.bool_]:
    """Return where no window beside the direction has a higher mean."""
    padded = np.pad(pooled.logit, 1, mode="edge")
    rows, columns = np.indices(pooled.logit.shape, dtype=np.float32)
    crest = np.ones(pooled.logit.shape, bool)
    for sign in (1, -1):
        at = rows + 1 - sign * pooled.x, columns + 1 + sign * pooled.y
        beside = ndimage.map_coordinates(padded, at, order=1, mode="nearest")
        crest &= pooled.logit >= beside
    return crest
