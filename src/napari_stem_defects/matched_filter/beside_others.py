"""Whether what looks like a point defect is a side of another one beside it.

A dislocation core, for example, has columns missing beside its centre, which look like vacancies.
The template of each defect that is the most similar one around is subtracted from the residual, as
in matching pursuit (Mallat and Zhang, IEEE Transactions on Signal Processing 41, 3397, 1993);
defects of other classes beside it are real if what is left is still similar to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.matched_filter.similarity import best_similarity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.matched_filter.templates import Template

_AROUND = 1.0
"""Distance in lattice periods within which the most similar class is the defect."""
_BESIDE = 1.5
"""Distance in lattice periods up to which its template reaches."""
_ITSELF = 0.5
"""Distance in lattice periods from a defect of the same class from which another may be one."""
_SCALE = (0.5, 1.5)
"""Bounds of the strength of a defect in units of its template."""


def left_beside_others(
    residual: NDArray[np.float32],
    similar: Mapping[int, NDArray[np.float32]],
    model: MatchedFilterModel,
) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.float32]]]:
    """Yield the similarity to point classes of what other point defects leave of a residual.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    similar : mapping of int to ndarray of float32, shape (Y, X)
        Similarity to the templates of the point classes of these numbers.
    model : MatchedFilterModel

    Yields
    ------
    number : int
        Of the class, in the order of the model; only those that have other defects beside them.
    beside : ndarray of bool, shape (Y, X)
        Where another defect is near. Those of the class itself are others if it has several
        templates: the sides of one variant look like another.
    left : ndarray of float32, shape (Y, X)
        Similarity to the templates of the class without the others.
    """
    several = {number: len(model.classes[number].templates) > 1 for number in similar}
    if len(similar) < 2 and not any(several.values()):
        return
    size = 2 * round(_AROUND * model.samples) + 1
    highest = ndimage.maximum_filter(np.max(list(similar.values()), axis=0), size)
    defects = {
        number: np.argwhere((own >= highest) & (own >= model.classes[number].template_limit))
        for number, own in similar.items()
    }
    for number in similar:
        others = [
            (other, at)
            for other, places in defects.items()
            if other != number or several[number]
            for at in places
        ]
        if not others:
            continue
        left, near, own = residual.copy(), *np.ones((2, *residual.shape), bool)
        for other, at in others:
            _subtract(left, residual, model.classes[other].templates, at)
            near[tuple(at)] = False
            own[tuple(at)] = other != number
        beside = ndimage.distance_transform_edt(near) <= _BESIDE * model.samples
        if not own.all():
            beside &= ndimage.distance_transform_edt(own) > _ITSELF * model.samples
        yield number, beside, best_similarity(left, model.classes[number].templates)


def _subtract(
    left: NDArray[np.float32],
    residual: NDArray[np.float32],
    templates: tuple[Template, ...],
    at: NDArray[np.intp],
) -> None:
    """Subtract, in place, the template that fits a place best, with the strength that it has."""
    reach = templates[0].pattern.shape[0] // 2
    low = np.maximum(at - reach, 0)
    high = np.minimum(at + reach + 1, residual.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inside = tuple(
        slice(a - c + reach, b - c + reach) for a, b, c in zip(low, high, at, strict=True)
    )
    values, best, taken = residual[box], 0.0, None
    for template in templates:
        pattern, weight = template.pattern[inside], template.weight[inside]
        product = float((weight * pattern * values).sum())
        power = max(float((weight * pattern**2).sum()), 1e-12)
        if product / np.sqrt(power) > best:
            best = product / np.sqrt(power)
            taken = np.float32(np.clip(product / power, *_SCALE)) * pattern
    if taken is not None:
        left[box] -= taken
