"""Sites of a probability map at which point defects have a name, and cores that are one defect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.detection.generic_lines import CORE
from napari_stem_defects.postprocessing.masks import PROMINENCE
from napari_stem_defects.postprocessing.point_sites import find_sites

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

_AROUND_CORE = 1.25
"""Distance in lattice periods within which a second core is the strained crystal around the first:
two that are really so near would be one, with the sum of their Burgers vectors."""
_BELOW = 0.9
"""Share of its threshold that a name keeps that is taken away."""


def named_sites(
    found: ProbabilityMap, thresholds: Mapping[str, float], separation_px: float
) -> NDArray[np.float64]:
    """Return where point defects of any class have a name.

    Parameters
    ----------
    found : ProbabilityMap
        With its windows in px of the image.
    thresholds : mapping of str to float
        Of all classes.
    separation_px : float
        Least distance of two defects of a class in px.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        y and x in px; those of a class by decreasing evidence.
    """
    names = [each.name for each in found.class_data if each.kind == "point" and each.name != BULK]
    sites = [_sites_of(found, name, thresholds[name], separation_px) for name in names]
    return np.concatenate([np.zeros((0, 2)), *sites])


def with_single_cores(
    found: ProbabilityMap,
    thresholds: Mapping[str, float],
    separation_px: float,
    period_px: float,
) -> ProbabilityMap:
    """Return a map in which what surrounds a dislocation core is no core of its own.

    Parameters
    ----------
    found : ProbabilityMap
        Of a general model, with its windows in px of the image.
    thresholds : mapping of str to float
        Of all classes.
    separation_px : float
        Least distance of two point defects of a class in px.
    period_px : float
        Lattice period in px.

    Returns
    -------
    ProbabilityMap
        Of cores that are nearer to each other than 1.25 periods, the one with most evidence stays.
    """
    if CORE not in found.classes:
        return found
    limit = thresholds[CORE]
    sites = _sites_of(found, CORE, limit, separation_px)
    kept: list[int] = []
    for number, site in enumerate(sites):
        away = np.hypot(*(sites[kept] - site).T)
        if not len(away) or away.min() >= _AROUND_CORE * period_px:
            kept.append(number)
    if len(kept) == len(sites):
        return found
    probability = found.probability.copy()
    layer = probability[found.classes.index(CORE)]
    windows = np.argwhere(layer >= limit)
    nearest = cKDTree(sites).query(found.centres_of(windows))[1]
    at = tuple(windows[~np.isin(nearest, kept)].T)
    layer[at] = np.float32(_BELOW * limit)
    return replace(found, probability=probability)


def _sites_of(
    found: ProbabilityMap, name: str, threshold: float, separation_px: float
) -> NDArray[np.float64]:
    values = found.probability[found.classes.index(name)]
    passing = found.valid & (values >= threshold)
    sites = find_sites(found, values, passing, PROMINENCE, separation_px)
    return found.centres_of(sites.windows)
