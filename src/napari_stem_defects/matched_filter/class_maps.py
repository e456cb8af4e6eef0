"""Probability of every class at every place of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.candidates import cell_edge, pool_cells
from napari_stem_defects.anomaly.score import (
    EXTENDED_POOL,
    POINT_POOL,
    Thresholds,
    local_rms,
    null_thresholds,
)
from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.disc import disc
from napari_stem_defects.matched_filter.class_similarity import class_similarity
from napari_stem_defects.matched_filter.competition import COMPETE, EXPLAINED, compete
from napari_stem_defects.matched_filter.extended_classes import (
    SOFTNESS,
    anomaly_similarity,
    extended_probability,
    large_enough,
    odds_to_probability,
)
from napari_stem_defects.matched_filter.levels import Levels, local_levels
from napari_stem_defects.matched_filter.like_sites import ImagePart, image_part
from napari_stem_defects.matched_filter.similarity import local_maxima
from napari_stem_defects.matched_filter.thresholds import (
    AT_SITES,
    IN_ANOTHER_IMAGE,
    point_threshold,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel

_HALO = 3.5
"""Rows beyond a block, in lattice periods, that its similarities depend on."""
_BULK_SOFTNESS = 0.15
_FAINTEST = 0.5
"""Share of the threshold of an area down to which its border is searched."""


@dataclass(frozen=True)
class ClassMaps:
    """Probabilities on cells of about a third of a lattice period.

    Attributes
    ----------
    classes : tuple of str
        Bulk, then the classes of the model.
    probability : ndarray of float32, shape (C, gy, gx)
        0.5 at the threshold.
    y, x : ndarray of float64, shape (gy,) and (gx,)
        Centres of the cells in samples.
    """

    classes: tuple[str, ...]
    probability: NDArray[np.float32]
    y: NDArray[np.float64]
    x: NDArray[np.float64]


def class_maps(
    residual: LatticeResidual, model: MatchedFilterModel, limits: Thresholds | None = None
) -> ClassMaps:
    """Find the classes of a model in an image.

    Parameters
    ----------
    residual : LatticeResidual
        At the samples per length unit of the model.
    model : MatchedFilterModel
    limits : Thresholds, optional
        Of the image, where they are known; see `anomaly.score.null_thresholds`.

    Returns
    -------
    ClassMaps
    """
    samples = residual.sampled.samples
    edge = cell_edge(samples)
    limits = limits or null_thresholds(residual)
    pooled: list[NDArray[np.float32]] = []
    for rows, inner, values in residual.blocks(halo=int(_HALO * samples) + 1):
        first = rows.start - inner.start
        box = slice(first, first + len(values)), slice(0, values.shape[1])
        part = image_part(residual, box, values) if model.sees_image else None
        evidence = _evidence(values, model, limits, part)
        pooled.append(np.stack([pool_cells(layer[inner], edge) for layer in evidence]))
    level, *similar = np.concatenate(pooled, axis=1)
    levels = _levels_for(residual, model)
    layers = [
        _probability(item, values, samples / edge, levels)
        for item, values in zip(model.classes, similar, strict=True)
    ]
    explained = np.max(layers, axis=0) >= 0.5
    layers.insert(0, _bulk_probability(level, explained, samples / edge))
    height, width = level.shape
    y, x = ((np.arange(count) + 0.5) * edge - 0.5 for count in (height, width))
    return ClassMaps((BULK, *(c.name for c in model.classes)), np.stack(layers), y, x)


def probabilities_at(
    residual: NDArray[np.float32],
    positions: NDArray[np.float64],
    model: MatchedFilterModel,
    limits: Thresholds,
    levels: Levels | None = None,
    image: LatticeResidual | None = None,
) -> NDArray[np.float32]:
    """Return the probabilities of a model near some places of an image.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
        Lattice residual of the image.
    positions : ndarray of float, shape (N, 2)
        y and x in samples.
    model : MatchedFilterModel
    limits : Thresholds
        Of the image; see `anomaly.score.null_thresholds`.
    levels : Levels, optional
        Of the image, for areas that differ in them.
    image : LatticeResidual, optional
        The image, for classes that are compared with its like sites; without it, by templates.

    Returns
    -------
    ndarray of float32, shape (N, C)
        Bulk, then the classes of the model; the highest within a third of a period.
    """
    samples = model.samples
    halo, near = int(2 * _HALO * samples), round(COMPETE * samples)
    found = np.zeros((len(positions), 1 + len(model.classes)), np.float32)
    for row, (y, x) in enumerate(np.rint(positions).astype(int)):
        top, left = max(0, y - halo), max(0, x - halo)
        values = residual[top : y + halo + 1, left : x + halo + 1]
        cut = slice(top, top + values.shape[0]), slice(left, left + values.shape[1])
        part = None
        if image is not None and model.sees_image:
            part = image_part(image, cut, values)
        y, x = y - top, x - left
        box = np.s_[max(0, y - near) : y + near + 1, max(0, x - near) : x + near + 1]
        level, *similar = (layer[box].max() for layer in _evidence(values, model, limits, part))
        scores = [(1 - level) / _BULK_SOFTNESS] + [
            (value - item.limit) / SOFTNESS
            for value, item in zip(similar, model.classes, strict=True)
        ]
        found[row] = odds_to_probability(np.array(scores, np.float32))
    for column, item in enumerate(model.classes, 1):
        if levels is not None and any(item.difference):
            at = levels.similarity_at(positions, item.difference)
            here = odds_to_probability((at - np.float32(item.threshold)) / SOFTNESS)
            np.maximum(found[:, column], here, out=found[:, column])
    return found


def _levels_for(residual: LatticeResidual, model: MatchedFilterModel) -> Levels | None:
    """Return contrast and mean intensity of an image if a class differs in them."""
    if not any(any(item.difference) for item in model.classes):
        return None
    return local_levels(residual.sampled)


def _evidence(
    residual: NDArray[np.float32],
    model: MatchedFilterModel,
    limits: Thresholds,
    part: ImagePart | None,
) -> list[NDArray[np.float32]]:
    """Return the anomaly level of every place, and its similarity to each class."""
    samples = model.samples
    point = local_rms(residual, POINT_POOL * samples)
    extended = local_rms(residual, EXTENDED_POOL * samples)
    level = np.maximum(
        (point - 1) / np.float32(limits.point - 1), (extended - 1) / np.float32(limits.extended - 1)
    )
    similar = [
        class_similarity(residual, item, part)
        if item.templates
        else anomaly_similarity(extended, item, limits.extended)
        for item in model.classes
    ]
    compete(similar, residual, model, part)
    return [level, *similar]


def _probability(
    item: ClassFilter,
    similar: NDArray[np.float32],
    cells_per_period: float,
    levels: Levels | None,
) -> NDArray[np.float32]:
    """Return the probability of a class from its similarity on cells."""
    if item.kind == "point":
        heights = local_maxima(similar, COMPETE * cells_per_period)[1]
        expected = AT_SITES if item.has_observer else item.threshold
        limit = max(point_threshold(heights, expected, IN_ANOTHER_IMAGE), item.floor)
        return odds_to_probability((similar - np.float32(limit)) / SOFTNESS)
    if levels is not None and any(item.difference):
        return _area_probability(item, levels, cells_per_period)
    return extended_probability(item, similar, cells_per_period)


def _area_probability(
    item: ClassFilter, levels: Levels, cells_per_period: float
) -> NDArray[np.float32]:
    """Return the probability of an area from the levels of cells."""
    similar = levels.similarity(item.difference)
    inside = _to_own_border(similar, item.threshold)
    kept = large_enough(item, inside, inside, cells_per_period)
    probability = odds_to_probability((similar - np.float32(item.threshold)) / SOFTNESS)
    return np.where(
        kept, np.maximum(probability, 0.75), np.minimum(probability, np.float32(0.15))
    ).astype(np.float32)


def _to_own_border(similar: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Return the cells of areas: to half-way between the crystal and each area itself.

    Areas of a class differ from the crystal more or less than the clicks do.
    """
    certain = similar > threshold
    regions, count = ndimage.label(similar > _FAINTEST * threshold, np.ones((3, 3)))
    if not certain.any():
        return np.asarray(certain)
    numbers = np.arange(1, count + 1)
    seen = np.where(certain, regions, 0)
    levels = np.zeros(count + 1)
    levels[1:] = np.minimum(ndimage.median(similar, seen, numbers), 1.0)
    levels[~np.isin(np.arange(count + 1), seen) | (levels == 0)] = np.inf
    return np.asarray(similar > threshold * levels[regions])


def _bulk_probability(
    level: NDArray[np.float32], explained: NDArray[np.bool_], cells_per_period: float
) -> NDArray[np.float32]:
    """Return the probability of the perfect crystal from the anomaly level of cells.

    Next to a defect that has a name, the residual is its surroundings, not something unknown.
    """
    bulk = odds_to_probability((1 - level) / _BULK_SOFTNESS)
    near = ndimage.binary_dilation(explained, disc(EXPLAINED * cells_per_period)) & ~explained
    bulk[near] = np.maximum(bulk[near], np.float32(0.5))
    return bulk
