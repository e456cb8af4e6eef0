"""From clicks in images without a lattice to a model of spots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import InputError
from napari_stem_defects.matched_filter.choose_look import PEAK_RADIUS, anomalies_at
from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel
from napari_stem_defects.matched_filter.similarity import local_maxima, local_power, similarity
from napari_stem_defects.matched_filter.spots import ClickedSpot, as_spots, spot_look
from napari_stem_defects.matched_filter.templates import (
    REACH,
    SPOT,
    VISIBLE,
    Template,
    cut_pattern,
    gaussian_weight,
)
from napari_stem_defects.matched_filter.thresholds import point_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.examples import Click
    from napari_stem_defects.matched_filter.model import Window


def fit_spots(
    images: Sequence[tuple[LatticeResidual, NDArray[np.float32]]],
    clicks: Sequence[Click],
    window: Window,
) -> MatchedFilterModel:
    """Learn classes of spots.

    Parameters
    ----------
    images : sequence of (LatticeResidual, ndarray of float32, shape (Y, X))
        Residual of each image without a lattice, see `anomaly.background`, and all of its values;
        at the same samples per window.
    clicks : sequence of Click
        At least one of a class other than Bulk.
    window : Window
        Of the images.

    Returns
    -------
    MatchedFilterModel

    Raises
    ------
    InputError
        If no click shows a defect.
    """
    names = sorted({click.class_name for click in clicks} - {BULK})
    if not names:
        raise InputError("no click shows a defect; click at least one place that is not Bulk")
    samples = images[0][0].sampled.samples
    classes = tuple(
        _fit_class(name, [c for c in clicks if c.class_name == name], images) for name in names
    )
    negatives = _negatives([c for c in clicks if c.class_name == BULK], images)
    none = (0.0, 0.0), (0.0, 0.0)
    model = as_spots(MatchedFilterModel(samples, classes, negatives, none, window))
    return replace(
        model, classes=tuple(_with_threshold(item, clicks, images) for item in model.classes)
    )


def _fit_class(
    name: str,
    clicks: Sequence[Click],
    images: Sequence[tuple[LatticeResidual, NDArray[np.float32]]],
) -> ClassFilter:
    spots = [ClickedSpot(*images[c.image], np.array([c.y, c.x])) for c in clicks]
    look = spot_look(spots)
    samples = images[0][0].sampled.samples
    anomaly = float(np.median(anomalies_at([(s.values, s.at) for s in spots], samples)))
    away = np.abs(look.amplitudes - 1)
    consistency = float(1 - np.median(np.minimum(away, 1)))
    return ClassFilter(name, "point", (look.template,), 0.5, anomaly, consistency)


def _with_threshold(
    item: ClassFilter,
    clicks: Sequence[Click],
    images: Sequence[tuple[LatticeResidual, NDArray[np.float32]]],
) -> ClassFilter:
    """Return a class with the threshold in the gap that the clicked images show."""
    heights = []
    for number in sorted({click.image for click in clicks if click.class_name == item.name}):
        residual, values = images[number]
        similar = similarity(values, item.templates[0])
        heights.append(local_maxima(similar, PEAK_RADIUS * residual.sampled.samples)[1])
    limit = point_threshold(np.concatenate(heights))
    return replace(item, threshold=limit, template_threshold=limit)


def _negatives(
    bulk: Sequence[Click], images: Sequence[tuple[LatticeResidual, NDArray[np.float32]]]
) -> tuple[Template, ...]:
    """Return templates of the Bulk clicks at places that could be taken for spots."""
    found = []
    for click in bulk:
        residual, values = images[click.image]
        weight = gaussian_weight(residual.sampled.samples, REACH[SPOT])
        noise = float(np.median(local_power(values, weight)))
        pattern = cut_pattern(values, np.array([click.y, click.x]), weight.shape[0] // 2)
        if float((weight * pattern**2).sum()) > (1 + VISIBLE) * noise:
            found.append(Template(pattern, weight, noise, 1))
    return tuple(found)
