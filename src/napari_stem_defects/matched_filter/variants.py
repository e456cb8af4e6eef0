"""Variants of a point defect that look different."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.matched_filter.choose_look import MISSED
from napari_stem_defects.matched_filter.examples import similarity_at
from napari_stem_defects.matched_filter.templates import LEAST_SHARE, REACH, SHOWN, align
from napari_stem_defects.matched_filter.thresholds import point_threshold

if TYPE_CHECKING:
    from napari_stem_defects.matched_filter.examples import Click, Examples, Found
    from napari_stem_defects.matched_filter.model import ClassFilter
    from napari_stem_defects.matched_filter.templates import Aligned, Template

_CONSISTENT = 0.8
"""Median consistency from which missed clicks have a look in common."""
_ALIKE = 0.7
"""Similarity of a click to a single other one from which both are one variant."""
_MAX_STARTS = 8
_VARIANT = 0.2
"""Share of the clicks from which those that are missed may be another variant."""
_MAX_ALONE = 6
"""Clicks that are tried as a variant each, so that many unlike clicks take no more time."""
_PER_CLICK = 10.0
"""Places that a further template may find for each of its clicks, in those that the first finds."""


def by_variants(
    item: ClassFilter, found: Found, examples: Examples, noise: float
) -> tuple[ClassFilter, Found]:
    """Return a class with a template for each variant that its clicks show.

    Where the clicks are not alike, the first template is that of the largest group that looks like
    one of them.

    Parameters
    ----------
    item : ClassFilter
        Of the kind "point", with the templates of all clicks together.
    found : Found
        Where the images look like it.
    examples : Examples
        The clicks.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.

    Returns
    -------
    ClassFilter, Found
        As they are, or with further templates.
    """
    if item.consistency < _CONSISTENT:
        group = _largest_group(item, examples, noise)
        if len(group) > 1:
            aligned = _aligned(group, examples, item.kind, noise)
            agreement = float(np.median(aligned.consistency))
            first = replace(found, templates=(aligned.template(noise),))
            limit = point_threshold(first.heights)
            start = replace(item, templates=tuple(first.templates), consistency=agreement)
            start = replace(start, threshold=limit, template_threshold=limit)
            several = with_missed(start, first, examples, noise)
            if len(_missed_clicks(several[0], examples)) < MISSED * len(examples.clicks):
                return several
    return with_missed(item, found, examples, noise)


def _largest_group(item: ClassFilter, examples: Examples, noise: float) -> list[Click]:
    """Return the clicks that look like one of them, of which it is most."""
    groups = []
    for click in examples.clicks[:_MAX_STARTS]:
        template = _aligned([click], examples, item.kind, noise).template(noise)
        similar = np.array(similarity_at(examples, replace(item, templates=(template,))))
        groups.append((int((similar >= _ALIKE).sum()), float(similar.sum()), similar))
    similar = max(groups, key=lambda group: group[:2])[2]
    return [click for click, each in zip(examples.clicks, similar, strict=True) if each >= _ALIKE]


def with_missed(
    item: ClassFilter, found: Found, examples: Examples, noise: float
) -> tuple[ClassFilter, Found]:
    """Return a class with further templates of the clicks that it misses.

    Cores of dislocations with different Burgers vectors, for example, have a look each: missed
    clicks that are alike get one template, and each that shows a defect by itself one of its own.
    Clicks on perfect crystal are alike, too, once their noise is aligned: they show hardly any
    residual, or their template is found all over the crystal.

    Parameters
    ----------
    item : ClassFilter
        Of the kind "point".
    found : Found
        Where the images look like it.
    examples : Examples
        The clicks.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.

    Returns
    -------
    ClassFilter, Found
    """
    missed = _missed_clicks(item, examples)
    if len(missed) >= max(2, _VARIANT * len(examples.clicks)):
        aligned = _aligned(missed, examples, item.kind, noise)
        shown = aligned.part(aligned.visible(noise), noise)
        if len(shown.patterns) > 1 and np.median(shown.consistency) >= _CONSISTENT:
            item, found = _with_template(item, found, examples, shown.template(noise))
            missed = _missed_clicks(item, examples)
    is_share = LEAST_SHARE * len(examples.clicks) <= 1
    for click in missed[:_MAX_ALONE] if is_share else []:
        if click in missed:
            template = _aligned([click], examples, item.kind, noise).template(noise)
            if template.power > SHOWN * noise:
                more, both = _with_template(item, found, examples, template)
                if more is not item:
                    item, found = more, both
                    missed = _missed_clicks(item, examples)
    return item, found


def _aligned(clicks: list[Click], examples: Examples, kind: str, noise: float) -> Aligned:
    """Return some of the clicks, aligned with each other."""
    at = replace(examples, clicks=clicks).at_clicks()
    return align(at, examples.samples, REACH[kind], noise)


def _missed_clicks(item: ClassFilter, examples: Examples) -> list[Click]:
    """Return the clicks that a class does not find."""
    similar = similarity_at(examples, item)
    pairs = zip(examples.clicks, similar, strict=True)
    return [click for click, each in pairs if each < item.threshold]


def _with_template(
    item: ClassFilter, found: Found, examples: Examples, template: Template
) -> tuple[ClassFilter, Found]:
    """Return a class with a further template, if that finds clicks and not many other places."""
    templates = (*item.templates, template)
    both = found.with_template(template)
    limit = point_threshold(both.heights)
    more = replace(item, templates=templates, threshold=limit, template_threshold=limit)
    missed = len(_missed_clicks(item, examples))
    gained = missed - len(_missed_clicks(more, examples))
    before, after = (
        int((each.heights >= t).sum()) for each, t in ((found, item.threshold), (both, limit))
    )
    usual = before / max(len(examples.clicks) - missed, 1)
    return (more, both) if 0 <= after - before <= _PER_CLICK * usual * gained else (item, found)
