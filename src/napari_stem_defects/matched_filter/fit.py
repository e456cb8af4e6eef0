"""From clicks to a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.score import EXTENDED_POOL, local_rms
from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import InputError
from napari_stem_defects.matched_filter.along_lines import COPIES, repeated_along
from napari_stem_defects.matched_filter.area_rim import rim_anomalies
from napari_stem_defects.matched_filter.chance import is_chance, is_faint, is_noise
from napari_stem_defects.matched_filter.choose_look import (
    MISSED,
    PEAK_RADIUS,
    QUARTER,
    ClickedLines,
    anomalies_at,
    area_difference,
    line_has_look,
    point_has_look,
)
from napari_stem_defects.matched_filter.choose_sites import ClickedImage, choose_sites
from napari_stem_defects.matched_filter.examples import (
    Click,
    Examples,
    Found,
    peak_near,
    peaks_at,
    similarity_at,
)
from napari_stem_defects.matched_filter.faint_lines import noise_shows, visible_line
from napari_stem_defects.matched_filter.model import HIDDEN, ClassFilter, MatchedFilterModel
from napari_stem_defects.matched_filter.similarity import local_power
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
from napari_stem_defects.matched_filter.usual_power import (
    is_selective,
    spreads_beside_strong,
    usual_power,
)
from napari_stem_defects.matched_filter.variants import by_variants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.along_lines import Repeated
    from napari_stem_defects.matched_filter.examples import ImageContext

_CONSISTENT = {"point": 0.8, "line": 0.87, "area": 1.0}
"""Median consistency from which the clicks of a class have a look in common: points are compared
within a smaller weight. Along lines whose look changes, it is up to 0.82."""
_STANDS_OUT = 2.0
"""Spreads above the usual from which clicks are unusual; see
`usual_power.spreads_beside_strong`."""
_UNLIKELY = 0.85
"""Threshold of points above which many of them would be too unlike their clicks."""
_UNUSUAL = 0.5
"""Threshold of classes without templates; see `extended_classes.anomaly_similarity`."""
_MOST_NEGATIVES = 64
"""Places that Bulk clicks teach, those that look most like a defect: each takes time."""
_APART = 0.02
"""Thresholds lie this far above the clicks of unlike classes and below those of the own class; by
more than this a place beside a defect is less similar than the defect."""


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
        Lattice residual of each image, all at the same samples per length unit.
    clicks : sequence of Click
        At least one of a class other than Bulk.
    kinds : mapping of str to {"bulk", "point", "line", "area"}
        Kind of every class; names that are missing are points.
    samples : float
        Samples per length unit.
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
            Examples(residuals, [c for c in clicks if c.class_name == name], samples, context),
            (thresholds or {}).get(name),
        )
        for name in names
    )
    classes = _above_unlike(classes, clicks, residuals, samples, context)
    bulk = Examples(residuals, [c for c in clicks if c.class_name == BULK], samples, context)
    return MatchedFilterModel(samples, classes, _negatives(bulk, classes))


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
    others = Examples(residuals, [c for c in clicks if c.class_name in unlike], samples, context)
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


def _between(item: ClassFilter, own: Examples, others: Examples) -> float:
    """Return the threshold of a class, raised above the others, but not above its own clicks."""
    lowest, highest = min(similarity_at(own, item)), max(similarity_at(others, item))
    return max(item.threshold, min(highest + _APART, lowest - _APART))


def _fit_class(name: str, kind: str, examples: Examples, threshold: float | None) -> ClassFilter:
    """Learn one class: by its look, or by its anomaly where its clicks have none in common."""
    reach = REACH[kind]
    weight = gaussian_weight(examples.samples, reach)
    used = sorted({click.image for click in examples.clicks})
    images = [examples.residuals[number] for number in used]
    noise = float(np.median([usual_power(image, weight, examples.samples) for image in images]))
    at_clicks = examples.at_clicks()
    aligned = align(at_clicks, examples.samples, reach, noise)
    repeated: list[Repeated] = []
    is_few = len(at_clicks) < COPIES
    if kind == "line" and (is_few or is_faint(aligned, noise)):
        repeated = repeated_along(examples, weight)
    if repeated:
        along = [(each.values, each.at) for each in repeated]
        aligned = align(along, examples.samples, reach, noise, COPIES)
    variants = look_variants(aligned, noise)
    templates = tuple(variant.template(noise) for variant in variants)
    agreement = np.concatenate([variant.consistency for variant in variants])
    consistency = float(np.median(agreement))
    anomalies = anomalies_at(examples.at_clicks(), examples.samples)
    anomaly = float(np.median(anomalies))
    found = Found(images, templates, examples.samples)
    is_free = threshold is None
    if threshold is None:
        find = point_threshold if kind == "point" else extended_threshold
        threshold = 0.0 if kind == "area" else find(found.heights)
    shown = _rim_anomaly(examples) if kind == "area" else None
    shown = _shown(anomaly, kind, examples) if shown is None else shown
    unusual = ClassFilter(name, kind, (), 0.5, shown, consistency, examples.visibility)
    if kind == "line" and is_few and noise_shows(unusual, images, examples.samples):
        unusual = replace(unusual, anomaly=HIDDEN)
    item = replace(unusual, templates=templates, anomaly=anomaly)
    item = replace(item, threshold=threshold, template_threshold=threshold)
    if kind == "area":
        difference = _difference(examples, images, anomalies)
        return replace(
            unusual, anomaly=anomaly if any(difference) else shown, difference=difference
        )
    most = float(np.quantile(agreement, QUARTER)), float(np.quantile(anomalies, QUARTER))
    if kind == "point" and is_free:
        item, found = by_variants(item, found, examples, noise)
    if not (repeated and consistency >= _CONSISTENT[kind]):
        by_chance = is_chance(aligned, at_clicks, examples.samples, reach, noise)
        if by_chance or not _has_look(item, unusual, examples, found, most):
            return unusual
    if kind == "line" and is_free and (is_few or repeated):
        visible = visible_line(item, aligned, noise, repeated, examples)
        return visible or replace(unusual, anomaly=HIDDEN)
    if kind == "line" or not is_free:
        return item
    by_noise = is_noise(found, item.threshold, aligned, noise)
    return _among_like(item, examples, used, found, by_noise=by_noise) or unusual


def _among_like(
    item: ClassFilter, examples: Examples, used: Sequence[int], found: Found, *, by_noise: bool
) -> ClassFilter | None:
    """Return a point class, compared with like sites where that is better; None for noise.

    Like sites are compared with each other, which shows more than the templates. Where defects
    crowd, they all look different, and noise with the spectrum of their residual looks like them.
    """
    better = _with_sites(item, examples, used, found)
    if not better.sites and (by_noise or item.threshold > _UNLIKELY):
        better = _with_sites(item, examples, used, found, needed=True, by_noise=by_noise)
    return None if by_noise and not better.sites else better


def _shown(anomaly: float, kind: str, examples: Examples) -> float:
    """Return the anomaly score of clicks, or `HIDDEN` where it does not show their class."""
    clicks, samples = examples.at_clicks(), examples.samples
    if spreads_beside_strong(clicks, samples, PEAK_RADIUS) < _STANDS_OUT:
        return HIDDEN
    images = examples.images()
    # The rim of an area may be far more unusual than the clicks inside.
    return anomaly if kind == "area" or is_selective(anomaly, images, samples) else HIDDEN


def _rim_anomaly(examples: Examples) -> float | None:
    """Return the anomaly score of the rims around areas; None where most clicks have none."""
    found = [
        rim_anomalies(local_rms(image, EXTENDED_POOL * examples.samples), clicks, examples.samples)
        for image, clicks in zip(examples.images(), examples.by_image(), strict=True)
    ]
    values = np.concatenate(found)
    return None if np.isnan(values).mean() > 0.5 else float(np.nanmedian(values))


def _has_look(
    item: ClassFilter,
    unusual: ClassFilter,
    examples: Examples,
    found: Found,
    most: tuple[float, float],
) -> bool:
    """Return whether points or lines are found by their look, not by being unusual.

    ``most`` is the similarity and the anomaly score that most clicks have.
    """
    is_alike = item.consistency >= _CONSISTENT[item.kind]
    missed = float((np.array(similarity_at(examples, item)) < item.threshold).mean())
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
    item: ClassFilter,
    examples: Examples,
    used: Sequence[int],
    found: Found,
    *,
    needed: bool = False,
    by_noise: bool = False,
) -> ClassFilter:
    """Return a class with a filter of like sites where that is better than templates alone."""
    images, near = [], round(PEAK_RADIUS * examples.samples)
    for number, similar in zip(used, found.similar, strict=True):
        residual = examples.context[number].residual if examples.context else None
        if residual is None:
            return item
        clicked = [(click.y, click.x) for click in examples.clicks if click.image == number]
        peaks = np.array([peak_near(similar, round(y), round(x), near)[0] for y, x in clicked])
        at = np.array(clicked), peaks
        images.append(ClickedImage(residual, examples.residuals[number], similar, *at))
    radius = PEAK_RADIUS * examples.samples
    chosen = choose_sites(
        images, found.heights, item.threshold, radius, needed=needed, by_noise=by_noise
    )
    return replace(item, sites=(chosen[0],), threshold=chosen[1]) if chosen else item


def _difference(
    examples: Examples, images: Sequence[NDArray[np.float32]], anomalies: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the differences of clicked areas from the crystal; zeros where unknown or unclear."""
    places = [
        (levels, np.array([[click.y, click.x]]))
        for click in examples.clicks
        if examples.context and (levels := examples.context[click.image].levels) is not None
    ]
    anomaly = float(np.quantile(anomalies, QUARTER))
    return area_difference(places, anomaly, images, examples.samples)


def _negatives(bulk: Examples, classes: Sequence[ClassFilter]) -> tuple[Template, ...]:
    """Return templates of the places at Bulk clicks that would be taken for defects.

    Others teach nothing: a single place holds its noise, and beside a defect the flank of it, and
    of many one looks like any defect.
    """
    places: dict[tuple[int, float, float], float] = {}
    for item in classes:
        if item.is_hidden:
            continue
        limit = item.limit if item.templates else _UNUSUAL
        for click, peak in zip(bulk.clicks, peaks_at(bulk, item), strict=True):
            if peak.height >= limit and peak.around <= peak.height + _APART:
                at = click.image, *peak.at
                places[at] = max(peak.height - limit, places.get(at, 0.0))
    kept = sorted(places, key=lambda at: (-places[at], at))[:_MOST_NEGATIVES]
    weight = gaussian_weight(bulk.samples, REACH["point"])
    negatives = []
    for number, y, x in kept:
        residual = bulk.residuals[number]
        noise = float(np.median(local_power(residual, weight)))
        pattern = cut_pattern(residual, np.array([y, x]), weight.shape[0] // 2)
        if float((weight * pattern**2).sum()) > (1 + VISIBLE) * noise:
            negatives.append(Template(pattern, weight, noise, 1))
    return tuple(negatives)
