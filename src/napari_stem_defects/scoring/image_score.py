"""Scores of the predictions in one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_stem_defects.scoring.matching import pair_points

if TYPE_CHECKING:
    from collections.abc import Mapping

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kind = Literal["point", "line", "area"]

UNKNOWN = "unknown"
"""Name of predictions that state a defect without a known class."""

FALSE_BEYOND = 3.0
"""A mask is false beyond this multiple of the tolerance from the ground truth of its class."""

_NO_POINTS: Points = np.empty((0, 2))


@dataclass(frozen=True)
class GroundTruth:
    """What is known to be in an image.

    Attributes
    ----------
    shape : (int, int)
        Height and width in px.
    tolerance_px : float
        Largest distance of a prediction from what it predicts, in px.
    kinds : mapping of str to {"point", "line", "area"}
        The classes that are labelled completely in the image.
    points : mapping of str to ndarray of float64, shape (n, 2)
        Positions (y, x) in px of the classes of kind "point".
    lines : mapping of str to tuple of ndarray of float64, shape (n, 2)
        Centre lines, points (y, x) in px, of the classes of kind "line".
    masks : mapping of str to ndarray of bool, shape (Y, X)
        Masks of the classes of kind "area".
    unknown : frozenset of str
        Classes that the program under test does not know.
    labelled_part : (float, float, float, float), optional
        Top, left, bottom, right in px of the part that is labelled; predictions outside do not
        count. By default the whole image.
    is_foreign : bool
        Whether the program under test does not know the material: no name that it gives is right.
    """

    shape: tuple[int, int]
    tolerance_px: float
    kinds: Mapping[str, Kind]
    points: Mapping[str, Points] = field(default_factory=dict)
    lines: Mapping[str, tuple[Points, ...]] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    labelled_part: tuple[float, float, float, float] | None = None
    is_foreign: bool = False


@dataclass(frozen=True)
class Prediction:
    """What a program found in an image.

    Attributes
    ----------
    names : tuple of str
        Class of each point.
    points : ndarray of float64, shape (n, 2)
        Positions (y, x) in px.
    scores : ndarray of float64, shape (n,)
        Probability of the class of each point, 0 to 1; NaN where none is given.
    masks : mapping of str to ndarray of bool, shape (Y, X), optional
        Mask of each class; a class that is missing was not found. None if the program states no
        masks: classes of lines and areas are then not scored.
    """

    names: tuple[str, ...] = ()
    points: Points = field(default_factory=lambda: _NO_POINTS)
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    masks: Mapping[str, Mask] | None = None


@dataclass(frozen=True)
class PointCounts:
    """Numbers of hits, false and missed defects of a class."""

    hits: int
    false: int
    missed: int


@dataclass(frozen=True)
class MaskCounts:
    """Pixels of a mask, or steps along lines, of a class.

    Attributes
    ----------
    known, found : int
        Pixels of the ground truth, and how many of them are found.
    false, searched : int
        Pixels of the false mask, and of the part that is labelled.
    """

    known: int
    found: int
    false: int
    searched: int


@dataclass(frozen=True)
class NamedCounts:
    """What was named in an image of a material that the program does not know.

    Attributes
    ----------
    points : int
        Predictions with any name but "unknown".
    area : int or None
        Pixels with a mask of any name but "unknown"; None if the program states no masks.
    searched : int
        Pixels of the part that is labelled.
    """

    points: int
    area: int | None
    searched: int


@dataclass(frozen=True)
class ImageScore:
    """Scores of one image.

    Attributes
    ----------
    points : mapping of str to PointCounts
        By class.
    masks : mapping of str to MaskCounts
        By class of lines and areas.
    right_names, paired : int
        Of the known points that some prediction of any name is paired with, how many have the
        right name.
    unknown_scores, known_scores : tuple of float
        Scores for "unknown" of the predictions at defects of unknown and of known classes.
    not_scored : tuple of str
        Classes that the predictions hold no masks for.
    named : NamedCounts or None
        Of images of a material that the program does not know; None for the others.
    """

    points: Mapping[str, PointCounts]
    masks: Mapping[str, MaskCounts]
    right_names: int
    paired: int
    unknown_scores: tuple[float, ...]
    known_scores: tuple[float, ...]
    not_scored: tuple[str, ...]
    named: NamedCounts | None = None


def score_image(known: GroundTruth, found: Prediction) -> ImageScore:
    """Compare the predictions in an image with its ground truth.

    Parameters
    ----------
    known : GroundTruth
    found : Prediction

    Returns
    -------
    ImageScore
        Points are paired one to one within the tolerance: by class for hits, and whatever their
        names for the share of right names and the scores for "unknown".
    """
    inside = _inside(known, found.points)
    names = np.array(found.names, dtype=object)[inside]
    points, scores = found.points[inside], found.scores[inside]
    counts = {}
    for name in _classes(known, "point"):
        there = known.points.get(name, _NO_POINTS)
        own = points[names == name]
        hits = len(pair_points(own, there, known.tolerance_px))
        counts[name] = PointCounts(hits, len(own) - hits, len(there) - hits)
    right, paired, of_unknown, of_known = _names(known, names, points, scores)
    masks, not_scored = dict[str, MaskCounts](), list[str]()
    for name in _classes(known, "line", "area"):
        if found.masks is None:
            not_scored.append(name)
        else:
            mask = found.masks.get(name, np.zeros(known.shape, np.bool_))
            masks[name] = _score_mask(known, name, mask)
    named = _named(known, names, found.masks) if known.is_foreign else None
    return ImageScore(counts, masks, right, paired, of_unknown, of_known, tuple(not_scored), named)


def _named(
    known: GroundTruth, names: NDArray[np.object_], masks: Mapping[str, Mask] | None
) -> NamedCounts:
    searched, area = _searched(known), None
    if masks is not None:
        drawn = [mask for name, mask in masks.items() if name != UNKNOWN]
        area = int((np.any([np.zeros(known.shape, np.bool_), *drawn], axis=0) & searched).sum())
    return NamedCounts(int((names != UNKNOWN).sum()), area, int(searched.sum()))


def _classes(known: GroundTruth, *kinds: Kind) -> list[str]:
    return [name for name, kind in known.kinds.items() if kind in kinds]


def _inside(known: GroundTruth, points: Points) -> Mask:
    if known.labelled_part is None:
        return np.ones(len(points), np.bool_)
    low, high = np.array(known.labelled_part[:2]), np.array(known.labelled_part[2:])
    inside: Mask = np.all((points >= low) & (points <= high), axis=1)
    return inside


def _names(
    known: GroundTruth, names: NDArray[np.object_], points: Points, scores: NDArray[np.float64]
) -> tuple[int, int, tuple[float, ...], tuple[float, ...]]:
    """Return right names, pairs, and the scores for "unknown" at unknown and known defects."""
    classes = _classes(known, "point")
    each = [known.points.get(name, _NO_POINTS) for name in classes]
    there = np.concatenate([*each, _NO_POINTS])
    own = np.repeat(np.array(classes, dtype=object), [len(part) for part in each])
    right = 0
    of_unknown, of_known = list[float](), list[float]()
    pairs = pair_points(points, there, known.tolerance_px)
    for row, column in pairs:
        is_unknown, stated_unknown = own[column] in known.unknown, names[row] == UNKNOWN
        right += int(stated_unknown if is_unknown else names[row] == own[column])
        if np.isfinite(scores[row]):
            score = float(scores[row] if stated_unknown else 1 - scores[row])
            (of_unknown if is_unknown else of_known).append(score)
    return right, len(pairs), tuple(of_unknown), tuple(of_known)


def _score_mask(known: GroundTruth, name: str, mask: Mask) -> MaskCounts:
    searched = _searched(known)
    if known.kinds[name] == "line":
        there, reach = _drawn(known.lines.get(name, ()), known.shape), known.tolerance_px
    else:
        there, reach = known.masks.get(name, np.zeros(known.shape, np.bool_)), 0.0
    there = there & searched
    mask = mask & searched
    false = mask & (_distance_to(there) > FALSE_BEYOND * known.tolerance_px)
    hit = there & (_distance_to(mask) <= reach)
    return MaskCounts(*(int(each.sum()) for each in (there, hit, false, searched)))


def _searched(known: GroundTruth) -> Mask:
    """Return the part that is labelled."""
    if known.labelled_part is None:
        return np.ones(known.shape, np.bool_)
    y, x = np.indices(known.shape)
    top, left, bottom, right = known.labelled_part
    inside: Mask = (y >= top) & (y <= bottom) & (x >= left) & (x <= right)
    return inside


def _drawn(lines: tuple[Points, ...], shape: tuple[int, int]) -> Mask:
    """Return the pixels that lines pass through."""
    drawn = np.zeros(shape, np.bool_)
    for line in lines:
        for start, end in pairwise(line):
            steps = 2 * int(np.ceil(np.abs(end - start).max())) + 1
            places = np.rint(np.linspace(start, end, max(2, steps))).astype(np.intp)
            inside = np.all((places >= 0) & (places < shape), axis=1)
            drawn[tuple(places[inside].T)] = True
    return drawn


def _distance_to(mask: Mask) -> NDArray[np.float64]:
    """Return the distance of every pixel to a mask in px; infinite if it is empty."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    away: NDArray[np.float64] = distance_transform_edt(~mask)
    return away
