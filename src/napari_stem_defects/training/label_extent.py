"""How far from a click its label holds, which follows from how densely was clicked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.training.dataset import Clicks, TrainingSet

# A window is positive for a click this near to its centre, and negative from twice as far.
WIDEST_RADIUS_PX = 8.0
NARROWEST_RADIUS_PX = 1.5


def radius_of(parents: Sequence[Clicks]) -> float:
    """Return 0.4 of the distance in px at which clicks of different classes stand apart.

    That is the tenth percentile, of all clicks or of those on columns where they are closer.
    """
    near = min(_tenth(_apart(parent) for parent in parents), nearest_columns(parents))
    return float(np.clip(0.4 * near, NARROWEST_RADIUS_PX, WIDEST_RADIUS_PX))


def nearest_columns(parents: Sequence[Clicks]) -> float:
    """Return how far a click of the closest class is from other classes, px; inf for none.

    Class by class, because where every column was clicked a rare defect stands amid common ones.
    Extended classes do not count, since junctions lie on their faults.
    """
    points = [_without_extended(parent) for parent in parents]
    names = {name for parent in points for name in parent.labels}
    tenths = [_tenth(_apart(parent, name) for parent in points) for name in names]
    return min(tenths, default=np.inf)


def label_radius(data: TrainingSet) -> float:
    """Return how far in px a defect's label holds; 0 where all are whole patches."""
    reaches = data.radius_px[data.radius_px > 0]
    return 2 * float(reaches.min()) if len(reaches) else 0.0


def reaches_of(
    parent: Clicks, trees: Mapping[str, cKDTree], radius: float, count: int
) -> NDArray[np.float64]:
    """Return how far windows may stray from each of ``count`` sites, clicks first.

    From Bulk farther than from a defect, as far as no defect is clicked: or nobody would say what
    lies between the columns of a lattice of which only the columns were clicked.
    """
    reaches = np.full(count, radius / 2)
    bulk = np.flatnonzero([name == BULK for name in parent.labels])
    if len(bulk):
        free = np.full(len(bulk), np.inf)
        at = np.column_stack([parent.y, parent.x])[bulk]
        for name in set(parent.labels) - {BULK}:
            free = np.minimum(free, trees[name].query(at)[0] - 2 * radius)
        reaches[bulk] = np.clip(free, radius / 2, WIDEST_RADIUS_PX / 2)
    return reaches


def strays_of(data: TrainingSet) -> NDArray[np.float64]:
    """Return how far from each site, px, windows are cut to learn from, of at most 4 px.

    From a click on a point defect as far as the defect counts as seen, because the nearest
    window of a scan may stand that far off; shape (n,).
    """
    on_point = np.array([bool(name) and kind_of(name) == "point" for name in data.labels], bool)
    farther = np.minimum(2 * data.radius_px, WIDEST_RADIUS_PX / 2)
    return np.where(on_point, np.maximum(farther, data.radius_px), data.radius_px)


def _apart(parent: Clicks, of_class: str | None = None) -> Iterator[float]:
    """Yield how far clicks, of one class or of all, are from the nearest of another class."""
    points = np.column_stack([parent.y, parent.x])
    names = np.array(parent.labels)
    for name in set(parent.labels) if of_class is None else {of_class} & set(parent.labels):
        others = points[names != name]
        if len(others):
            yield from cKDTree(others).query(points[names == name])[0]


def _tenth(distances: Iterable[Iterator[float]]) -> float:
    apart = [distance for some in distances for distance in some]
    return float(np.percentile(apart, 10)) if apart else np.inf


def _without_extended(parent: Clicks) -> Clicks:
    """Return the clicks on point defects and in bulk."""
    kept = np.flatnonzero([kind_of(name) != "extended" for name in parent.labels])
    labels = tuple(parent.labels[index] for index in kept)
    return replace(parent, y=parent.y[kept], x=parent.x[kept], labels=labels, weak=None)
