"""Clicks on known defects, and what is left to find in the image that was clicked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.scoring.matching import pair_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.scoring.image_score import GroundTruth, Points, Prediction

LEAST_LEFT = 2
"""A class is clicked only if this many of its defects are left to find."""

AIM = 0.25
"""Standard deviation of a click from its defect along each axis, in units of the tolerance."""


@dataclass(frozen=True)
class Clicks:
    """Clicks in one image, as many on each class of point defects.

    Attributes
    ----------
    count : int
        On each class.
    defects : mapping of str to ndarray of float64, shape (count, 2)
        The defects (y, x) that are clicked, in px.
    places : mapping of str to ndarray of float64, shape (count, 2)
        Where the clicks are, near the defects.
    """

    count: int
    defects: Mapping[str, Points]
    places: Mapping[str, Points]


def draw_clicks(known: GroundTruth, image: str, count: int) -> Clicks | None:
    """Draw clicks on the point defects of an image.

    Parameters
    ----------
    known : GroundTruth
    image : str
        Name of the image. It and the class alone set the order in which defects are clicked, so
        that all programs get the same clicks, and more clicks contain the fewer ones.
    count : int
        Number of clicks on each class.

    Returns
    -------
    Clicks or None
        None where no class has enough defects. Classes with fewer are left out.
    """
    defects, places = dict[str, "Points"](), dict[str, "Points"]()
    for name, kind in known.kinds.items():
        there = _in_labelled_part(known, known.points.get(name, np.empty((0, 2))))
        if kind != "point" or len(there) < count + LEAST_LEFT:
            continue
        rng = np.random.default_rng([*image.encode(), 0, *name.encode()])
        order = rng.permutation(len(there))
        aim = rng.normal(0, AIM * known.tolerance_px, there.shape)
        defects[name] = there[order[:count]]
        highest = np.array(known.shape, np.float64) - 1
        places[name] = np.clip(defects[name] + aim[:count], 0, highest)
    return Clicks(count, defects, places) if defects else None


def _in_labelled_part(known: GroundTruth, points: Points) -> Points:
    if known.labelled_part is None:
        return points
    low, high = np.array(known.labelled_part[:2]), np.array(known.labelled_part[2:])
    return points[np.all((points >= low) & (points <= high), axis=1)]


def only_points(known: GroundTruth, names: Sequence[str]) -> GroundTruth:
    """Return the ground truth of some classes of points.

    Parameters
    ----------
    known : GroundTruth
    names : sequence of str

    Returns
    -------
    GroundTruth
        Of a known material: the clicks have shown the classes.
    """
    return replace(
        known,
        kinds={name: "point" for name in names if known.kinds.get(name) == "point"},
        unknown=frozenset(),
        is_foreign=False,
    )


def left_to_find(
    known: GroundTruth, found: Prediction, clicks: Clicks
) -> tuple[GroundTruth, Prediction]:
    """Leave out the clicked defects, and the predictions at them.

    Parameters
    ----------
    known : GroundTruth
    found : Prediction
        In the image that was clicked.
    clicks : Clicks

    Returns
    -------
    known : GroundTruth
        Without the clicked defects.
    found : Prediction
        Without the predictions that are paired with them, when predictions and all defects of
        the class are paired.
    """
    names = np.array(found.names, dtype=object)
    is_kept = np.ones(len(names), np.bool_)
    points = dict(known.points)
    for name, clicked in clicks.defects.items():
        there = known.points[name]
        is_clicked = (there[:, None] == clicked).all(axis=2).any(axis=1)
        own = np.flatnonzero(names == name)
        for row, column in pair_points(found.points[own], there, known.tolerance_px):
            is_kept[own[row]] &= not is_clicked[column]
        points[name] = there[~is_clicked]
    left = replace(
        found,
        names=tuple(names[is_kept]),
        points=found.points[is_kept],
        scores=found.scores[is_kept],
    )
    return replace(known, points=points), left
