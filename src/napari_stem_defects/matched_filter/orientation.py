"""Templates for an image in which the lattice is turned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

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
        Base vectors (y, x) of the image in lattice periods.

    Returns
    -------
    MatchedFilterModel
        The model itself where the lattice is not turned, or is another lattice; otherwise with a
        template for every turn that maps the learned lattice to the shown one.
    """
    angles = turns(model.lattice, shown)
    if not angles or abs(angles[0]) <= _SAME_DEG:
        return model
    return replace(
        model,
        classes=tuple(
            replace(item, templates=tuple(_turn(t, a) for t in item.templates for a in angles))
            for item in model.classes
        ),
        negatives=tuple(_turn(each, angle) for each in model.negatives for angle in angles),
    )


def _turn(template: Template, degrees: float) -> Template:
    """Turn the pattern of a template about its centre, from x towards y."""
    # scipy turns the other way: its axes are (y, x) and positive angles go from y towards x.
    pattern = ndimage.rotate(template.pattern, -degrees, reshape=False, order=3, mode="constant")
    return replace(template, pattern=pattern.astype(np.float32))
