"""Dividing labelled sites into training and test, by chance or honestly.

A random split of overlapping crops tests memory: near-copies of every test patch were trained
on. The honest splits hold out whole places, and drop every training site whose window shares a
pixel with a test window. Where a class has only one place, an honest split cannot test it and
says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import kind_of
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from napari_stem_defects.training.dataset import TrainingSet

SplitKind = Literal["random", "site", "region", "image"]
Mask = NDArray[np.bool_]

TEST_SHARE = 0.25
# Fewer training sites than this teach nothing, so the class counts as not testable.
FEWEST_TRAINING_SITES = 5
# Clicks are held out from one end of their image, the same for all classes; so many ends are
# tried, and the one that leaves most to test and to train on is taken.
ENDS = 8
# Augmentation turns and shrinks a parent around its clicks, so that a window shows pixels of it
# farther from the click than half its edge: a training window and a test window can share some
# up to this many edges apart (45 degrees, 0.85 times, a few px of jitter).
TURNED_REACH = 1.5

MEANING: dict[str, str] = {
    "random": "test patches are random; near-copies of them were trained on, so this tests memory",
    "site": "whole defects were held out, and every window that shares a pixel with them",
    "region": "one end of the labelled area was held out, and every window that reaches into it",
    "image": "whole images were held out",
}


@dataclass(frozen=True)
class Split:
    """Which sites train and which test; a site may do neither.

    Attributes
    ----------
    kind : {"random", "site", "region", "image"}
    train, test : ndarray of bool, shape (n,)
    untestable : mapping of str to str
        Classes this split cannot test, each with the reason in one sentence.
    """

    kind: SplitKind
    train: Mask
    test: Mask
    untestable: dict[str, str]


def split(
    data: TrainingSet,
    kind: SplitKind,
    *,
    seed: int = 0,
    patch_px: int = 64,
    share: float = TEST_SHARE,
) -> Split:
    """Divide the sites of a training set.

    Parameters
    ----------
    data : TrainingSet
    kind : {"random", "site", "region", "image"}
        "random": a quarter of each class by chance. "site": a quarter of each class's defects.
        "region": the last quarter of each class along a direction. "image": a quarter of the
        images of each class, and whatever else they show.
    seed : int
        Decides chance, and which ends are tried.
    patch_px : int
        Edge of a window; sites nearer than this share pixels.
    share : float
        What to hold out instead of a quarter.
    """
    if kind not in get_args(SplitKind):
        raise InputError(f"split {kind!r} is unknown; choose random, site, region or image")
    rng = np.random.default_rng(seed)
    canvases = np.unique(data.canvas)
    if kind == "image":
        return _divided(data, _Rule(kind, patch_px, share, rng.permutation(canvases)), rng)
    if kind == "random" or not (data.radius_px > 0).any():
        return _divided(data, _Rule(kind, patch_px, share, canvases), rng)
    angles = rng.uniform(0, 2 * np.pi) + np.arange(ENDS) * 2 * np.pi / ENDS
    tries = [
        _Rule(kind, patch_px, share, rng.permutation(canvases), (np.sin(angle), np.cos(angle)))
        for angle in angles
    ]
    return max((_divided(data, rule, rng) for rule in tries), key=lambda found: _worth(data, found))


@dataclass(frozen=True)
class _Rule:
    """How sites are held out: in the order of the canvases, and on each along a direction.

    Without a direction each class has its own, and chance decides between its ends.
    """

    kind: SplitKind
    patch_px: int
    share: float
    canvases: NDArray[np.int64]
    direction: tuple[float, float] | None = None


def _divided(data: TrainingSet, rule: _Rule, rng: np.random.Generator) -> Split:
    labels = np.array(data.labels)
    test = np.zeros(len(data), bool)
    untestable: dict[str, str] = {}
    for name in data.classes:
        mine = np.flatnonzero(labels == name)
        held_out = _held_out(_units(data, mine, rule), rule, rng)
        test[mine[held_out]] = True
        if not held_out.any():
            untestable[name] = f"all {len(mine)} labels are of one {_PLACE[rule.kind]}"
    train = _training_side(data, test, rule)
    for name in data.classes:
        left = int((train & (labels == name)).sum())
        if name not in untestable and left < FEWEST_TRAINING_SITES:
            untestable[name] = f"only {left} of its labels share no pixel with the held-out ones"
    # What cannot be tested is better trained on.
    test &= ~np.isin(labels, list(untestable))
    return Split(rule.kind, _training_side(data, test, rule), test, untestable)


def _worth(data: TrainingSet, found: Split) -> tuple[int, int, float]:
    """Rank splits: by the classes they can train, those they can test, and what they leave."""
    labels = np.array(data.labels)
    kept = [found.train[labels == name] for name in data.classes if name in data.labels]
    trainable = sum(here.sum() >= min(FEWEST_TRAINING_SITES, len(here)) for here in kept)
    least = min((float(here.mean()) for here in kept), default=0.0)
    return trainable, -len(found.untestable), least


def _training_side(data: TrainingSet, test: Mask, rule: _Rule) -> Mask:
    if rule.kind == "random":
        return ~test
    if rule.kind == "image":
        return ~np.isin(data.canvas, data.canvas[test])
    return ~test & ~_near(data, test, rule.patch_px)


_PLACE = {"random": "place", "site": "defect", "region": "place", "image": "image"}


def _units(data: TrainingSet, mine: NDArray[np.int64], rule: _Rule) -> NDArray[np.int64]:
    """Give the units that are held out together numbers; neighbouring ones are neighbours."""
    if rule.kind == "random":
        return np.arange(len(mine))
    units = np.zeros(len(mine), np.int64)
    used = 0
    for canvas in rule.canvases:
        here = data.canvas[mine] == canvas
        if here.any():
            units[here] = used + _units_on_canvas(data, mine[here], rule)
            used = units[here].max() + 1
    return units


def _units_on_canvas(data: TrainingSet, sites: NDArray[np.int64], rule: _Rule) -> NDArray[np.int64]:
    if rule.kind == "image":
        return np.zeros(len(sites), np.int64)
    points = np.column_stack([data.canvas_y[sites], data.canvas_x[sites]])
    along = _along_main_axis(points) if rule.direction is None else points @ rule.direction
    if rule.kind == "region":
        # Eight slices: the last two are the quarter held out. One slice where the class
        # spreads over less than a window.
        if np.ptp(along) <= rule.patch_px:
            return np.zeros(len(sites), np.int64)
        return np.minimum((8 * np.argsort(np.argsort(along))) // len(sites), 7)
    if data.radius_px[sites].max() == 0:
        return _in_order(_common_points(points, rule.patch_px), along)
    extended = kind_of(data.labels[sites[0]]) == "extended"
    reach = rule.patch_px if extended else 4 * data.radius_px[sites].max()
    return _in_order(_linked(points, reach), along)


def _along_main_axis(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project points on the direction in which they spread most."""
    centred = points - points.mean(0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    projected: NDArray[np.float64] = centred @ direction
    return projected


def _common_points(centres: NDArray[np.float64], patch_px: int) -> NDArray[np.int64]:
    """Explain patches that hold a defect somewhere by as few defects as possible.

    Patches of one defect all contain its position, so their centres lie within one box of a
    patch's size. Greedy cover: the box that holds most of the patches left is a defect.
    """
    groups = np.full(len(centres), -1, np.int64)
    number = 0
    while (left := np.flatnonzero(groups < 0)).size:
        best = left[:0]
        for corner_y in np.unique(centres[left, 0]):
            row = left[np.abs(centres[left, 0] - corner_y - patch_px / 2) <= patch_px / 2]
            for corner_x in np.unique(centres[row, 1]):
                box = row[np.abs(centres[row, 1] - corner_x - patch_px / 2) <= patch_px / 2]
                best = box if box.size > best.size else best
        groups[best] = number
        number += 1
    return groups


def _linked(points: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """Group points that chains of steps no longer than ``reach`` connect."""
    first, second = cKDTree(points).query_pairs(reach, output_type="ndarray").T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(points),) * 2)
    groups: NDArray[np.int32] = connected_components(links, directed=False)[1]
    return groups.astype(np.int64)


def _in_order(groups: NDArray[np.int64], along: NDArray[np.float64]) -> NDArray[np.int64]:
    """Renumber groups by their mean position."""
    numbers = np.unique(groups)
    means = [along[groups == number].mean() for number in numbers]
    rank = np.argsort(np.argsort(means))
    return rank[np.searchsorted(numbers, groups)]


def _held_out(units: NDArray[np.int64], rule: _Rule, rng: np.random.Generator) -> Mask:
    """Choose units worth the test share: from one end, so that few neighbours are lost."""
    count = units.max(initial=-1) + 1
    if count < 2:
        return np.zeros(len(units), bool)
    order = np.arange(count)[::-1]
    if rule.kind == "random" or (rule.kind != "image" and rule.direction is None):
        order = rng.permutation(count) if count == len(units) else np.arange(count)
        order = order[::-1] if rng.random() < 0.5 else order
    sizes = np.cumsum(np.bincount(units)[order])
    wanted = rule.share * len(units)
    if rule.kind == "region":
        # Slices differ by a site: one short of the share is nearer to it than a slice more.
        enough = int(np.abs(sizes - wanted).argmin()) + 1
    else:
        enough = int(np.searchsorted(sizes, wanted)) + 1
    return np.isin(units, order[: min(enough, count - 1)])


def _near(data: TrainingSet, test: Mask, patch_px: int) -> Mask:
    """Find the sites whose window may share a pixel with the window of a test site."""
    near = np.zeros(len(data), bool)
    points = np.column_stack([data.canvas_y, data.canvas_x])
    reach = patch_px * np.where(data.radius_px > 0, TURNED_REACH, 1.0)
    for canvas in np.unique(data.canvas[test]):
        here = np.flatnonzero(data.canvas == canvas)
        held = points[here[test[here]]]
        apart = cKDTree(held).query(points[here], p=np.inf)[0]
        near[here] = apart < reach[here]
    return near
