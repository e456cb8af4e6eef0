"""Training set of clicks: sites in an image with their targets, from the distances of the clicks.

Around point defects, sites are added that train a window to classify its centre. Weak labels
become patches of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, PATCH_PX
from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.errors import LabelError
from napari_stem_defects.training.dataset import (
    Image,
    TrainingSet,
    join,
    ordered_classes,
    whole_patches,
)
from napari_stem_defects.training.label_extent import (
    PointLabels,
    class_trees,
    label_extent,
    site_extents,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass

# Share of equal pixels from which two images count as edited copies of one micrograph.
_SHARE_OF_COPY = 0.5
# Sites added around a point defect: their number, and their distance in label extents.
_BESIDE_COUNT, _BESIDE_EXTENTS = 6, (2.5, 5.0)


@dataclass(frozen=True)
class Clicks:
    """Labels of one image.

    Attributes
    ----------
    image : ndarray of float32, shape (Y, X)
    y, x : ndarray of float64, shape (n,)
        Positions in px.
    labels : tuple of str, length n
        Class names.
    weak : ndarray of bool, shape (n,), optional
        Labels that hold somewhere in the patch around them, not at the exact position.
    name : str
        Name of the image.
    class_data : tuple of DefectClass
        Kinds, titles and colours of the classes. Those that are not given get the defaults of
        their names.
    """

    image: Image
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    labels: tuple[str, ...]
    weak: NDArray[np.bool_] | None = None
    name: str = ""
    class_data: tuple[DefectClass, ...] = ()

    @property
    def points(self) -> PointLabels:
        """Positions and labels without the image."""
        return PointLabels(self.y, self.x, self.labels, self.class_data)

    def subset(self, *, weak: bool) -> Clicks:
        """Return the weak labels, or the others."""
        is_weak = np.zeros(len(self.labels), bool) if self.weak is None else self.weak
        chosen = np.flatnonzero(is_weak == weak)
        labels = tuple(self.labels[index] for index in chosen)
        return replace(self, y=self.y[chosen], x=self.x[chosen], labels=labels, weak=None)


def from_clicks(images: Sequence[Clicks], *, pixel_size_nm: float | None = None) -> TrainingSet:
    """Make a training set of clicks in images.

    Parameters
    ----------
    images : sequence of Clicks
        Images with their labels, all at the same pixel size.
    pixel_size_nm : float or None

    Returns
    -------
    TrainingSet

    Notes
    -----
    A site is positive for every class that was clicked within the label extent, negative for the
    classes that were not clicked within twice the extent, and unknown in between. The extent
    follows from the density of the clicks (see `label_extent`), so that labelling every column
    works like labelling a few defects. Around point defects, negative sites are added beside the
    defect: they train a window to classify its centre. Weak labels become patches of their own,
    cut from the image.
    """
    clicked = [clicks.subset(weak=False) for clicks in images]
    classes = ordered_classes([name for clicks in images for name in clicks.labels])
    extent = label_extent([clicks.points for clicks in clicked])
    sites = join([_sites_of(clicks, classes, extent) for clicks in clicked])
    sources = _sources(sites.images)
    clicked_sites = replace(
        sites, source=np.array(sources)[sites.image], pixel_size_nm=pixel_size_nm
    )
    weak = [clicks.subset(weak=True) for clicks in images]
    patches = [
        _patches_of(clicks, source, pixel_size_nm)
        for clicks, source in zip(weak, sources, strict=True)
        if clicks.labels
    ]
    return join([clicked_sites, *patches], same_sources=True)


def _sources(images: Sequence[Image]) -> list[int]:
    """Return the source of each image; edited copies of one micrograph have the same source."""
    sources: list[int] = []
    for index, image in enumerate(images):
        same_shape = (n for n in range(index) if images[n].shape == image.shape)
        copies = (n for n in same_shape if np.mean(images[n] == image) > _SHARE_OF_COPY)
        original = next(copies, None)
        sources.append(index if original is None else sources[original])
    return sources


def _sites_of(clicks: Clicks, classes: tuple[str, ...], extent: float) -> TrainingSet:
    """Make the training set of one image."""
    beside_y, beside_x = _sites_beside_points(clicks, extent)
    y, x = np.concatenate([clicks.y, beside_y]), np.concatenate([clicks.x, beside_x])
    count = len(y)
    return TrainingSet(
        images=(clicks.image,),
        classes=classes,
        labels=clicks.labels + ("",) * len(beside_y),
        image=np.zeros(count, np.int64),
        y=y,
        x=x,
        targets=_targets_at(np.column_stack([y, x]), clicks.points, classes, extent),
        source=np.zeros(count, np.int64),
        source_y=y,
        source_x=x,
        extent_px=site_extents(clicks.points, extent, count),
        names=(clicks.name,),
        class_data=clicks.class_data,
    )


def _targets_at(
    sites: NDArray[np.float64], clicks: PointLabels, classes: tuple[str, ...], extent: float
) -> NDArray[np.float32]:
    """Return the targets (n, C) of sites (n, 2), the clicks first, from their distances."""
    trees = class_trees(clicks)
    targets = np.zeros((len(sites), len(classes)), np.float32)
    for column, name in enumerate(classes):
        if name in trees:
            distance = trees[name].query(sites)[0]
            targets[:, column] = np.where(distance <= extent, 1, 0)
            targets[(distance > extent) & (distance < 2 * extent), column] = np.nan
    if BULK in classes:
        bulk = targets[:, classes.index(BULK)]
        # A click on a defect is never Bulk, even if Bulk was clicked nearby.
        is_defect = np.array([name != BULK for name in clicks.labels], bool)
        bulk[: len(is_defect)][is_defect] = 0
        # Beside a defect there is usually Bulk, but it was not labelled.
        bulk[len(is_defect) :] = np.nan
    return targets


def _patches_of(clicks: Clicks, source: int, pixel_size_nm: float | None) -> TrainingSet:
    """Cut the patches of weak labels; those near the border are shifted into the image."""
    if min(clicks.image.shape) < PATCH_PX:
        size = list_in_both_units(clicks.image.shape, pixel_size_nm)
        raise LabelError(f"{clicks.name}: {size} holds no patch; remove its imported labels")
    limit = np.array(clicks.image.shape) - PATCH_PX
    corners = np.rint(np.column_stack([clicks.y, clicks.x]) - (PATCH_PX - 1) / 2)
    corners = np.clip(corners, 0, limit).astype(np.int64)
    cuts = [clicks.image[top : top + PATCH_PX, left : left + PATCH_PX] for top, left in corners]
    top, left = corners.T.astype(np.float64)
    numbers, names = np.full(len(cuts), source), (clicks.name,) * len(cuts)
    return whole_patches(
        np.stack(cuts), clicks.labels, numbers, top, left, names, clicks.class_data
    )


def _sites_beside_points(
    clicks: Clicks, extent: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (y, x) around point defects where their class is absent."""
    is_point = np.array([kind == "point" for kind in clicks.points.kinds()], bool)
    rng = np.random.default_rng(0)
    first = rng.uniform(0, 2 * np.pi, (is_point.sum(), 1))
    angle = first + np.arange(_BESIDE_COUNT) * np.pi / 3
    distance = extent * rng.uniform(*_BESIDE_EXTENTS, angle.shape)
    y = (clicks.y[is_point, None] + distance * np.sin(angle)).ravel()
    x = (clicks.x[is_point, None] + distance * np.cos(angle)).ravel()
    height, width = clicks.image.shape
    free = (y >= 0) & (x >= 0) & (y <= height - 1) & (x <= width - 1)
    if len(y):
        # Keep away from every click, of the same class or another.
        clicked = cKDTree(clicks.points.positions)
        free &= clicked.query(np.column_stack([y, x]))[0] > 2 * extent
    return y[free], x[free]
