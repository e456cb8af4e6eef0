"""What a training run is given: parent images and labelled sites in them.

Clicks and 64x64 patches become the same thing here. A click is a site in a large parent image,
from which many honest windows can be cut (shifted, turned, scaled). A patch without a parent is
a parent of its own with one site in its middle, which can only be turned by quarters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import (
    BULK,
    PATCH_PX,
    kind_of,
)
from napari_stem_defects.errors import LabelError
from napari_stem_defects.lattice.patch_alignment import place_patches
from napari_stem_defects.training.label_extent import radius_of, reaches_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Image = NDArray[np.float32]


@dataclass(frozen=True)
class TrainingSet:
    """Parents and sites; arrays run over the n sites unless they say otherwise.

    Attributes
    ----------
    images : tuple of ndarray of float32, each (Y, X)
        Parent images, all at the same pixel size.
    classes : tuple of str
        The C classes to learn.
    labels : tuple of str
        The class each site was labelled with ("" for a site that only says what is not there).
    image : ndarray of int, shape (n,)
        Which parent a site lies in.
    y, x : ndarray of float64, shape (n,)
        Where, in px of that parent.
    targets : ndarray of float32, shape (n, C)
        1 where the class is at the site's centre, 0 where it is not, NaN where nobody knows.
    canvas : ndarray of int, shape (n,)
        Which physical image the pixels come from: patches that share pixels, and edited copies
        of one micrograph, are on one canvas.
    canvas_y, canvas_x : ndarray of float64, shape (n,)
        Centres in px of that canvas; what is near here shares pixels.
    radius_px : ndarray of float64, shape (n,)
        How far from a site's centre its label still holds; 0 for whole patches.
    pixel_size_nm : float or None
        Of all images.
    names : tuple of str
        What each image is called in reports.
    notes : tuple of str
        What was left out when it was read, one sentence each.
    """

    images: tuple[Image, ...]
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    image: NDArray[np.int64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    targets: NDArray[np.float32]
    canvas: NDArray[np.int64]
    canvas_y: NDArray[np.float64]
    canvas_x: NDArray[np.float64]
    radius_px: NDArray[np.float64]
    pixel_size_nm: float | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self.labels)

    def counts(self) -> dict[str, int]:
        """Return how many sites each class has."""
        return {name: self.labels.count(name) for name in self.classes}

    def sha256(self) -> str:
        """Return a hash of the labels and the pixels they are on, in this order."""
        pixels = [hashlib.sha256(np.ascontiguousarray(i).tobytes()).digest() for i in self.images]
        digest = hashlib.sha256()
        for label, image, y, x in zip(self.labels, self.image, self.y, self.x, strict=True):
            digest.update(pixels[image] + f"{y:.3f} {x:.3f} {label}\n".encode())
        return digest.hexdigest()

    def only(self, keep: NDArray[np.bool_]) -> TrainingSet:
        """Return the set with some of its sites; images stay."""
        labels = tuple(name for name, kept in zip(self.labels, keep, strict=True) if kept)
        arrays = {
            name: getattr(self, name)[keep]
            for name in ("image", "y", "x", "targets", "canvas", "canvas_y", "canvas_x")
        }
        return replace(self, labels=labels, radius_px=self.radius_px[keep], **arrays)

    def restricted(self, classes: Sequence[str]) -> TrainingSet:
        """Return the set asking about fewer classes; sites of the others stay as negatives."""
        missing = sorted(set(classes) - set(self.classes))
        if missing:
            there = ", ".join(self.classes)
            raise LabelError(f"no label of class {', '.join(missing)}; there are: {there}")
        columns = [self.classes.index(name) for name in classes]
        return replace(self, classes=tuple(classes), targets=self.targets[:, columns])


def from_patches(patches: Image, labels: Sequence[str], names: Sequence[str] = ()) -> TrainingSet:
    """Make a training set of 64x64 patches without parents.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
    labels : sequence of str, length N
        The class of each patch; it holds somewhere inside the patch.
    names : sequence of str, optional
        What each patch is called.
    """
    return _whole_patches(patches, labels, *place_patches(patches), tuple(names))


def _whole_patches(
    patches: Image,
    labels: Sequence[str],
    canvas: NDArray[np.int64],
    top: NDArray[np.float64],
    left: NDArray[np.float64],
    names: tuple[str, ...] = (),
) -> TrainingSet:
    """Make a training set of patches whose upper left corners on a canvas are known."""
    classes = _ordered(labels)
    middle = patches.shape[1] // 2
    count = len(patches)
    own = np.array([[name == label for name in classes] for label in labels], np.float32)
    return TrainingSet(
        images=tuple(patches),
        classes=classes,
        labels=tuple(labels),
        image=np.arange(count),
        y=np.full(count, float(middle)),
        x=np.full(count, float(middle)),
        targets=own,
        canvas=canvas,
        canvas_y=top + middle,
        canvas_x=left + middle,
        radius_px=np.zeros(count),
        names=names,
    )


@dataclass(frozen=True)
class Clicks:
    """Labels of one parent image.

    Attributes
    ----------
    image : ndarray of float32, shape (Y, X)
    y, x : ndarray of float64, shape (n,)
        Positions in px.
    labels : tuple of str, length n
        Class names.
    weak : ndarray of bool, shape (n,), optional
        Labels that hold somewhere in the patch around them, not at the very spot.
    name : str
        What the image is called.
    """

    image: Image
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    labels: tuple[str, ...]
    weak: NDArray[np.bool_] | None = None
    name: str = ""

    def only(self, *, weak: bool) -> Clicks:
        """Return the weak labels, or the others."""
        is_weak = np.zeros(len(self.labels), bool) if self.weak is None else self.weak
        chosen = np.flatnonzero(is_weak == weak)
        labels = tuple(self.labels[index] for index in chosen)
        return Clicks(self.image, self.y[chosen], self.x[chosen], labels, None, self.name)


def from_clicks(parents: Sequence[Clicks], *, pixel_size_nm: float | None = None) -> TrainingSet:
    """Make a training set of clicks in parent images.

    Parameters
    ----------
    parents : sequence of Clicks
        All at the same pixel size.
    pixel_size_nm : float or None

    Notes
    -----
    A site is positive for every class with a click within the radius, negative for the classes
    without one within twice the radius, undecided between. The radius follows from how densely
    different classes were clicked, so that labelling every column works like labelling a few
    defects. Around point defects, sites beside the defect are added that say "not here": they
    teach a window to answer for its centre. Weak labels become patches of their own, cut from
    the parent and known to lie there.
    """
    clicked = [parent.only(weak=False) for parent in parents]
    classes = _ordered([name for parent in parents for name in parent.labels])
    radius = radius_of(clicked)
    sites = join([_sites_of(parent, classes, radius) for parent in clicked])
    canvases = _canvases(sites.images)
    around_clicks = replace(
        sites, canvas=np.array(canvases)[sites.image], pixel_size_nm=pixel_size_nm
    )
    weak = [parent.only(weak=True) for parent in parents]
    patches = [
        _patches_of(parent, canvas)
        for parent, canvas in zip(weak, canvases, strict=True)
        if parent.labels
    ]
    return join([around_clicks, *patches], same_canvases=True)


def join(parts: Sequence[TrainingSet], *, same_canvases: bool = False) -> TrainingSet:
    """Put training sets together.

    Parts made separately get images and canvases of their own, unless their canvas numbers mean
    the same. A class that a part does not know counts as absent from its sites.
    """
    if not parts:
        raise LabelError("there is nothing to train on; give a patch folder or label project")
    classes = _ordered([name for part in parts for name in part.classes])
    offsets = np.cumsum([0] + [len(part.images) for part in parts])
    columns = {name: index for index, name in enumerate(classes)}
    targets = []
    for part in parts:
        block = np.zeros((len(part), len(classes)), np.float32)
        block[:, [columns[name] for name in part.classes]] = part.targets
        targets.append(block)
    used = [0 if same_canvases else part.canvas.max(initial=-1) + 1 for part in parts]
    next_canvas = np.cumsum([0, *used])
    return TrainingSet(
        images=tuple(image for part in parts for image in part.images),
        classes=classes,
        labels=tuple(name for part in parts for name in part.labels),
        image=np.concatenate([p.image + o for p, o in zip(parts, offsets[:-1], strict=True)]),
        y=np.concatenate([part.y for part in parts]),
        x=np.concatenate([part.x for part in parts]),
        targets=np.concatenate(targets),
        canvas=np.concatenate([p.canvas + c for p, c in zip(parts, next_canvas[:-1], strict=True)]),
        canvas_y=np.concatenate([part.canvas_y for part in parts]),
        canvas_x=np.concatenate([part.canvas_x for part in parts]),
        radius_px=np.concatenate([part.radius_px for part in parts]),
        pixel_size_nm=next((p.pixel_size_nm for p in parts if p.pixel_size_nm), None),
        names=tuple(name for part in parts for name in part.names or [""] * len(part.images)),
    )


def _ordered(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct classes, Bulk first, then by name."""
    names = {str(name) for name in labels if name}
    return tuple(sorted(names, key=lambda name: (name != BULK, name)))


def _canvases(images: Sequence[Image]) -> list[int]:
    """Give edited copies of one micrograph (most pixels equal) the same number."""
    canvases: list[int] = []
    for index, image in enumerate(images):
        twin = next(
            (
                canvases[other]
                for other in range(index)
                if images[other].shape == image.shape and np.mean(images[other] == image) > 0.5
            ),
            index,
        )
        canvases.append(twin)
    return canvases


def _sites_of(parent: Clicks, classes: tuple[str, ...], radius: float) -> TrainingSet:
    """Make the training set of one parent."""
    beside_y, beside_x = _beside_points(parent, radius)
    y, x = np.concatenate([parent.y, beside_y]), np.concatenate([parent.x, beside_x])
    labels = parent.labels + ("",) * len(beside_y)
    trees = _trees(parent)
    targets = np.zeros((len(y), len(classes)), np.float32)
    for column, name in enumerate(classes):
        if name in trees:
            distance = trees[name].query(np.column_stack([y, x]))[0]
            targets[:, column] = np.where(distance <= radius, 1, 0)
            targets[(distance > radius) & (distance < 2 * radius), column] = np.nan
    if BULK in classes:
        # A defect is no bulk, however near to it bulk was clicked.
        is_bulk = targets[: len(parent.y), classes.index(BULK)]
        is_bulk[[name != BULK for name in parent.labels]] = 0
        # Nobody said what lies beside a defect: bulk, as a rule, but not for certain.
        targets[len(parent.y) :, classes.index(BULK)] = np.nan
    count = len(y)
    return TrainingSet(
        images=(parent.image,),
        classes=classes,
        labels=labels,
        image=np.zeros(count, np.int64),
        y=y,
        x=x,
        targets=targets,
        canvas=np.zeros(count, np.int64),
        canvas_y=y,
        canvas_x=x,
        radius_px=reaches_of(parent, trees, radius, count),
        names=(parent.name,),
    )


def _patches_of(parent: Clicks, canvas: int) -> TrainingSet:
    """Cut the patches of weak labels; those near the border are shifted into the image."""
    if min(parent.image.shape) < PATCH_PX:
        size = " x ".join(map(str, parent.image.shape))
        raise LabelError(f"{parent.name}: {size} px holds no patch; remove its imported labels")
    limit = np.array(parent.image.shape) - PATCH_PX
    corners = np.rint(np.column_stack([parent.y, parent.x]) - (PATCH_PX - 1) / 2)
    corners = np.clip(corners, 0, limit).astype(np.int64)
    cuts = [parent.image[top : top + PATCH_PX, left : left + PATCH_PX] for top, left in corners]
    top, left = corners.T.astype(np.float64)
    numbers, names = np.full(len(cuts), canvas), (parent.name,) * len(cuts)
    return _whole_patches(np.stack(cuts), parent.labels, numbers, top, left, names)


def _trees(parent: Clicks) -> Mapping[str, cKDTree]:
    names = np.array(parent.labels)
    points = np.column_stack([parent.y, parent.x])
    return {name: cKDTree(points[names == name]) for name in set(parent.labels)}


def _beside_points(
    parent: Clicks, radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places around point defects where their class is not: 6 directions, 2.5-5 radii."""
    is_point = np.array([kind_of(name) == "point" for name in parent.labels], bool)
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, (is_point.sum(), 1)) + np.arange(6) * np.pi / 3
    reach = radius * rng.uniform(2.5, 5.0, angle.shape)
    y = (parent.y[is_point, None] + reach * np.sin(angle)).ravel()
    x = (parent.x[is_point, None] + reach * np.cos(angle)).ravel()
    height, width = parent.image.shape
    inside = (y >= 0) & (x >= 0) & (y <= height - 1) & (x <= width - 1)
    if len(y):
        # Not where the same class, or any other click, decides otherwise.
        clicked = cKDTree(np.column_stack([parent.y, parent.x]))
        inside &= clicked.query(np.column_stack([y, x]))[0] > 2 * radius
    return y[inside], x[inside]
