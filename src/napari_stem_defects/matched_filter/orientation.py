"""Templates for an image in which the lattice is turned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.matched_filter.like_sites import SiteFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.matched_filter.templates import Template

_SAME_DEG = 4.0
"""Turn in degrees up to which templates are used as they are."""
_LENGTH, _ANGLE_DEG = 0.06, 4.0
"""Tolerances of two vectors that are the same but for a turn: relative length, angle."""

Vectors = tuple[tuple[float, float], tuple[float, float]]


def turns(learned: Vectors, shown: Vectors) -> list[float]:
    """Return the turns that map one lattice to another.

    Parameters
    ----------
    learned, shown : ((float, float), (float, float))
        Base vectors (y, x) in one unit of length.

    Returns
    -------
    list of float
        Angles in degrees, -180 to 180, smallest first: one for each turn that maps the lattice to
        itself, so two for an oblique lattice, six for a hexagonal one. Empty if the lattices have
        different cells.
    """
    first, second = np.array(learned, float)
    target = np.array(shown, float)
    found = []
    order = np.mgrid[-2:3, -2:3].reshape(2, -1).T
    for vector in order @ target:
        length = np.hypot(*vector)
        if not length or abs(length / np.hypot(*first) - 1) > _LENGTH:
            continue
        angle = _direction(vector) - _direction(first)
        turned = second @ _rotation(angle).T
        nearest = np.rint(turned @ np.linalg.inv(target)) @ target
        away = np.hypot(*(turned - nearest)) / np.hypot(*second)
        if away < np.hypot(_LENGTH, np.radians(_ANGLE_DEG)):
            found.append((angle + 180) % 360 - 180)
    return sorted(found, key=abs)


def _direction(vector: NDArray[np.float64]) -> float:
    return float(np.degrees(np.arctan2(vector[0], vector[1])))


def _rotation(degrees: float) -> NDArray[np.float64]:
    """Return the matrix that turns (y, x) from x towards y."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


def turned(model: MatchedFilterModel, shown: Vectors) -> MatchedFilterModel:
    """Return a model whose templates are turned as the lattice of an image is.

    Parameters
    ----------
    model : MatchedFilterModel
    shown : ((float, float), (float, float))
        Base vectors (y, x) of the image in the length units of the model.

    Returns
    -------
    MatchedFilterModel
        The model itself where the lattice is not turned, or is another lattice; otherwise with a
        template for every turn that maps the learned lattice to the shown one.
    """
    angles = turns(model.lattice, shown)
    if not angles or abs(angles[0]) <= _SAME_DEG:
        return model
    every = [_oriented(model, angle, mirrored=False) for angle in angles]
    classes = (
        replace(
            parts[0],
            templates=tuple(each for part in parts for each in part.templates),
            sites=tuple(each for part in parts for each in part.sites),
            views=tuple(each for part in parts for each in part.views),
        )
        for parts in zip(*(each.classes for each in every), strict=True)
    )
    negatives = tuple(each for part in every for each in part.negatives)
    return replace(model, classes=tuple(classes), negatives=negatives)


def orientations(model: MatchedFilterModel, shown: Vectors) -> list[MatchedFilterModel]:
    """Return a model in all orientations in which an image may show its defects.

    A lattice looks the same in some turns, and may look the same in a mirror; its defects do not.

    Parameters
    ----------
    model : MatchedFilterModel
    shown : ((float, float), (float, float))
        Base vectors (y, x) of the image in the length units of the model.

    Returns
    -------
    list of MatchedFilterModel
        The one that is turned least first, mirrored ones last. The model alone where the image
        shows another lattice.
    """
    (y0, x0), (y1, x1) = model.lattice
    found = [
        model if abs(angle) <= _SAME_DEG else _oriented(model, angle, mirrored=False)
        for angle in turns(model.lattice, shown)
    ]
    found += [
        _oriented(model, angle, mirrored=True) for angle in turns(((y0, -x0), (y1, -x1)), shown)
    ]
    return found or [model]


def _oriented(model: MatchedFilterModel, degrees: float, *, mirrored: bool) -> MatchedFilterModel:
    """Return a model with all its templates mirrored left to right, if so, and then turned."""
    return replace(
        model,
        classes=tuple(
            replace(
                item,
                templates=tuple(_turn(each, degrees, mirrored) for each in item.templates),
                sites=tuple(_turned_site(site, degrees, mirrored) for site in item.sites),
                views=tuple(_turned(each, degrees, mirrored, "nearest") for each in item.views),
            )
            for item in model.classes
        ),
        negatives=tuple(_turn(each, degrees, mirrored) for each in model.negatives),
    )


def _turned_site(site: SiteFilter, degrees: float, mirrored: bool) -> SiteFilter:
    known = (pattern for pattern in site if pattern is not None)
    return SiteFilter(*(_turned(each, degrees, mirrored, "nearest") for each in known))


def _turn(template: Template, degrees: float, mirrored: bool) -> Template:
    return replace(template, pattern=_turned(template.pattern, degrees, mirrored, "constant"))


def _turned(
    pattern: NDArray[np.float32], degrees: float, mirrored: bool, beyond: str
) -> NDArray[np.float32]:
    """Turn a pattern about its centre, from x towards y; ``beyond`` is what scipy continues."""
    pattern = pattern[:, ::-1] if mirrored else pattern
    # scipy turns the other way: its axes are (y, x) and positive angles go from y towards x.
    pattern = ndimage.rotate(pattern, -degrees, reshape=False, order=3, mode=beyond)
    return np.ascontiguousarray(pattern, np.float32)
