"""Lines of a general model that a survey sees as one are one.

Networks see a few periods. Along a boundary that looks like the crystal between its cores, or like
another defect at some places, they name pieces; a survey weighs the line as a whole. Where a good
part of its line has the name of a line, the gaps get it, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

_NEAR_PERIODS = 1.5
"""Distance in lattice periods up to which a window with a name is one of the line."""
_NAMED = 0.4
"""Share of the length of a line that has a name: less is another defect on it."""
_ON, _WHOLE = 0.75, 0.9
"""Share of a line whose windows lie on it, within this distance in periods, from which they show it
as well as the survey, and where it is better."""
_HALF_WIDTH = 1.1
"""Half the width of such a line in windows: those next to it in all directions but the diagonal."""
_ABOVE, _BELOW = 1.1, 0.95
"""Least probability of the windows of a line and highest one of those beside it, in thresholds:
pixels between them are interpolated."""
_LEAST_PERIODS = 8.0
"""Length from which a survey sees more of a line than windows do."""
_STEP = 0.5
"""Distance of the points along a line that are compared, in windows."""


def with_surveyed_lines(
    found: ProbabilityMap,
    lines: Sequence[NDArray[np.float64]],
    thresholds: Mapping[str, float],
    period_px: float,
) -> ProbabilityMap:
    """Return a map in which lines have no gaps that a survey sees as a whole.

    Parameters
    ----------
    found : ProbabilityMap
        With its windows in px of the image.
    lines : sequence of ndarray of float64, shape (N, 2)
        Centre lines of a survey, points (y, x) in px of the image.
    thresholds : mapping of str to float
        Of all classes.
    period_px : float
        Lattice period in px of the image.

    Returns
    -------
    ProbabilityMap
        Along such a line the class that most of it has reaches its threshold, and pieces beside
        it do not.
    """
    names = found.names_of("line")
    if not names or not lines or min(found.valid.shape) < 2:
        return found
    steps = [float(np.diff(centres).mean()) for centres in (found.y, found.x)]
    reach = _NEAR_PERIODS * period_px
    layers = [found.probability[found.classes.index(name)] for name in names]
    named = [layer >= thresholds[name] for layer, name in zip(layers, names, strict=True)]
    away = [
        ndimage.distance_transform_edt(~each, sampling=steps)
        if each.any()
        else np.full(each.shape, np.inf)
        for each in named
    ]
    probability = found.probability.copy()
    for line in lines:
        at = _windows(found, line, min(steps))
        if at is None or len(at[0]) * _STEP * min(steps) < _LEAST_PERIODS * period_px:
            continue
        near = np.array([each[at] <= reach for each in away])
        if near.any(axis=0).mean() < _NAMED:
            continue
        if (np.array([each[at] for each in away]).min(axis=0) <= _ON * period_px).mean() >= _WHOLE:
            continue
        name = names[int(near.sum(axis=1).argmax())]
        _draw(probability, found, at, (names, name), thresholds, (steps, reach))
    return replace(found, probability=probability)


def _draw(
    probability: NDArray[np.float32],
    found: ProbabilityMap,
    at: tuple[NDArray[np.intp], NDArray[np.intp]],
    classes: tuple[Sequence[str], str],
    thresholds: Mapping[str, float],
    lengths: tuple[Sequence[float], float],
) -> None:
    """Give the windows along a line one class of lines, and those beside it none."""
    names, chosen = classes
    steps, reach = lengths
    line = np.zeros(found.valid.shape, bool)
    line[at] = True
    away = ndimage.distance_transform_edt(~line, sampling=steps)
    line = away <= _HALF_WIDTH * max(steps)
    beside = (away <= reach) & ~line
    for name in names:
        layer = probability[found.classes.index(name)]
        below = np.float32(_BELOW * thresholds[name])
        layer[beside] = np.minimum(layer[beside], below)
        if name == chosen:
            shown = line & found.valid
            layer[shown] = np.maximum(layer[shown], np.float32(_ABOVE * thresholds[name]))
        else:
            layer[line] = np.minimum(layer[line], below)


def _windows(
    found: ProbabilityMap, line: NDArray[np.float64], step: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Return the windows along a line, evenly spaced; None of a line without a length."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if along[-1] <= 0:
        return None
    places = np.arange(0, along[-1], _STEP * step)
    rows, columns = (
        np.clip(
            np.rint(np.interp(np.interp(places, along, axis), centres, np.arange(len(centres)))),
            0,
            len(centres) - 1,
        ).astype(np.intp)
        for axis, centres in zip(line.T, (found.y, found.x), strict=True)
    )
    return rows, columns
