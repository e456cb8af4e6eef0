"""Amplitude from which spots are more than the background of an image.

The background has spots of its own. How many are as strong as a spot that was clicked is known
without labels: as many as there are with the opposite sign, which nothing but background has, and
as there are in noise with the spectrum and the values of the residual. (The use of decoys for a
false discovery rate: Elias and Gygi, Nature Methods 4, 207, 2007.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.clear_part import clear_part
from napari_stem_defects.anomaly.score import NULL_LIMIT
from napari_stem_defects.anomaly.surrogate import surrogate
from napari_stem_defects.matched_filter.choose_look import PEAK_RADIUS
from napari_stem_defects.matched_filter.similarity import best_similarity, local_maxima
from napari_stem_defects.matched_filter.thresholds import IN_ANOTHER_IMAGE, point_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel

_LEAST_TRUE, _SPREADS = 0.5, 2.0
"""Share of what is found that must be more than background, which may be by so many standard
deviations of its count more than expected."""
_TAIL = 20
"""Highest maxima of the background, from which the number of higher ones is estimated."""
_MOST_SAMPLES = 1 << 21
_ABOVE = 1e-3


def above_background(residual: LatticeResidual, model: MatchedFilterModel) -> MatchedFilterModel:
    """Return a model of spots that finds more true spots than background in an image.

    Parameters
    ----------
    residual : LatticeResidual
        Of the image, without a lattice.
    model : MatchedFilterModel
        Of spots.

    Returns
    -------
    MatchedFilterModel
        With the floor of each class.
    """
    height, width = residual.shape
    rows = min(height, max(_MOST_SAMPLES // width, 64))
    part = clear_part((height, width), (rows, width), residual.blocked)
    values = residual.rows(part.rows)[:, part.columns]
    recorded = np.clip(values, -NULL_LIMIT, NULL_LIMIT)
    noise = surrogate(recorded, part, model.samples, np.random.default_rng(0))
    radius = PEAK_RADIUS * model.samples
    return replace(
        model,
        classes=tuple(
            _with_floor(each, values, noise, part.clear, radius) for each in model.classes
        ),
    )


def _with_floor(
    item: ClassFilter,
    values: NDArray[np.float32],
    noise: NDArray[np.float32],
    clear: NDArray[np.bool_] | None,
    radius: float,
) -> ClassFilter:
    # Of amplitudes: decoys that are stronger than the class count as well.
    templates = [replace(each, is_exclusive=False) for each in item.templates]
    similar = best_similarity(values, templates)
    away = _away_from_crystal(clear, max(each.weight.shape[0] // 2 for each in templates))
    found, opposite = (_heights(each, away, radius) for each in (similar, -similar))
    random = np.sort(local_maxima(best_similarity(noise, templates), radius)[1])
    limit = point_threshold(found, item.threshold, IN_ANOTHER_IMAGE)
    levels = np.append(limit, found[found > limit])
    total = len(found) - np.searchsorted(found, levels)
    share = 1.0 if away is None else float(away.mean())
    false = np.maximum(_expected(opposite, levels), share * _expected(random, levels))
    true = total - false - _SPREADS * np.sqrt(false)
    enough = (total > 0) & (true >= _LEAST_TRUE * total)
    if enough[0]:
        return item
    highest = float(levels[enough][0]) if enough.any() else float(levels.max()) + _ABOVE
    return replace(item, floor=highest)


def _away_from_crystal(clear: NDArray[np.bool_] | None, reach: int) -> NDArray[np.bool_] | None:
    """Return the samples at which a template of some reach sees none but clear ones.

    Those that are clear where that leaves none, and None where all are.
    """
    if clear is None or clear.all():
        return None
    away = ndimage.minimum_filter(clear, 2 * reach + 1)
    return away if away.any() else clear


def _heights(
    similar: NDArray[np.float32], away: NDArray[np.bool_] | None, radius: float
) -> NDArray[np.float32]:
    """Return the heights of the maxima in the background, in ascending order."""
    places, heights = local_maxima(similar, radius)
    return np.sort(heights if away is None else heights[away[places[:, 0], places[:, 1]]])


def _expected(heights: NDArray[np.float32], levels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how many of some heights, in ascending order, are expected above each level.

    Beyond most of them their number falls exponentially with the level, as that of the maxima of
    noise does.
    """
    counts = (len(heights) - np.searchsorted(heights, levels)).astype(np.float64)
    tail = heights[-_TAIL:]
    if len(tail) < 2:
        return counts
    scale = max(float((tail - tail[0]).mean()), 1e-6)
    beyond = levels > tail[0]
    counts[beyond] = len(tail) * np.exp(-(levels[beyond] - tail[0]) / scale)
    return counts
