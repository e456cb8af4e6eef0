"""Label extent: the distance from a click within which its label holds.

The extent follows from the density of the labels. Where defects are sparse, a window up to 8 px
from a click still shows its defect; where every column of a lattice is labelled, the next column
with another label is only a few px away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, Kind, complete_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass

MAX_EXTENT_PX = 8.0
MIN_EXTENT_PX = 1.5
# Share of the distance between clicks of different classes that a label covers.
_SHARE_OF_DISTANCE = 0.4


class PointLabels(NamedTuple):
    """Labelled points of one image.

    Attributes
    ----------
    y, x : ndarray of float64, shape (n,)
        Positions in px.
    labels : tuple of str, length n
        Class names.
    class_data : tuple of DefectClass
        Kinds of the classes; those that are not given get the defaults of their names.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    labels: tuple[str, ...]
    class_data: tuple[DefectClass, ...] = ()

    @property
    def positions(self) -> NDArray[np.float64]:
        """Positions (y, x) in px, shape (n, 2)."""
        return np.column_stack([self.y, self.x])

    def kinds(self) -> tuple[Kind, ...]:
        """Return the kind of the class of every point."""
        return kinds_of(self.labels, self.class_data)


def kinds_of(labels: Sequence[str], class_data: Sequence[DefectClass]) -> tuple[Kind, ...]:
    """Return the kind of the class of every label.

    Parameters
    ----------
    labels : sequence of str
        Class names.
    class_data : sequence of DefectClass
        Kinds of the classes; those that are not given get the defaults of their names.

    Returns
    -------
    tuple of {"bulk", "point", "line", "area"}
        One per label.
    """
    found = {each.name: each.kind for each in complete_classes(set(labels), class_data)}
    return tuple(found[name] for name in labels)


def label_extent(images: Sequence[PointLabels]) -> float:
    """Compute the label extent of clicks from the distances between different classes.

    Parameters
    ----------
    images : sequence of PointLabels
        The clicks of each image, all at the same pixel size.

    Returns
    -------
    float
        0.4 times the tenth percentile of the distance in px from a click to the nearest click of
        another class, limited to `MIN_EXTENT_PX` and `MAX_EXTENT_PX`. The percentile is taken over
        all clicks, or per class (see `nearest_class_distance`) where that is smaller.
    """
    every_class = _tenth_percentile(_distances_to_other_classes(points) for points in images)
    nearest = min(every_class, nearest_class_distance(images))
    return float(np.clip(_SHARE_OF_DISTANCE * nearest, MIN_EXTENT_PX, MAX_EXTENT_PX))


def nearest_class_distance(images: Sequence[PointLabels]) -> float:
    """Return the typical distance of the most closely surrounded class from other classes.

    Percentiles are taken class by class: where every column is labelled, a rare defect has common
    classes as neighbours. Lines and areas do not count, since junctions lie on their faults.

    Parameters
    ----------
    images : sequence of PointLabels

    Returns
    -------
    float
        Tenth percentile of the distance in px; inf with fewer than two classes.
    """
    columns = [_without_extended(points) for points in images]
    names = {name for points in columns for name in points.labels}
    percentiles = [
        _tenth_percentile(_distances_to_other_classes(points, name) for points in columns)
        for name in names
    ]
    return min(percentiles, default=np.inf)


def defect_label_extent(extent_px: NDArray[np.float64]) -> float:
    """Return the label extent of defects from the extents of all sites.

    Parameters
    ----------
    extent_px : ndarray of float64, shape (n,)
        Site extents in px, as `site_extents` gives them; 0 for whole patches.

    Returns
    -------
    float
        Label extent in px; 0 where all sites are whole patches.
    """
    of_clicks = extent_px[extent_px > 0]
    return 2 * float(of_clicks.min()) if len(of_clicks) else 0.0


def site_extents(points: PointLabels, extent: float, count: int) -> NDArray[np.float64]:
    """Return how far the centre of a window may be from each site.

    Half the label extent, but up to 4 px for Bulk as long as no defect is near. Otherwise no
    window would show the space between the columns of a lattice of which only the columns are
    labelled.

    Parameters
    ----------
    points : PointLabels
        Clicks, which are the first sites.
    extent : float
        Label extent in px.
    count : int
        Number of sites, with those added beside the clicks.

    Returns
    -------
    ndarray of float64, shape (count,)
        Distances in px.
    """
    extents = np.full(count, extent / 2)
    bulk = np.flatnonzero([name == BULK for name in points.labels])
    if len(bulk):
        free = np.full(len(bulk), np.inf)
        for name, tree in class_trees(points).items():
            if name != BULK:
                distance = tree.query(points.positions[bulk])[0]
                free = np.minimum(free, distance - 2 * extent)
        extents[bulk] = np.clip(free, extent / 2, MAX_EXTENT_PX / 2)
    return extents


def sampling_jitter(
    kinds: Sequence[Kind | None], extent_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest random shift of a training window from its site.

    Around a point defect it is the whole label extent, up to 4 px, because the nearest window of
    the sliding-window grid may be that far from the defect.

    Parameters
    ----------
    kinds : sequence of {"bulk", "point", "line", "area"} or None, length n
        Kind of the class of each site, None for sites beside a defect.
    extent_px : ndarray of float64, shape (n,)
        Site extents in px.

    Returns
    -------
    ndarray of float64, shape (n,)
        Largest shift in px.
    """
    is_point = np.array([kind == "point" for kind in kinds], bool)
    wider = np.minimum(2 * extent_px, MAX_EXTENT_PX / 2)
    return np.where(is_point, np.maximum(wider, extent_px), extent_px)


def class_trees(points: PointLabels) -> Mapping[str, cKDTree]:
    """Build one k-d tree of positions (y, x) in px for each class.

    Parameters
    ----------
    points : PointLabels

    Returns
    -------
    mapping of str to scipy.spatial.cKDTree
    """
    names = np.array(points.labels)
    return {name: cKDTree(points.positions[names == name]) for name in set(points.labels)}


def _distances_to_other_classes(
    points: PointLabels, class_name: str | None = None
) -> Iterator[float]:
    """Yield the distance of the clicks of one or all classes to the nearest other class."""
    names = np.array(points.labels)
    positions = points.positions
    present = set(points.labels)
    for name in present if class_name is None else {class_name} & present:
        others = positions[names != name]
        if len(others):
            yield from cKDTree(others).query(positions[names == name])[0]


def _tenth_percentile(distances: Iterable[Iterator[float]]) -> float:
    every = [distance for of_image in distances for distance in of_image]
    return float(np.percentile(every, 10)) if every else np.inf


def _without_extended(points: PointLabels) -> PointLabels:
    """Return the labels of point defects and Bulk."""
    kept = np.flatnonzero([kind not in ("line", "area") for kind in points.kinds()])
    labels = tuple(points.labels[index] for index in kept)
    return PointLabels(points.y[kept], points.x[kept], labels, points.class_data)
