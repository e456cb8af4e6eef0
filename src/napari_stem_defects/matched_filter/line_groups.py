"""Clicks on a fault that lies on several planes, put together by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.matched_filter.examples import similarity_at
from napari_stem_defects.matched_filter.model import ClassFilter
from napari_stem_defects.matched_filter.templates import REACH, align

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.examples import Examples
    from napari_stem_defects.matched_filter.templates import Aligned

_ALIKE = 0.7
"""Similarity of a click to a single other one from which both may be on one plane."""
_MAX_STARTS = 8
_LEAST = 2 / 3
"""Share of the clicks that must be in groups: those on a grain boundary have no look in common."""


def by_plane(examples: Examples, noise: float, consistent: float) -> list[Aligned]:
    """Return the clicks on a line in groups that look alike.

    Parameters
    ----------
    examples : Examples
        Clicks of a class of the kind "line".
    noise : float
        Weighted mean square of the residual where the lattice is perfect.
    consistent : float
        Median consistency of a group, at least.

    Returns
    -------
    list of Aligned
        The largest group first, of at least two clicks each; empty if too few clicks are in groups.
    """
    left, groups, grouped = list(examples.clicks), [], 0
    while len(left) > 1:
        members = _largest_group(examples.of(left), noise)
        if members.sum() < 2:
            break
        chosen = examples.of([click for click, each in zip(left, members, strict=True) if each])
        aligned = align(chosen.at_clicks(), examples.samples, REACH["line"], noise)
        if np.median(aligned.consistency) < consistent:
            break
        groups.append(aligned)
        grouped += len(chosen.clicks)
        left = [click for click, each in zip(left, members, strict=True) if not each]
    return groups if grouped > _LEAST * len(examples.clicks) else []


def _largest_group(examples: Examples, noise: float) -> NDArray[np.bool_]:
    """Return which clicks look like that one of them that most look like."""
    best = np.zeros(len(examples.clicks), bool)
    for click in examples.clicks[:_MAX_STARTS]:
        at = examples.of([click]).at_clicks()
        template = align(at, examples.samples, REACH["line"], noise).template(noise)
        one = ClassFilter(click.class_name, "line", (template,), 0.0, 0.0, 1.0)
        alike = np.array(similarity_at(examples, one)) >= _ALIKE
        if alike.sum() > best.sum():
            best = alike
    return best
