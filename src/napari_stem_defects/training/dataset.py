"""Training set: images, labelled sites in them, and the target of every site for every class.

Clicks and 64x64 patches become the same data structure. A click is a site in a larger image, from
which windows can be cut with shifts, rotations and scales. A patch is an image of its own with one
site in its centre. Sites carry the coordinates of the micrograph that their pixels come from, so
that a grouped train/test split can avoid data leakage between overlapping windows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, PATCH_PX, kind_of
from napari_stem_defects.errors import LabelError
from napari_stem_defects.lattice.patch_alignment import align_patches
from napari_stem_defects.training.label_extent import (
    PointLabels,
    class_trees,
    label_extent,
    site_extents,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Image = NDArray[np.float32]

# Share of equal pixels from which two images count as edited copies of one micrograph.
_SHARE_OF_COPY = 0.5
# Sites added around a point defect: their number, and their distance in label extents.
_BESIDE_COUNT, _BESIDE_EXTENTS = 6, (2.5, 5.0)
_PER_SITE = ("image", "y", "x", "targets", "source", "source_y", "source_x", "extent_px")


@dataclass(frozen=True)
class TrainingSet:
    """Images and the labelled sites in them; arrays run over the n sites.

    Attributes
    ----------
    images : tuple of ndarray of float32, each (Y, X)
        Images that windows are cut from, all at the same pixel size.
    classes : tuple of str
        The C classes to learn.
    labels : tuple of str
        Label of each site; "" for a site that only rules classes out.
    image : ndarray of int, shape (n,)
        Index of the image of each site.
    y, x : ndarray of float64, shape (n,)
        Position in that image in px.
    targets : ndarray of float32, shape (n, C)
        1 where the class is present at the site, 0 where it is absent, NaN where unknown.
    source : ndarray of int, shape (n,)
        Number of the micrograph that the pixels come from. Patches that share pixels, and edited
        copies of one micrograph, have the same source.
    source_y, source_x : ndarray of float64, shape (n,)
        Positions in px of the source; windows of sites that are near here share pixels.
    extent_px : ndarray of float64, shape (n,)
        Distance from the site in px within which its targets hold; 0 for whole patches.
    pixel_size_nm : float or None
        Pixel size of all images in nm.
    names : tuple of str
        Name of each image in reports.
    notes : tuple of str
        One sentence about each kind of data that was skipped or changed when it was read.
    """

    images: tuple[Image, ...]
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    image: NDArray[np.int64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    targets: NDArray[np.float32]
    source: NDArray[np.int64]
    source_y: NDArray[np.float64]
    source_x: NDArray[np.float64]
    extent_px: NDArray[np.float64]
    pixel_size_nm: float | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self.labels)

    def counts(self) -> dict[str, int]:
        """Return the number of labels of each class."""
        return {name: self.labels.count(name) for name in self.classes}

    def sha256(self) -> str:
        """Return a hash of the labels and the pixels of their images, in order."""
        pixels = [hashlib.sha256(np.ascontiguousarray(i).tobytes()).digest() for i in self.images]
        digest = hashlib.sha256()
        for label, image, y, x in zip(self.labels, self.image, self.y, self.x, strict=True):
            digest.update(pixels[image] + f"{y:.3f} {x:.3f} {label}\n".encode())
        return digest.hexdigest()

    def subset(self, keep: NDArray[np.bool_]) -> TrainingSet:
        """Return the training set with some of its sites and all images.

        Parameters
        ----------
        keep : ndarray of bool, shape (n,)
        """
        labels = tuple(name for name, kept in zip(self.labels, keep, strict=True) if kept)
        arrays = {name: getattr(self, name)[keep] for name in _PER_SITE}
        return replace(self, labels=labels, **arrays)

    def with_classes(self, classes: Sequence[str]) -> TrainingSet:
        """Return the training set with fewer classes; sites of the others remain as negatives.

        Parameters
        ----------
        classes : sequence of str

        Raises
        ------
        LabelError
            If a class has no label.
        """
        missing = sorted(set(classes) - set(self.classes))
        if missing:
            present = ", ".join(self.classes)
            raise LabelError(f"no label of class {', '.join(missing)}; there are: {present}")
        columns = [self.classes.index(name) for name in classes]
        return replace(self, classes=tuple(classes), targets=self.targets[:, columns])


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
    """

    image: Image
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    labels: tuple[str, ...]
    weak: NDArray[np.bool_] | None = None
    name: str = ""

    @property
    def points(self) -> PointLabels:
        """Positions and labels without the image."""
        return PointLabels(self.y, self.x, self.labels)

    def subset(self, *, weak: bool) -> Clicks:
        """Return the weak labels, or the others."""
        is_weak = np.zeros(len(self.labels), bool) if self.weak is None else self.weak
        chosen = np.flatnonzero(is_weak == weak)
        labels = tuple(self.labels[index] for index in chosen)
        return Clicks(self.image, self.y[chosen], self.x[chosen], labels, None, self.name)


def from_patches(patches: Image, labels: Sequence[str], names: Sequence[str] = ()) -> TrainingSet:
    """Make a training set of patches that were cut from unknown positions of micrographs.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
    labels : sequence of str, length N
        The class of each patch; it holds somewhere inside the patch.
    names : sequence of str, optional
        Name of each patch.

    Returns
    -------
    TrainingSet
        One site per patch. Patches that overlap have the same source (see `align_patches`).
    """
    return _whole_patches(patches, labels, *align_patches(patches), tuple(names))


def _whole_patches(
    patches: Image,
    labels: Sequence[str],
    source: NDArray[np.int64],
    top: NDArray[np.float64],
    left: NDArray[np.float64],
    names: tuple[str, ...] = (),
) -> TrainingSet:
    """Make a training set of patches with known upper left corners in their source."""
    classes = _ordered(labels)
    centre = patches.shape[1] // 2
    count = len(patches)
    own = np.array([[name == label for name in classes] for label in labels], np.float32)
    return TrainingSet(
        images=tuple(patches),
        classes=classes,
        labels=tuple(labels),
        image=np.arange(count),
        y=np.full(count, float(centre)),
        x=np.full(count, float(centre)),
        targets=own,
        source=source,
        source_y=top + centre,
        source_x=left + centre,
        extent_px=np.zeros(count),
        names=names,
    )


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
    classes = _ordered([name for clicks in images for name in clicks.labels])
    extent = label_extent([clicks.points for clicks in clicked])
    sites = join([_sites_of(clicks, classes, extent) for clicks in clicked])
    sources = _sources(sites.images)
    clicked_sites = replace(
        sites, source=np.array(sources)[sites.image], pixel_size_nm=pixel_size_nm
    )
    weak = [clicks.subset(weak=True) for clicks in images]
    patches = [
        _patches_of(clicks, source)
        for clicks, source in zip(weak, sources, strict=True)
        if clicks.labels
    ]
    return join([clicked_sites, *patches], same_sources=True)


def join(parts: Sequence[TrainingSet], *, same_sources: bool = False) -> TrainingSet:
    """Concatenate training sets.

    Parameters
    ----------
    parts : sequence of TrainingSet
        A class that is missing from a part counts as absent from its sites.
    same_sources : bool
        Whether equal source numbers of different parts mean the same micrograph. Otherwise the
        sources of every part are renumbered.

    Returns
    -------
    TrainingSet

    Raises
    ------
    LabelError
        If there are no parts.
    """
    if not parts:
        raise LabelError("there is nothing to train on; give a patch folder or label project")
    classes = _ordered([name for part in parts for name in part.classes])
    columns = {name: index for index, name in enumerate(classes)}
    targets = []
    for part in parts:
        block = np.zeros((len(part), len(classes)), np.float32)
        block[:, [columns[name] for name in part.classes]] = part.targets
        targets.append(block)
    used = [0 if same_sources else part.source.max(initial=-1) + 1 for part in parts]
    first_images = np.cumsum([0] + [len(part.images) for part in parts])[:-1]
    first_sources = np.cumsum([0, *used])[:-1]
    return TrainingSet(
        images=tuple(image for part in parts for image in part.images),
        classes=classes,
        labels=tuple(name for part in parts for name in part.labels),
        image=np.concatenate([p.image + n for p, n in zip(parts, first_images, strict=True)]),
        y=np.concatenate([part.y for part in parts]),
        x=np.concatenate([part.x for part in parts]),
        targets=np.concatenate(targets),
        source=np.concatenate([p.source + n for p, n in zip(parts, first_sources, strict=True)]),
        source_y=np.concatenate([part.source_y for part in parts]),
        source_x=np.concatenate([part.source_x for part in parts]),
        extent_px=np.concatenate([part.extent_px for part in parts]),
        pixel_size_nm=next((p.pixel_size_nm for p in parts if p.pixel_size_nm), None),
        names=tuple(name for part in parts for name in part.names or [""] * len(part.images)),
    )


def _ordered(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct classes, Bulk first, then by name."""
    names = {str(name) for name in labels if name}
    return tuple(sorted(names, key=lambda name: (name != BULK, name)))


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


def _patches_of(clicks: Clicks, source: int) -> TrainingSet:
    """Cut the patches of weak labels; those near the border are shifted into the image."""
    if min(clicks.image.shape) < PATCH_PX:
        size = " x ".join(map(str, clicks.image.shape))
        raise LabelError(f"{clicks.name}: {size} px holds no patch; remove its imported labels")
    limit = np.array(clicks.image.shape) - PATCH_PX
    corners = np.rint(np.column_stack([clicks.y, clicks.x]) - (PATCH_PX - 1) / 2)
    corners = np.clip(corners, 0, limit).astype(np.int64)
    cuts = [clicks.image[top : top + PATCH_PX, left : left + PATCH_PX] for top, left in corners]
    top, left = corners.T.astype(np.float64)
    numbers, names = np.full(len(cuts), source), (clicks.name,) * len(cuts)
    return _whole_patches(np.stack(cuts), clicks.labels, numbers, top, left, names)


def _sites_beside_points(
    clicks: Clicks, extent: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions (y, x) around point defects where their class is absent."""
    is_point = np.array([kind_of(name) == "point" for name in clicks.labels], bool)
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
