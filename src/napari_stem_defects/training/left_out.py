"""Evaluation of models from few clicks: clicks are left out and their images searched.

What counts is whether a search of the whole image, as in a detection, marks the place of a click
that the model was not shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.training.metrics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.examples import Click
    from napari_stem_defects.training.quick_images import PreparedImage
    from napari_stem_defects.training.quick_search import Found

MOST_PARTS = 10
"""Clicks at more places than this are left out in so many parts."""
_SITE = 3.0
"""Clicks of a class that are closer than this, in length units, are left out together."""
_REACH = {"point": 0.5}
_EXTENDED_REACH = 1.0
"""A defect is found at a click if its mask is this near, in length units."""
_EXCHANGED = 0.25
"""Share of the clicks of two classes found as the other one from which they are exchanged by
chance: half of them where nothing distinguishes the classes."""
_TELLING = 4
"""Least number of places at which a share is stated: of three that are all found, the share may
still be below one half (Wilson, 95 %)."""


@dataclass(frozen=True)
class Parts:
    """In which part each click is left out.

    Attributes
    ----------
    number : ndarray of int64, shape (N,)
        -1 where the class of a click cannot be tested.
    places : ndarray of int64, shape (N,)
        Number of the place of each click among those of its class.
    untestable : dict of str to str
        Why a class cannot be tested.
    meaning : str
        What was left out, in one sentence.
    are_large : bool
        Whether several places of a class are left out together.
    """

    number: NDArray[np.int64]
    places: NDArray[np.int64]
    untestable: dict[str, str]
    meaning: str
    are_large: bool = False

    @property
    def count(self) -> int:
        """Number of parts."""
        return int(self.number.max(initial=-1)) + 1


def divide(
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    samples: float,
    most_parts: int = MOST_PARTS,
) -> Parts:
    """Decide which clicks are left out together.

    Parameters
    ----------
    clicks : sequence of Click
    classes : sequence of DefectClass
        Bulk, then the classes to learn.
    samples : float
        Samples per length unit.
    most_parts : int
        Largest number of parts; fewer where no class has so many places.

    Returns
    -------
    Parts
        One place of each class at a time, if there are enough parts.
    """
    number, numbers = np.full(len(clicks), -1), np.zeros(len(clicks), np.int64)
    untestable, counted = {}, []
    for each in classes:
        mine = [n for n, click in enumerate(clicks) if click.class_name == each.name]
        numbers[mine] = _places([clicks[n] for n in mine], _SITE * samples)
        count = len(np.unique(numbers[mine]))
        if each.name != BULK and count < 2:
            untestable[each.name] = "all its clicks show one place"
            continue
        number[mine] = numbers[mine] % most_parts
        if mine:
            counted.append(f"{each.name} at {count} places")
    most = int(numbers[number >= 0].max(initial=-1)) + 1
    how = "each place in turn" if most <= most_parts else f"in {most_parts} parts"
    meaning = (
        f"clicks were left out, {how} ({', '.join(counted)}), and their whole images searched with"
        " what the others taught"
        if counted
        else "no click could be left out"
    )
    return Parts(number, numbers, untestable, meaning, most > most_parts)


def _places(clicks: Sequence[Click], reach: float) -> NDArray[np.int64]:
    """Return the number of the place of each click: close clicks show the same place."""
    if not clicks:
        return np.zeros(0, np.int64)
    # Images lie far apart along a third axis.
    points = np.array([(c.y, c.x, 1e6 * c.image) for c in clicks])
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(clicks), len(clicks)))
    numbers: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return numbers


def predict_left_out(
    clicks: Sequence[Click],
    parts: Parts,
    prepared: Sequence[PreparedImage],
    classes: Sequence[DefectClass],
    learn: Callable[[Sequence[Click]], Callable[[int], Found]],
) -> NDArray[np.float32]:
    """Return what searches find at the clicks that were left out.

    Parameters
    ----------
    clicks : sequence of Click
    parts : Parts
    prepared : sequence of PreparedImage
    classes : sequence of DefectClass
        Bulk, then the classes of the models.
    learn : callable
        Makes a model of some clicks; returns a function that searches the image of a number.

    Returns
    -------
    ndarray of float32, shape (N, C)
        Probabilities; at least 0.5 where a mask of the class is at the click, and less elsewhere.
        0 for clicks that are never left out.
    """
    found = np.zeros((len(clicks), len(classes)), np.float32)
    for part in range(parts.count):
        held: list[int] = np.flatnonzero(parts.number == part).tolist()
        kept = [click for n, click in enumerate(clicks) if parts.number[n] != part]
        if not held or not {click.class_name for click in kept} - {BULK}:
            continue
        search = learn(kept)
        for number in sorted({clicks[n].image for n in held}):
            here = [n for n in held if clicks[n].image == number]
            result = search(number)
            for n in here:
                found[n] = at_click(clicks[n], prepared[number], result, classes)
    return found


def at_click(
    click: Click, ready: PreparedImage, found: Found, classes: Sequence[DefectClass]
) -> NDArray[np.float32]:
    """Return the probability of each class at a click, on the side of 0.5 of its mask there.

    Parameters
    ----------
    click : Click
    ready : PreparedImage
        Its image.
    found : Found
        What a search found in the image.
    classes : sequence of DefectClass
        Bulk first.

    Returns
    -------
    ndarray of float32, shape (C,)
    """
    y, x = ready.residual.sampled.to_image(np.array([click.y, click.x]))
    unit = ready.unit_px
    probability = np.zeros(len(classes), np.float32)
    for column, each in enumerate(classes):
        if each.name not in found.map.classes:
            continue
        layer = found.map.probability[found.map.classes.index(each.name)]
        reach = unit * _REACH.get(each.kind, _EXTENDED_REACH)
        if each.name == BULK:
            row, place = np.abs(found.map.y - y).argmin(), np.abs(found.map.x - x).argmin()
            probability[column] = layer[row, place]
            continue
        near = np.ix_(np.abs(found.map.y - y) <= reach, np.abs(found.map.x - x) <= reach)
        highest = layer[near].max(initial=0)
        is_marked = _is_marked(found, each.name, (float(y), float(x)), reach)
        probability[column] = max(highest, 0.5) if is_marked else min(highest, 0.49)
    if (probability[1:] >= 0.5).any():  # what is marked is not called perfect
        probability[0] = min(probability[0], 0.49)
    return probability


def _is_marked(found: Found, name: str, at: tuple[float, float], reach: float) -> bool:
    """Return whether a mask has a pixel within a distance of a place, px."""
    if name not in found.masks.names:
        return False
    spans = [
        slice(max(0, int(np.ceil(c - reach))), min(length, int(c + reach) + 1))
        for c, length in zip(at, found.masks.shape, strict=True)
    ]
    mask = found.masks.crop(name, (spans[0], spans[1]))
    rows, columns = np.nonzero(mask)
    away = np.hypot(rows + spans[0].start - at[0], columns + spans[1].start - at[1])
    return bool((away <= reach).any())


def remarks(
    clicks: Sequence[Click],
    parts: Parts,
    classes: Sequence[DefectClass],
    found: NDArray[np.float32],
) -> tuple[str, ...]:
    """Return how many of the clicks of each class were found, or that they are too few.

    Parameters
    ----------
    clicks : sequence of Click
    parts : Parts
    classes : sequence of DefectClass
    found : ndarray of float32, shape (N, C)
        Result of `predict_left_out`.

    Returns
    -------
    tuple of str
        One sentence per class.
    """
    texts = []
    for column, each in enumerate(classes):
        mine = [
            n
            for n, click in enumerate(clicks)
            if click.class_name == each.name and parts.number[n] >= 0
        ]
        if not mine or each.name == BULK:
            continue
        hits, places = int((found[mine, column] >= 0.5).sum()), len(np.unique(parts.places[mine]))
        share = wilson_interval(hits, len(mine))
        stated = (
            f"95 % interval of the share {share.low:.2f} to {share.high:.2f}"
            if places >= _TELLING
            else f"{places} places are too few for a share"
        )
        texts.append(f"{each.name}: {hits} of {len(mine)} clicks left out were found; {stated}.")
    texts += _exchanged(clicks, parts, classes, found)
    if parts.are_large:
        texts.append("The models tested had fewer clicks than this one, which may find more.")
    if BULK not in {click.class_name for click in clicks}:
        texts.append(
            "No click shows perfect crystal, so it is not measured how much of it gets a name."
        )
    if len({click.image for click in clicks}) == 1:
        texts.append("Other images were not tested: evaluate the model with clicks in another one.")
    return tuple(texts)


def _exchanged(
    clicks: Sequence[Click],
    parts: Parts,
    classes: Sequence[DefectClass],
    found: NDArray[np.float32],
) -> Iterator[str]:
    """Yield a sentence for each two classes of a kind whose clicks are found as the other one."""
    tested = [n for n in range(len(clicks)) if parts.number[n] >= 0]
    pairs = combinations(enumerate(classes[1:], 1), 2)
    for (column, first), (other, second) in pairs:
        names = first.name, second.name
        shown = {name: [n for n in tested if clicks[n].class_name == name] for name in names}
        if first.kind != second.kind or not all(shown.values()):
            continue
        marked = found >= 0.5
        lost = sum(marked[n, other] and not marked[n, column] for n in shown[first.name])
        lost += sum(marked[n, column] and not marked[n, other] for n in shown[second.name])
        count = len(shown[first.name]) + len(shown[second.name])
        if lost >= max(2, _EXCHANGED * count):
            yield (
                f"{names[0]} and {names[1]} look alike: {lost} of {count} clicks left out"
                " were found as the other class; click more of both, or merge them."
            )


class _Coverage(NamedTuple):
    """Regions of a class in the clicked images, those with a click, and their share of the area."""

    regions: int
    clicked: int
    share: float


def coverage_remarks(
    clicks: Sequence[Click],
    prepared: Sequence[PreparedImage],
    classes: Sequence[DefectClass],
    search: Callable[[int], Found],
) -> tuple[str, ...]:
    """Return how much else a finished model finds in the images that were clicked.

    Parameters
    ----------
    clicks : sequence of Click
    prepared : sequence of PreparedImage
    classes : sequence of DefectClass
    search : callable
        Searches the image of a number with the model of all clicks.

    Returns
    -------
    tuple of str
        One sentence per class that was found.
    """
    used = sorted({click.image for click in clicks})
    results = {number: search(number) for number in used}
    texts = []
    for each in classes:
        if each.kind == "bulk":
            continue
        seen = list(_coverages(each, clicks, prepared, results))
        regions, clicked = sum(s.regions for s in seen), sum(s.clicked for s in seen)
        if not regions:
            continue
        share = sum(s.share for s in seen) / len(seen)
        where = "the clicked image" if len(used) == 1 else f"the {len(used)} clicked images"
        texts.append(
            f"{each.name} in {where}: {regions} region{'s' * (regions > 1)},"
            f" {regions - clicked} of them without a click, {share:.1%} of the area; whether these"
            " are right is not known."
        )
        if each.kind == "line" and clicked == 1:
            texts.append(
                f"{each.name}: all clicks are on one line, so this shows how well that line is"
                " followed, not whether others are found."
            )
    return tuple(texts)


def _coverages(
    each: DefectClass,
    clicks: Sequence[Click],
    prepared: Sequence[PreparedImage],
    results: Mapping[int, Found],
) -> Iterator[_Coverage]:
    for number, result in results.items():
        if each.name not in result.masks.names:
            continue
        mask = np.concatenate([block for _, block in result.masks.blocks_of(each.name)])
        regions, count = ndimage.label(mask, np.ones((3, 3)))
        reach = prepared[number].unit_px * _REACH.get(each.kind, _EXTENDED_REACH)
        hit = Counter[int]()
        for click in clicks:
            if click.image == number and click.class_name == each.name:
                at = prepared[number].residual.sampled.to_image(np.array([click.y, click.x]))
                hit.update(_regions_near(regions, at, reach))
        yield _Coverage(count, len(hit), float(mask.mean()))


def _regions_near(regions: NDArray[np.int32], at: NDArray[np.float64], reach: float) -> set[int]:
    """Return the numbers of the regions within a distance of a place."""
    top, left = (max(0, int(np.ceil(c - reach))) for c in at)
    part = regions[top : int(at[0] + reach) + 1, left : int(at[1] + reach) + 1]
    rows, columns = np.nonzero(part)
    near = np.hypot(rows + top - at[0], columns + left - at[1]) <= reach
    return {int(number) for number in part[rows[near], columns[near]]}
