"""Which of several classes holds a place that looks like more than one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.matched_filter.beside_others import left_beside_others
from napari_stem_defects.matched_filter.line_views import divided_by_view
from napari_stem_defects.matched_filter.similarity import (
    best_likelihood,
    best_similarity,
    local_power,
)
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.like_sites import ImagePart
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.matched_filter.templates import Template

EXPLAINED = 2.0
"""Distance from a defect with a name, in lattice periods, within which nothing is unknown."""
COMPETE = 0.35
"""Distance in lattice periods within which classes compete for a place."""
_MARGIN = 0.05
"""A class yields where another is more similar by this."""
_BESIDE, _ALONG = 1.5, 1.0
"""Of lines, in lattice periods: how far from one another class may look like its flank, and the
standard deviation of the mean along it that decides between two."""
_NEGATIVES, _NEGATIVE_LIMIT = -1, 0.7
"""Number of what Bulk clicks taught among the classes, and similarity from which it is one."""
_UNLIKE, _NEARER, _SAME = 4.0, 0.5, 0.25
"""In units of the power of noise: difference of a Bulk click from a class from which it shows
another defect; by how much a place must be nearer to that than to the class; and difference up to
which a place is the very one of a Bulk click, which takes no other of the class away."""


def compete(
    similar: list[NDArray[np.float32]],
    residual: NDArray[np.float32],
    model: MatchedFilterModel,
    part: ImagePart | None = None,
) -> None:
    """Clear the similarity to a class, in place, where another class fits better.

    Of classes with templates the most similar one holds a place, on the scale of their templates;
    what Bulk clicks taught counts as one more. A stronger defect of the same look is similar to a
    class, too, as a missing column is to a dim one: where a place may be either of two classes of a
    kind, or a point that Bulk clicks taught, the one that is nearest to what the place shows holds
    it, strength included. Classes that are recognised by being unusual take only what no template
    explains.

    Parameters
    ----------
    similar : list of ndarray of float32, shape (Y, X)
        Similarity to each class.
    residual : ndarray of float32, shape (Y, X)
    model : MatchedFilterModel
    part : ImagePart, optional
        The same part of the image, for lines that it distinguishes and its residual does not.
    """
    named = [n for n, item in enumerate(model.classes) if item.templates]
    own = [item.to_templates(each) for item, each in zip(model.classes, similar, strict=True)]
    reach = 2 * round(COMPETE * model.samples) + 1
    for n, values in divided_by_view(own, model, part) if part is not None else ():
        own[n] = similar[n] = values
    unlike, alike = _divided_negatives(model)
    for n, lost in _lost_to_nearer(own, residual, model, unlike):
        for values in (own[n], similar[n]):
            np.minimum(values, np.float32(0), out=values, where=lost)
    points = {n: own[n] for n in named if model.classes[n].kind == "point"}
    if alike and points:
        # What is similar there still explains the place, which is nothing unknown.
        clicked = ndimage.maximum_filter(_same_places(residual, alike), reach)
        for n in points:
            np.minimum(similar[n], np.float32(0), out=similar[n], where=clicked)
    for n, beside, left in left_beside_others(residual, points, model):
        own[n] = np.where(beside, np.minimum(own[n], left), own[n])
        np.minimum(
            similar[n], model.classes[n].from_templates(own[n]), out=similar[n], where=beside
        )
    tops = {n: ndimage.maximum_filter(own[n], reach) for n in named}
    if model.negatives and len(points) < len(model.classes):
        # A stronger defect of the same look is another one, as for points.
        taught = [replace(each, is_exclusive=True) for each in model.negatives]
        tops[_NEGATIVES] = ndimage.maximum_filter(best_similarity(residual, taught), reach)
    explained = np.zeros(residual.shape, bool)
    for n in named:
        explained |= tops[n] >= model.classes[n].template_limit
    size = 2 * round(EXPLAINED * model.samples) + 1
    explained = ndimage.maximum_filter(explained, size) if named else explained
    for n, item in enumerate(model.classes):
        beaten = np.zeros(residual.shape, bool) if item.templates else explained
        others = {*(named if item.templates else ()), *(() if n in points else (_NEGATIVES,))}
        for other in (others - {n}) & tops.keys():
            beaten = beaten | (own[n] + np.float32(_MARGIN) < tops[other])
        np.minimum(similar[n], np.float32(0), out=similar[n], where=beaten)


def _lost_to_nearer(
    own: Sequence[NDArray[np.float32]],
    residual: NDArray[np.float32],
    model: MatchedFilterModel,
    unlike: Sequence[Template],
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield the places that each class loses to others of its kind that look like it there."""
    for kind in ("point", "line"):
        rivals = [
            (n, own[n], item.templates, item.template_limit)
            for n, item in enumerate(model.classes)
            if item.templates and item.kind == kind
        ]
        if kind == "point" and unlike:
            shown = best_similarity(residual, unlike)
            rivals.append((_NEGATIVES, shown, _single_places(unlike), _NEGATIVE_LIMIT))
        if len(rivals) < 2:
            continue
        reach = 2 * round((COMPETE if kind == "point" else _BESIDE) * model.samples) + 1
        held = [ndimage.maximum_filter(values, reach) >= limit for _, values, _, limit in rivals]
        nearness = [
            _around(best_likelihood(residual, templates), model.samples, kind)
            for _, _, templates, _ in rivals
        ]
        if rivals[-1][0] == _NEGATIVES:
            nearness[-1] -= np.float32(_NEARER * unlike[0].noise)
        for number, (n, *_) in enumerate(rivals):
            lost = np.zeros(residual.shape, bool)
            for other in range(len(rivals)):
                lost |= held[number] & held[other] & (nearness[number] < nearness[other])
            if n != _NEGATIVES:
                yield n, lost


def _divided_negatives(
    model: MatchedFilterModel,
) -> tuple[tuple[Template, ...], tuple[Template, ...]]:
    """Return what Bulk clicks taught that is no defect of a point class, and the rest."""
    points = [item for item in model.classes if item.kind == "point"]
    templates = [template for item in points for template in item.templates]
    near = round(COMPETE * model.samples)

    def differs(negative: Template, template: Template) -> bool:
        middle = negative.pattern.shape[0] // 2
        box = slice(middle - near, middle + near + 1)
        total = float((negative.weight * negative.pattern**2).sum())
        nearest = float(best_likelihood(negative.pattern, (template,))[box, box].max())
        return total - nearest > _UNLIKE * negative.noise

    is_unlike = [all(differs(each, other) for other in templates) for each in model.negatives]
    pairs = list(zip(model.negatives, is_unlike, strict=True))
    return tuple(n for n, away in pairs if away), tuple(n for n, away in pairs if not away)


def _same_places(residual: NDArray[np.float32], negatives: Sequence[Template]) -> NDArray[np.bool_]:
    """Return the very places that templates were cut from."""
    shown = local_power(residual, negatives[0].weight)
    shown -= best_likelihood(residual, _single_places(negatives))
    return np.asarray(shown <= _SAME * negatives[0].noise)


def _single_places(negatives: Sequence[Template]) -> tuple[Template, ...]:
    """Return templates whose power includes the noise of the place that each was cut from.

    Without it, of many single places one is nearer to any defect than the mean of its clicks is.
    """
    return tuple(replace(each, noise=0.0) for each in negatives)


def _around(likelihood: NDArray[np.float32], samples: float, kind: str) -> NDArray[np.float32]:
    """Return the highest likelihood around every place, and along lines their mean.

    A line is the same for many periods, which together distinguish two that hardly differ.
    """
    if kind == "point":
        size = 2 * round(COMPETE * samples) + 1
        return np.asarray(ndimage.maximum_filter(likelihood, size), np.float32)
    highest = ndimage.maximum_filter(likelihood, 2 * round(_BESIDE * samples) + 1)
    return gaussian_blur(highest, _ALONG * samples)
