"""From clicks to a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import InputError
from napari_stem_defects.matched_filter.chance import is_chance
from napari_stem_defects.matched_filter.choose_look import (
    MISSED,
    PEAK_RADIUS,
    QUARTER,
    ClickedLines,
    anomalies_at,
    area_difference,
    line_has_look,
    point_has_look,
    spreads_of,
)
from napari_stem_defects.matched_filter.choose_sites import ClickedImage, choose_sites
from napari_stem_defects.matched_filter.class_similarity import class_similarity
from napari_stem_defects.matched_filter.like_sites import image_part
from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel
from napari_stem_defects.matched_filter.similarity import (
    best_similarity,
    local_maxima,
    local_power,
)
from napari_stem_defects.matched_filter.templates import (
    REACH,
    VISIBLE,
    Template,
    align,
    cut_pattern,
    gaussian_weight,
    look_variants,
)
from napari_stem_defects.matched_filter.thresholds import extended_threshold, point_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.levels import Levels

_CONSISTENT = {"point": 0.8, "line": 0.87, "area": 1.0}
"""Median consistency from which the clicks of a class have a look in common: points are compared
within a smaller weight. Along lines whose look changes, it is up to 0.82."""
_VARIANT = 0.2
"""Share of the clicks from which those that are missed may be another variant; fewer are chance."""
_PER_CLICK = 10.0
"""Places that a further template may find for each of its clicks, in those that the first finds."""
_AROUND = 7.0
"""Half the edge, in periods, of the part around a click that shows enough of its like sites."""
_STANDS_OUT = 2.0
"""Spreads above the usual from which clicks are unusual; see `choose_look.spreads_of`."""
_APART = 0.02
"""Thresholds lie this far above the clicks of unlike classes and below those of the own class."""


class ImageContext(NamedTuple):
    """What an image shows beside its residual.

    Attributes
    ----------
    visibility : float
        Of defects; see `anomaly.visibility`.
    levels : Levels or None
        Contrast and mean intensity on cells; None where no class is an area.
    residual : LatticeResidual or None
        With the filtered image; None where point classes are found by templates alone.
    """

    visibility: float
    levels: Levels | None = None
    residual: LatticeResidual | None = None


class Click(NamedTuple):
    """One labelled place.

    Attributes
    ----------
    image : int
        Index of the image.
    y, x : float
        Position in samples.
    class_name : str
    """

    image: int
    y: float
    x: float
    class_name: str


@dataclass(frozen=True)
class _Examples:
    """Residuals of the images and the clicks of one class in them."""

    residuals: Sequence[NDArray[np.float32]]
    clicks: Sequence[Click]
    samples: float
    context: Sequence[ImageContext] = ()

    @property
    def visibility(self) -> float:
        """Median visibility of defects at the clicks; 0 where it is not known."""
        known = [self.context[click.image].visibility for click in self.clicks if self.context]
        return float(np.median(known)) if known else 0.0

    def by_image(self) -> list[NDArray[np.float64]]:
        """Return the clicks (N, 2) in every image that has some."""
        used = sorted({click.image for click in self.clicks})
        return [np.array([(c.y, c.x) for c in self.clicks if c.image == n]) for n in used]

    def at_clicks(self) -> list[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        return [(self.residuals[c.image], np.array([c.y, c.x])) for c in self.clicks]


@dataclass(frozen=True)
class _Found:
    """Where images look like a class: computed once, where it is needed."""

    images: Sequence[NDArray[np.float32]]
    templates: Sequence[Template]
    samples: float

    @cached_property
    def similar(self) -> list[NDArray[np.float32]]:
        return [best_similarity(image, self.templates) for image in self.images]

    @cached_property
    def heights(self) -> NDArray[np.float32]:
        radius = PEAK_RADIUS * self.samples
        return np.concatenate([local_maxima(each, radius)[1] for each in self.similar])


def fit(
    residuals: Sequence[NDArray[np.float32]],
    clicks: Sequence[Click],
    kinds: Mapping[str, str],
    samples: float,
    *,
    thresholds: Mapping[str, float] | None = None,
    context: Sequence[ImageContext] = (),
) -> MatchedFilterModel:
    """Learn the classes of some clicks.

    Parameters
    ----------
    residuals : sequence of ndarray of float32, shape (Y, X)
        Lattice residual of each image, all at the same samples per period.
    clicks : sequence of Click
        At least one of a class other than Bulk.
    kinds : mapping of str to {"bulk", "point", "line", "area"}
        Kind of every class; names that are missing are points.
    samples : float
        Samples per lattice period.
    thresholds : mapping of str to float, optional
        Similarity from which each class is assigned; by default found in the images.
    context : sequence of ImageContext
        What the images show beside their residuals; by default it is not known.

    Returns
    -------
    MatchedFilterModel

    Raises
    ------
    InputError
        If no click shows a defect, or one lies outside its image.
    """
    for click in clicks:
        height, width = residuals[click.image].shape
        if not (-0.5 <= click.y < height - 0.5 and -0.5 <= click.x < width - 0.5):
            raise InputError(f"a click of {click.class_name} lies outside its image; remove it")
    names = sorted({click.class_name for click in clicks} - {BULK})
    if not names:
        raise InputError("no click shows a defect; click at least one place that is not Bulk")
    classes = tuple(
        _fit_class(
            name,
            kinds.get(name, "point"),
            _Examples(residuals, [c for c in clicks if c.class_name == name], samples, context),
            (thresholds or {}).get(name),
        )
        for name in names
    )
    classes = _above_unlike(classes, clicks, residuals, samples, context)
    bulk = _Examples(residuals, [c for c in clicks if c.class_name == BULK], samples)
    return MatchedFilterModel(samples, classes, _negatives(bulk))


def _above_unlike(
    classes: tuple[ClassFilter, ...],
    clicks: Sequence[Click],
    residuals: Sequence[NDArray[np.float32]],
    samples: float,
    context: Sequence[ImageContext],
) -> tuple[ClassFilter, ...]:
    """Raise the thresholds of points above their similarity to the clicks of unlike classes.

    A class without templates yields to every class that has some, so these must not take its
    clicks. The clicks of the point class itself stay above its threshold.
    """
    unlike = {item.name for item in classes if not item.templates}
    others = _Examples(residuals, [c for c in clicks if c.class_name in unlike], samples, context)
    raised = []
    for item in classes:
        if item.kind == "point" and item.templates and others.clicks:
            own = replace(others, clicks=[c for c in clicks if c.class_name == item.name])
            alone = replace(item, sites=(), threshold=item.template_threshold)
            raised_alone = _between(alone, own, others)
            raised_item = _between(item, own, others) if item.sites else raised_alone
            item = replace(item, threshold=raised_item, template_threshold=raised_alone)
        raised.append(item)
    return tuple(raised)


def _between(item: ClassFilter, own: _Examples, others: _Examples) -> float:
    """Return the threshold of a class, raised above the others, but not above its own clicks."""
    lowest, highest = min(_similarity_at(own, item)), max(_similarity_at(others, item))
    return max(item.threshold, min(highest + _APART, lowest - _APART))


def _similarity_at(examples: _Examples, item: ClassFilter) -> list[float]:
    """Return the highest similarity to a class near each click."""
    near = round(PEAK_RADIUS * examples.samples)
    reach = near + item.templates[0].weight.shape[0] // 2
    reach = max(reach, round(_AROUND * examples.samples)) if item.sites else reach
    found = []
    for click in examples.clicks:
        y, x = round(click.y), round(click.x)
        top, left = max(0, y - reach), max(0, x - reach)
        values = examples.residuals[click.image][top : y + reach + 1, left : x + reach + 1]
        residual = examples.context[click.image].residual if item.sites else None
        part = None
        if residual is not None:
            cut = slice(top, top + values.shape[0]), slice(left, left + values.shape[1])
            part = image_part(residual, cut, values)
        similar = class_similarity(values, item, part)
        found.append(_peak_near(similar, y - top, x - left, near)[1])
    return found


def _peak_near(
    similar: NDArray[np.float32], y: int, x: int, near: int
) -> tuple[tuple[float, float], float]:
    """Return where a similarity is highest near a place, and how high."""
    top, left = max(0, y - near), max(0, x - near)
    box = similar[top : y + near + 1, left : x + near + 1]
    row, column = np.unravel_index(int(box.argmax()), box.shape)
    return (float(top + row), float(left + column)), float(box.max())


def _fit_class(name: str, kind: str, examples: _Examples, threshold: float | None) -> ClassFilter:
    """Learn one class: by its look, or by its anomaly where its clicks have none in common."""
    reach = REACH[kind]
    weight = gaussian_weight(examples.samples, reach)
    used = sorted({click.image for click in examples.clicks})
    images = [examples.residuals[number] for number in used]
    noise = float(np.median([np.median(local_power(image, weight)) for image in images]))
    aligned = align(examples.at_clicks(), examples.samples, reach, noise)
    variants = look_variants(aligned, noise)
    templates = tuple(variant.template(noise) for variant in variants)
    agreement = np.concatenate([variant.consistency for variant in variants])
    consistency = float(np.median(agreement))
    anomalies = anomalies_at(examples.at_clicks(), examples.samples)
    anomaly = float(np.median(anomalies))
    found = _Found(images, templates, examples.samples)
    is_free = threshold is None
    if threshold is None:
        find = point_threshold if kind == "point" else extended_threshold
        threshold = 0.0 if kind == "area" else find(found.heights)
    stands_out = spreads_of(anomaly, images, examples.samples) >= _STANDS_OUT
    shown = anomaly if stands_out else np.inf
    unusual = ClassFilter(name, kind, (), 0.5, shown, consistency, examples.visibility)
    item = replace(unusual, templates=templates, anomaly=anomaly)
    item = replace(item, threshold=threshold, template_threshold=threshold)
    if kind == "area":
        difference = _difference(examples, images, anomalies)
        return replace(
            unusual, anomaly=anomaly if any(difference) else shown, difference=difference
        )
    most = float(np.quantile(agreement, QUARTER)), float(np.quantile(anomalies, QUARTER))
    if kind == "point" and is_free:
        item, found = _with_missed(item, found, examples, noise)
    by_chance = is_chance(aligned, examples.at_clicks(), examples.samples, reach, noise)
    if by_chance or not _has_look(item, unusual, examples, found, most):
        return unusual
    return _with_sites(item, examples, used, found) if kind == "point" and is_free else item


def _with_missed(
    item: ClassFilter, found: _Found, examples: _Examples, noise: float
) -> tuple[ClassFilter, _Found]:
    """Return a class with a further template of the clicks that it misses, if these are alike.

    Cores of dislocations with different Burgers vectors, for example, have a look each. Clicks on
    perfect crystal are alike, too, once their noise is aligned: they show hardly any residual, or
    their template is found all over the crystal.
    """
    is_missed = np.array(_similarity_at(examples, item)) < item.threshold
    missed = [click for click, each in zip(examples.clicks, is_missed, strict=True) if each]
    if len(missed) < max(2, _VARIANT * len(is_missed)):
        return item, found
    clicks = replace(examples, clicks=missed).at_clicks()
    aligned = align(clicks, examples.samples, REACH[item.kind], noise)
    visible = aligned.visible(noise)
    if (
        visible.sum() < 2
        or np.median(aligned.part(visible, noise).consistency) < _CONSISTENT["point"]
    ):
        return item, found
    templates = (*item.templates, aligned.part(visible, noise).template(noise))
    both = replace(found, templates=templates)
    limit = point_threshold(both.heights)
    more = replace(item, templates=templates, threshold=limit, template_threshold=limit)
    gained = len(missed) - int((np.array(_similarity_at(examples, more)) < limit).sum())
    before, after = (
        int((each.heights >= t).sum()) for each, t in ((found, item.threshold), (both, limit))
    )
    usual = before / max(len(is_missed) - len(missed), 1)
    return (more, both) if 0 <= after - before <= _PER_CLICK * usual * gained else (item, found)


def _has_look(
    item: ClassFilter,
    unusual: ClassFilter,
    examples: _Examples,
    found: _Found,
    most: tuple[float, float],
) -> bool:
    """Return whether points or lines are found by their look, not by being unusual.

    ``most`` is the similarity and the anomaly score that most clicks have.
    """
    is_alike = item.consistency >= _CONSISTENT[item.kind]
    missed = float((np.array(_similarity_at(examples, item)) < item.threshold).mean())
    images, samples = found.images, examples.samples
    if item.kind == "point":
        return point_has_look(
            images, found.heights, most, samples, is_alike=is_alike, missed=missed
        )
    clicked = [
        ClickedLines(*each) for each in zip(images, found.similar, examples.by_image(), strict=True)
    ]
    is_alike = is_alike and missed < MISSED
    return line_has_look(item, unusual, clicked, samples, is_alike=is_alike)


def _with_sites(
    item: ClassFilter, examples: _Examples, used: Sequence[int], found: _Found
) -> ClassFilter:
    """Return a class with a filter of like sites where that is better than templates alone."""
    images, near = [], round(PEAK_RADIUS * examples.samples)
    for number, similar in zip(used, found.similar, strict=True):
        residual = examples.context[number].residual if examples.context else None
        if residual is None:
            return item
        clicked = [(click.y, click.x) for click in examples.clicks if click.image == number]
        here = np.array([_peak_near(similar, round(y), round(x), near)[0] for y, x in clicked])
        images.append(ClickedImage(residual, examples.residuals[number], similar, here))
    radius = PEAK_RADIUS * examples.samples
    chosen = choose_sites(images, found.heights, item.threshold, radius)
    return replace(item, sites=(chosen[0],), threshold=chosen[1]) if chosen else item


def _difference(
    examples: _Examples, images: Sequence[NDArray[np.float32]], anomalies: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the differences of clicked areas from the crystal; zeros where unknown or unclear."""
    places = [
        (levels, np.array([[click.y, click.x]]))
        for click in examples.clicks
        if examples.context and (levels := examples.context[click.image].levels) is not None
    ]
    anomaly = float(np.quantile(anomalies, QUARTER))
    return area_difference(places, anomaly, images, examples.samples)


def _negatives(bulk: _Examples) -> tuple[Template, ...]:
    """Return templates of the Bulk clicks at places that could be taken for defects."""
    weight = gaussian_weight(bulk.samples, REACH["point"])
    negatives = []
    for residual, position in bulk.at_clicks():
        noise = float(np.median(local_power(residual, weight)))
        pattern = cut_pattern(residual, position, weight.shape[0] // 2)
        if float((weight * pattern**2).sum()) > (1 + VISIBLE) * noise:
            negatives.append(Template(pattern, weight, noise, 1))
    return tuple(negatives)
