"""In which of the orientations that a lattice allows an image shows the defects of a model.

A square lattice turned by 90 degrees is the same lattice, and so is every lattice turned by 180
degrees; a defect is not. The most unusual places of the image decide: the orientation in which most
of them show a class is that of the image. What looks the same in all orientations, as a vacancy
may, decides nothing. The one learned is kept wherever it shows some of them, because an image may
hold defects in several orientations, of which one was clicked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.matched_filter.orientation import orientations
from napari_stem_defects.matched_filter.similarity import best_similarity
from napari_stem_defects.matched_filter.unusual_patches import unusual_patches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.matched_filter.orientation import Vectors

_NEAR = 1.0
"""Half width of the middle of a patch in periods."""
_SHOWN = 0.25
"""Share of the places found in another orientation from which the learned one is kept."""
_PLACES = 3
"""Places that another orientation must find for itself: fewer are chance, where points look the
same in all of them."""
_TELLING = 0.25
"""Share of the places of one of several classes that all orientations must not show for it to
decide: mirrored, a fault looks like one of opposite shift, more or less by chance."""


def suited_orientation(
    residual: LatticeResidual, model: MatchedFilterModel, shown: Vectors
) -> MatchedFilterModel:
    """Return a model in the orientation in which an image shows its defects.

    Parameters
    ----------
    residual : LatticeResidual
        At the samples per length unit of the model.
    model : MatchedFilterModel
    shown : ((float, float), (float, float))
        Base vectors (y, x) of the image in lattice periods.

    Returns
    -------
    MatchedFilterModel
    """
    choices = orientations(model, shown)
    if len(choices) == 1 or not any(item.templates for item in model.classes):
        return choices[0]
    patches = [patch.values for patch in unusual_patches(residual)]
    if not patches:
        return choices[0]
    shown_in = np.stack([_shown(each, patches) for each in choices])
    telling = (shown_in & ~shown_in.all(axis=0)).sum(axis=2)
    by_chance = telling.max(axis=0) < _TELLING * shown_in.sum(axis=2).max(axis=0)
    by_chance &= len(by_chance) > 1
    scores = telling[:, ~by_chance].sum(axis=1)
    best = int(np.argmax(scores))
    is_other = scores[best] >= _PLACES and scores[0] < _SHOWN * scores[best]
    return choices[best] if is_other else choices[0]


def _shown(model: MatchedFilterModel, patches: list[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Return which patches show each class of a model that has templates, (classes, patches)."""
    near, edge = round(_NEAR * model.samples), len(patches[0])
    middle = slice(edge // 2 - near, edge // 2 + near + 1)
    # One strip, because templates do not reach from the middle of a patch into the next one.
    strip = np.concatenate(patches)
    every = []
    for item in model.classes:
        if item.templates:
            similar = best_similarity(strip, item.templates).reshape(len(patches), edge, edge)
            highest = similar[:, middle, middle].max(axis=(1, 2))
            every.append(highest >= item.template_limit)
    return np.array(every)
