"""A matched-filter model as arrays for its file, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.matched_filter.like_sites import SiteFilter, filter_edges
from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel, Window
from napari_stem_defects.matched_filter.spots import as_spots
from napari_stem_defects.matched_filter.templates import REACH, SPOT, Template, gaussian_weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_NEGATIVES = "negatives"
_LATTICE = "lattice"
_ALONE = "template_threshold"
_VIEW = "view"
DECISIONS = 6
"""Numbers by which a class is decided: threshold, anomaly, consistency, visibility, difference."""


def to_arrays(model: MatchedFilterModel) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a model.

    Parameters
    ----------
    model : MatchedFilterModel

    Returns
    -------
    dict of str to ndarray of float32
        See `array_shapes` for names and shapes.
    """
    arrays = {_LATTICE: np.array(model.lattice, np.float32)}
    for number, item in enumerate(model.classes):
        arrays[f"{number}.decision"] = np.array(
            [item.threshold, item.anomaly, item.consistency, item.visibility, *item.difference],
            np.float32,
        )
        arrays |= _template_arrays(str(number), item.templates)
        for part in _site_parts(item.sites):
            arrays[f"{number}.{part}"] = np.stack([getattr(each, part) for each in item.sites])
        if item.sites:
            arrays[f"{number}.{_ALONE}"] = np.array([item.template_threshold], np.float32)
        if item.views:
            arrays[f"{number}.{_VIEW}"] = np.stack(item.views)
    return arrays | _template_arrays(_NEGATIVES, model.negatives)


def _site_parts(sites: Sequence[SiteFilter]) -> tuple[str, ...]:
    """Return the names of the patterns of site filters; those without an observer have fewer."""
    return tuple(
        part for part in SiteFilter._fields if sites and getattr(sites[0], part) is not None
    )


def site_patterns(model: MatchedFilterModel) -> int:
    """Return how many patterns each site filter of a model has.

    Parameters
    ----------
    model : MatchedFilterModel

    Returns
    -------
    int
        3 with observers; 0 without site filters, and in earlier models, whose filters have 2.
    """
    every = (len(_site_parts(item.sites)) for item in model.classes)
    return len(SiteFilter._fields) if len(SiteFilter._fields) in every else 0


def _template_arrays(prefix: str, templates: Sequence[Template]) -> dict[str, NDArray[np.float32]]:
    if not templates:
        return {}
    return {
        f"{prefix}.pattern": np.stack([each.pattern for each in templates]).astype(np.float32),
        f"{prefix}.noise": np.array([each.noise for each in templates], np.float32),
        f"{prefix}.clicks": np.array([each.clicks for each in templates], np.float32),
    }


def array_shapes(
    samples: float,
    kinds: Sequence[str],
    templates: Sequence[int],
    negatives: int,
    decisions: int = DECISIONS,
    sites: Sequence[int] = (),
    views: Sequence[int] = (),
    *,
    site_patterns: int = 2,
    of_spots: bool = False,
) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the arrays of a model.

    Parameters
    ----------
    samples : float
        Samples per length unit.
    kinds : sequence of {"point", "line", "area"}
        Kind of each class.
    templates : sequence of int
        Number of templates of each class.
    negatives : int
        Number of templates of no defect.
    decisions : int
        Numbers by which each class is decided; earlier models have the first of them.
    sites : sequence of int
        Number of site filters of each class; empty where no class has one.
    views : sequence of int
        Number of views of each class; empty where no class has one.
    site_patterns : int
        Patterns of each site filter; in earlier models 2.
    of_spots : bool
        Whether this is a model of spots in images without a lattice.

    Returns
    -------
    dict of str to tuple of int
    """
    shapes: dict[str, tuple[int, ...]] = {_LATTICE: (2, 2)}
    groups = [(str(n), *pair) for n, pair in enumerate(zip(kinds, templates, strict=True))]
    for prefix, _, _ in groups:
        shapes[f"{prefix}.decision"] = (decisions,)
    for prefix, kind, count in [*groups, (_NEGATIVES, "point", negatives)]:
        if count:
            edge = gaussian_weight(samples, REACH[SPOT if of_spots else kind]).shape[0]
            shapes[f"{prefix}.pattern"] = (count, edge, edge)
            shapes[f"{prefix}.noise"] = shapes[f"{prefix}.clicks"] = (count,)
    for number, count in enumerate(sites):
        edges = zip(SiteFilter._fields, filter_edges(samples), strict=True)
        for part, edge in list(edges)[:site_patterns]:
            shapes |= {f"{number}.{part}": (count, edge, edge)} if count else {}
        shapes |= {f"{number}.{_ALONE}": (1,)} if count else {}
    edge = gaussian_weight(samples, REACH["line"]).shape[0]
    shapes |= {f"{n}.{_VIEW}": (count, edge, edge) for n, count in enumerate(views) if count}
    return shapes


def from_arrays(
    arrays: Mapping[str, NDArray[Any]],
    samples: float,
    classes: Sequence[tuple[str, str]],
    window: Window | None = None,
) -> MatchedFilterModel:
    """Read a model from its arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        With the names and shapes of `array_shapes`.
    samples : float
        Samples per length unit.
    classes : sequence of (str, str)
        Name and kind of each class.
    window : Window, optional
        Of a model of spots in images without a lattice.

    Returns
    -------
    MatchedFilterModel
    """
    filters = []
    for number, (name, kind) in enumerate(classes):
        decision = np.zeros(DECISIONS)
        decision[: len(arrays[f"{number}.decision"])] = arrays[f"{number}.decision"]
        threshold, anomaly, consistency, visibility, *difference = decision.tolist()
        templates = _templates(arrays, str(number), samples, SPOT if window else kind)
        numbers = threshold, anomaly, consistency, visibility, (difference[0], difference[1])
        sites = _sites(arrays, str(number))
        alone = float(arrays[f"{number}.{_ALONE}"][0]) if sites else threshold
        item = ClassFilter(name, kind, templates, *numbers, sites=sites, template_threshold=alone)
        filters.append(replace(item, views=tuple(arrays.get(f"{number}.{_VIEW}", ()))))
    negatives = _templates(arrays, _NEGATIVES, samples, SPOT if window else "point")
    (y0, x0), (y1, x1) = arrays[_LATTICE].tolist()
    lattice = (y0, x0), (y1, x1)
    model = MatchedFilterModel(samples, tuple(filters), negatives, lattice, window)
    return model if window is None else as_spots(model)


def _sites(arrays: Mapping[str, NDArray[Any]], prefix: str) -> tuple[SiteFilter, ...]:
    names = [name for part in SiteFilter._fields if (name := f"{prefix}.{part}") in arrays]
    return tuple(SiteFilter(*each) for each in zip(*(arrays[n] for n in names), strict=True))


def _templates(
    arrays: Mapping[str, NDArray[Any]], prefix: str, samples: float, kind: str
) -> tuple[Template, ...]:
    if f"{prefix}.pattern" not in arrays:
        return ()
    weight = gaussian_weight(samples, REACH[kind])
    return tuple(
        Template(pattern, weight, float(noise), max(1, round(float(clicks))))
        for pattern, noise, clicks in zip(
            *(arrays[f"{prefix}.{part}"] for part in ("pattern", "noise", "clicks")), strict=True
        )
    )
