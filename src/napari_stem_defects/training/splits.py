"""Train/test split of labelled sites: random, or grouped by defect site, region or image.

A random split of overlapping crops has data leakage: near-copies of every test window are in the
training set, so the test measures how well they were memorised. The grouped splits hold out whole
sites, regions or images, and drop every training site whose window shares a pixel with a test
window. A class that has only one group cannot be tested by a grouped split; the split reports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from napari_stem_defects.training.dataset import TrainingSet

SplitKind = Literal["random", "site", "region", "image"]
Mask = NDArray[np.bool_]

TEST_SHARE = 0.25
# With fewer training sites a class cannot be learned, so it counts as not testable.
MIN_TRAINING_SITES = 5
# Clicks are held out from one end of their image, the same end for all classes. This number of
# directions is tried; the one that leaves most sites to test and to train on is used.
DIRECTIONS = 8
# Augmentation rotates and shrinks an image around its clicks, so that a window shows pixels that
# are farther from the click than half its edge. A training window and a test window can share
# pixels up to this many edges apart (45 degrees, scale 0.85, a few px of jitter).
AUGMENTED_REACH = 1.5
# Slices of a labelled area for the region split; the last two are the quarter held out.
_SLICES = 8

MEANING: dict[str, str] = {
    "random": "test patches are random; near-copies of them were trained on (data leakage), so this"
    " tests memory",
    "site": "whole defects were held out, and every window that shares a pixel with them",
    "region": "one end of the labelled area was held out, and every window that reaches into it",
    "image": "whole images were held out",
}


@dataclass(frozen=True)
class Split:
    """Training and test sites; a site may be in neither.

    Attributes
    ----------
    kind : {"random", "site", "region", "image"}
    train, test : ndarray of bool, shape (n,)
    untestable : mapping of str to str
        Classes that this split cannot test, each with the reason.
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
    """Split the sites of a training set into training and test sites.

    Parameters
    ----------
    data : TrainingSet
    kind : {"random", "site", "region", "image"}
        "random": a random quarter of each class. "site": a quarter of the defects of each class.
        "region": the last quarter of each class along a direction. "image": a quarter of the
        images of each class, with all labels in them.
    seed : int
        Seed of the random choices and of the directions that are tried.
    patch_px : int
        Edge of a window in px; windows of sites that are nearer than this share pixels.
    share : float
        Share of each class to hold out.

    Returns
    -------
    Split

    Raises
    ------
    InputError
        If the kind is unknown.
    """
    if kind not in get_args(SplitKind):
        raise InputError(f"split {kind!r} is unknown; choose random, site, region or image")
    rng = np.random.default_rng(seed)
    sources = np.unique(data.source)
    if kind == "image":
        return _split_by(data, _Rule(kind, patch_px, share, rng.permutation(sources)), rng)
    if kind == "random" or not (data.extent_px > 0).any():
        return _split_by(data, _Rule(kind, patch_px, share, sources), rng)
    angles = rng.uniform(0, 2 * np.pi) + np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    tries = [
        _Rule(kind, patch_px, share, rng.permutation(sources), (np.sin(angle), np.cos(angle)))
        for angle in angles
    ]
    return max((_split_by(data, rule, rng) for rule in tries), key=lambda found: _rank(data, found))


@dataclass(frozen=True)
class _Rule:
    """Order in which sites are held out: source by source, and in each along a direction.

    Without a direction each class uses its main axis, and its end is chosen randomly.
    """

    kind: SplitKind
    patch_px: int
    share: float
    sources: NDArray[np.int64]
    direction: tuple[float, float] | None = None


def _split_by(data: TrainingSet, rule: _Rule, rng: np.random.Generator) -> Split:
    labels = np.array(data.labels)
    test = np.zeros(len(data), bool)
    untestable: dict[str, str] = {}
    for name in data.classes:
        of_class = np.flatnonzero(labels == name)
        held_out = _held_out(_groups(data, of_class, rule), rule, rng)
        test[of_class[held_out]] = True
        if not held_out.any():
            untestable[name] = f"all {len(of_class)} labels are of one {_GROUP_NAME[rule.kind]}"
    train = _training_side(data, test, rule)
    for name in data.classes:
        left = int((train & (labels == name)).sum())
        if name not in untestable and left < MIN_TRAINING_SITES:
            untestable[name] = f"only {left} of its labels share no pixel with the held-out ones"
    # Sites of classes that cannot be tested are used for training.
    test &= ~np.isin(labels, list(untestable))
    return Split(rule.kind, _training_side(data, test, rule), test, untestable)


def _rank(data: TrainingSet, found: Split) -> tuple[int, int, float]:
    """Rank a split by its trainable classes, its testable classes and its training sites."""
    labels = np.array(data.labels)
    kept = [found.train[labels == name] for name in data.classes if name in data.labels]
    trainable = sum(sites.sum() >= min(MIN_TRAINING_SITES, len(sites)) for sites in kept)
    smallest_share = min((float(sites.mean()) for sites in kept), default=0.0)
    return trainable, -len(found.untestable), smallest_share


def _training_side(data: TrainingSet, test: Mask, rule: _Rule) -> Mask:
    """Return the sites that may be trained on without data leakage."""
    if rule.kind == "random":
        return ~test
    if rule.kind == "image":
        return ~np.isin(data.source, data.source[test])
    return ~test & ~_shares_pixels(data, test, rule.patch_px)


_GROUP_NAME = {"random": "place", "site": "defect", "region": "place", "image": "image"}


def _groups(data: TrainingSet, sites: NDArray[np.int64], rule: _Rule) -> NDArray[np.int64]:
    """Assign sites to groups that are held out together, numbered in spatial order."""
    if rule.kind == "random":
        return np.arange(len(sites))
    groups = np.zeros(len(sites), np.int64)
    used = 0
    for source in rule.sources:
        in_source = data.source[sites] == source
        if in_source.any():
            groups[in_source] = used + _groups_in_source(data, sites[in_source], rule)
            used = groups[in_source].max() + 1
    return groups


def _groups_in_source(
    data: TrainingSet, sites: NDArray[np.int64], rule: _Rule
) -> NDArray[np.int64]:
    """Assign the sites of one class in one micrograph to groups."""
    if rule.kind == "image":
        return np.zeros(len(sites), np.int64)
    points = np.column_stack([data.source_y[sites], data.source_x[sites]])
    along = _along_main_axis(points) if rule.direction is None else points @ rule.direction
    if rule.kind == "region":
        # One slice where the class extends over less than a window.
        if np.ptp(along) <= rule.patch_px:
            return np.zeros(len(sites), np.int64)
        rank = np.argsort(np.argsort(along))
        return np.minimum((_SLICES * rank) // len(sites), _SLICES - 1)
    if data.extent_px[sites].max() == 0:
        return _in_order(_common_defects(points, rule.patch_px), along)
    extended = data.kind_of(data.labels[sites[0]]) in ("line", "area")
    reach = rule.patch_px if extended else 4 * data.extent_px[sites].max()
    return _in_order(_linked(points, reach), along)


def _along_main_axis(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project points (n, 2) onto their main axis."""
    centred = points - points.mean(0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    projected: NDArray[np.float64] = centred @ direction
    return projected


def _common_defects(centres: NDArray[np.float64], patch_px: int) -> NDArray[np.int64]:
    """Group patches of a defect at an unknown position by as few defects as possible.

    Patches of one defect all contain its position, so their centres are within one box of the
    size of a patch. Greedy cover: the box with most of the remaining patches is a defect.
    """
    groups = np.full(len(centres), -1, np.int64)
    number = 0
    while (remaining := np.flatnonzero(groups < 0)).size:
        best = remaining[:0]
        for corner_y in np.unique(centres[remaining, 0]):
            row = remaining[np.abs(centres[remaining, 0] - corner_y - patch_px / 2) <= patch_px / 2]
            for corner_x in np.unique(centres[row, 1]):
                box = row[np.abs(centres[row, 1] - corner_x - patch_px / 2) <= patch_px / 2]
                best = box if box.size > best.size else best
        groups[best] = number
        number += 1
    return groups


def _linked(points: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """Group points (n, 2) by single linkage with steps of at most ``reach``."""
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


def _held_out(groups: NDArray[np.int64], rule: _Rule, rng: np.random.Generator) -> Mask:
    """Choose groups for the test, from one end, so that few neighbouring sites are dropped."""
    count = groups.max(initial=-1) + 1
    if count < 2:
        return np.zeros(len(groups), bool)
    order = np.arange(count)[::-1]
    if rule.kind == "random" or (rule.kind != "image" and rule.direction is None):
        order = rng.permutation(count) if count == len(groups) else np.arange(count)
        order = order[::-1] if rng.random() < 0.5 else order
    sizes = np.cumsum(np.bincount(groups)[order])
    wanted = rule.share * len(groups)
    if rule.kind == "region":
        # Slices differ by one site, so the nearest number of slices is taken.
        enough = int(np.abs(sizes - wanted).argmin()) + 1
    else:
        enough = int(np.searchsorted(sizes, wanted)) + 1
    return np.isin(groups, order[: min(enough, count - 1)])


def _shares_pixels(data: TrainingSet, test: Mask, patch_px: int) -> Mask:
    """Find the sites whose window may share a pixel with the window of a test site."""
    near = np.zeros(len(data), bool)
    points = np.column_stack([data.source_y, data.source_x])
    reach = patch_px * np.where(data.extent_px > 0, AUGMENTED_REACH, 1.0)
    for source in np.unique(data.source[test]):
        sites = np.flatnonzero(data.source == source)
        held = points[sites[test[sites]]]
        distance = cKDTree(held).query(points[sites], p=np.inf)[0]
        near[sites] = distance < reach[sites]
    return near
