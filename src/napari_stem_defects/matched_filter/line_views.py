"""Which of two lines with the same residual a place shows: by the image itself.

The residual is what the crystal on both sides does not predict. For a fault it is nearly the same
as for one of opposite shift, because it hardly depends on where the columns of one side stand
against those of the other. The image shows that. So what it shows around the clicks, the view of a
class, decides between lines whose views differ; between others, as a faint and a strong one of the
same shift, the residual decides.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.matched_filter.examples import Examples, peaks_at
from napari_stem_defects.matched_filter.similarity import local_correlation
from napari_stem_defects.matched_filter.templates import (
    LEAST_SHARE,
    REACH,
    align,
    gaussian_weight,
)
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.examples import Click, ImageContext
    from napari_stem_defects.matched_filter.like_sites import ImagePart
    from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel

_ALIKE = 0.9
"""Correlation from which two views show the same."""
_ONE_LOOK = 0.75
"""The same of single clicks, which are noisier; those on faults of opposite shift have less."""
_MOST = 30
"""Clicks of a class that are looked at."""
_SHIFTED = 0.7
"""Distance in lattice periods by which two views may be shifted against each other."""
_MAJORITY = 0.5
"""Share of the clicks of a class without templates that must have one view."""
_BESIDE, _ALONG = 1.5, 1.0
"""In lattice periods: how far from a line its flank looks like it, and the standard deviation of
the mean along it."""
_CLEARLY = 0.1
"""Difference of the correlations from which a view decides where the residual shows one line only.
Lines of opposite shift differ by 0.2 to 0.6."""


def with_views(
    model: MatchedFilterModel,
    clicks: Sequence[Click],
    residuals: Sequence[NDArray[np.float32]],
    context: Sequence[ImageContext],
) -> MatchedFilterModel:
    """Return a model with the views of its lines, where it has several.

    Parameters
    ----------
    model : MatchedFilterModel
    clicks : sequence of Click
    residuals : sequence of ndarray of float32, shape (Y, X)
        Of the images.
    context : sequence of ImageContext
        With the images.

    Returns
    -------
    MatchedFilterModel
    """
    lines = [item for item in model.classes if item.kind == "line" and not item.is_hidden]
    if len(lines) < 2 or any(each.residual is None for each in context):
        return model
    classes = []
    for item in model.classes:
        mine = [click for click in clicks if click.class_name == item.name]
        shown = Examples(residuals, mine, model.samples, context)
        views = _views(item, shown) if item in lines else ()
        classes.append(replace(item, views=views))
    return replace(model, classes=tuple(classes))


def _views(item: ClassFilter, shown: Examples) -> tuple[NDArray[np.float32], ...]:
    """Return what images show around the clicks of a class: a mean for each look of several."""
    chosen = np.linspace(0, len(shown.clicks) - 1, min(len(shown.clicks), _MOST)).astype(int)
    some = replace(shown, clicks=[shown.clicks[n] for n in chosen])
    places = [
        _surroundings(some, click.image, np.array(peak.at))
        for click, peak in zip(some.clicks, peaks_at(some, item), strict=True)
    ]
    aligned = align(places, some.samples, REACH["line"], 0.0)
    left, least = aligned.patterns, max(1.0, LEAST_SHARE * len(places))
    views: list[NDArray[np.float32]] = []
    while len(left):
        even = (left * np.sqrt(aligned.weight)).reshape(len(left), -1)
        even /= np.linalg.norm(even, axis=1, keepdims=True) + np.float32(1e-9)
        alike = even @ even.T >= _ONE_LOOK
        group = alike[alike.sum(axis=1).argmax()]
        if not item.templates and group.sum() < _MAJORITY * len(group):
            break  # as along a grain boundary, which has no one look
        if views and group.sum() <= least:
            break  # single clicks beside others are wrong, or stand in singular surroundings
        views.append(left[group].mean(axis=0).astype(np.float32))
        left = left[~group]
    return tuple(views)


def _surroundings(
    shown: Examples, number: int, at: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the filtered image around a place, without its mean, and the place (2,) in it."""
    residual = shown.context[number].residual
    if residual is None:
        raise ValueError("the image is not known")
    weight = gaussian_weight(shown.samples, REACH["line"])
    reach = weight.shape[0] // 2 + int(np.ceil(REACH["line"].shift * shown.samples)) + 1
    rows, columns = (
        slice(max(0, round(c) - reach), min(length, round(c) + reach + 1))
        for c, length in zip(at.tolist(), residual.shape, strict=True)
    )
    cut = np.asarray(residual.sampled.filtered[rows, columns], np.float32)
    return cut - np.float32(cut.mean()), at - (rows.start, columns.start)


def divided_by_view(
    own: Sequence[NDArray[np.float32]], model: MatchedFilterModel, part: ImagePart
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the similarity to each line that has a view, divided among them by what an image shows.

    Parameters
    ----------
    own : sequence of ndarray of float32, shape (Y, X)
        Similarity to each class.
    model : MatchedFilterModel
    part : ImagePart
        The same part of the image.

    Yields
    ------
    number : int
        Of the class.
    similar : ndarray of float32, shape (Y, X)
        At most 0 where a line has templates and another one a view that agrees better with the
        image. That one has the similarity instead: its residual may be uncertain from few clicks.
    """
    agreement = {
        n: _along(_agreement(item.views, part), model.samples)
        for n, item in enumerate(model.classes)
        if item.views
    }
    size = 2 * round(_BESIDE * model.samples) + 1
    limits = {n: model.classes[n].template_limit for n in agreement}
    held = {n: ndimage.maximum_filter(own[n], size) >= limits[n] for n in agreement}
    divided = {n: own[n].copy() for n in agreement}
    best = np.max(list(agreement.values()), axis=0) if agreement else None
    for n, other in permutations(agreement, 2):
        if not model.classes[n].templates:
            continue  # it is recognised by being unusual, which is no look that another line has
        if not _differ(model.classes[n].views, model.classes[other].views, model.samples):
            continue
        needed = np.where(held[other], np.float32(0), np.float32(_CLEARLY))
        lost = held[n] & (agreement[n] + needed < agreement[other]) & (agreement[other] == best)
        inherited = own[n] * np.float32(limits[other] / limits[n])
        np.maximum(divided[other], inherited, out=divided[other], where=lost)
        np.minimum(divided[n], np.float32(0), out=divided[n], where=lost)
    yield from divided.items()


def _along(agreement: NDArray[np.float32], samples: float) -> NDArray[np.float32]:
    """Return the highest agreement beside every place, and of that the mean along a line."""
    highest = ndimage.maximum_filter(agreement, 2 * round(_BESIDE * samples) + 1)
    return gaussian_blur(highest, _ALONG * samples)


def _agreement(views: Sequence[NDArray[np.float32]], part: ImagePart) -> NDArray[np.float32]:
    """Return the highest correlation of every place with some views."""
    weight = gaussian_weight(part.samples, REACH["line"])
    every = [local_correlation(part.filtered, view, weight) for view in views]
    return np.asarray(np.max(every, axis=0), np.float32)


def _differ(
    first: Sequence[NDArray[np.float32]], second: Sequence[NDArray[np.float32]], samples: float
) -> bool:
    """Return whether no view of one class shows the same as one of another."""
    return all(_correlation(a, b, samples) < _ALIKE for a in first for b in second)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32], samples: float) -> float:
    """Return the highest correlation of two views near the middle."""
    weight = gaussian_weight(samples, REACH["line"])
    middle, near = weight.shape[0] // 2, round(_SHIFTED * samples)
    box = slice(middle - near, middle + near + 1)
    return float(local_correlation(first, second, weight)[box, box].max())
