"""Variants of a defect that the symmetry of its lattice allows, where an image shows them.

A fault on one lattice plane may be on every equivalent plane, and a core has its mirror images. One
click shows one of them. The others have the same residual, turned or mirrored, and the same
strength; what only looks like them is another defect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.matched_filter.orientation import orientations
from napari_stem_defects.matched_filter.similarity import best_similarity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel
    from napari_stem_defects.matched_filter.templates import Template
    from napari_stem_defects.matched_filter.unusual_patches import Patch

_CLEAR = 3.0
"""Power of a template, in units of that of noise, from which a variant is more than noise."""
_SAME = 0.85
"""Similarity from which a variant is the same pattern, so that nothing is gained."""
_SHIFTED = {"point": 0.6, "line": 1.0}
"""Distance in lattice periods that a place or pattern may be shifted against a template: a line
repeats along itself, and the template of one may be centred beside it."""
_SHOWN = {"point": 0.8, "line": 0.75}
"""Similarity, strength included, from which a place shows a variant."""
_PLACES = {"point": 1, "line": 4}
"""Unusual places that must show a variant: lines have one in about every period."""


def with_symmetric_variants(
    model: MatchedFilterModel, patches: Sequence[Patch]
) -> MatchedFilterModel:
    """Return a model with the symmetric variants of its classes that images show.

    Parameters
    ----------
    model : MatchedFilterModel
        With its lattice.
    patches : sequence of Patch
        The most unusual places of the images with clicks; see `unusual_patches`.

    Returns
    -------
    MatchedFilterModel
        The thresholds of its classes are the same.
    """
    kinds = {item.kind for item in model.classes if item.templates}
    others = orientations(model, model.lattice)[1:] if patches and kinds else []
    if not others:
        return model
    strip = np.concatenate([patch.values for patch in patches])
    left = np.ones(len(patches), bool)
    for item in model.classes:
        if item.templates:
            near = round(_SHIFTED[item.kind] * model.samples)
            left &= _at_middles(strip, item.templates, near, len(patches)) < item.template_limit
    classes = []
    for number, item in enumerate(model.classes):
        candidates = [other.classes[number] for other in others]
        classes.append(_with_shown(item, candidates, strip, left, model.samples))
    return replace(model, classes=tuple(classes))


def _with_shown(
    item: ClassFilter,
    candidates: Sequence[ClassFilter],
    strip: NDArray[np.float32],
    left: NDArray[np.bool_],
    samples: float,
) -> ClassFilter:
    """Return a class with the templates, of the same class in other orientations, that are shown.

    ``left`` then lacks the places that show them.
    """
    pairs = [(each, other.views) for other in candidates for each in other.templates]
    near = round(_SHIFTED[item.kind] * samples) if pairs else 0
    for candidate, views in pairs:
        if candidate.power < _CLEAR * candidate.noise or not left.any():
            continue
        if _is_known(candidate, item.templates, near):
            continue
        exclusive = replace(candidate, is_exclusive=True)
        shown = _at_middles(strip, (exclusive,), near, len(left)) >= _SHOWN[item.kind]
        shown &= left
        if shown.sum() >= _PLACES[item.kind]:
            item = replace(
                item, templates=(*item.templates, candidate), views=(*item.views, *views)
            )
            left &= ~shown
    return item


def _is_known(candidate: Template, known: Sequence[Template], near: int) -> bool:
    middle = candidate.pattern.shape[0] // 2
    box = slice(middle - near, middle + near + 1)
    return bool(best_similarity(candidate.pattern, known)[box, box].max() >= _SAME)


def _at_middles(
    strip: NDArray[np.float32], templates: Sequence[Template], near: int, count: int
) -> NDArray[np.float32]:
    """Return the highest similarity near the middle of each patch of a strip."""
    edge = strip.shape[1]
    middle = slice(edge // 2 - near, edge // 2 + near + 1)
    similar = best_similarity(strip, templates).reshape(count, edge, edge)
    return np.asarray(similar[:, middle, middle].max(axis=(1, 2)), np.float32)
