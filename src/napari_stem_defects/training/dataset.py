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

from napari_stem_defects.base.defect_classes import (
    BULK,
    DefectClass,
    Kind,
    complete_classes,
    distinct_classes,
)
from napari_stem_defects.base.natural_order import natural_key
from napari_stem_defects.errors import LabelError
from napari_stem_defects.lattice.patch_alignment import align_patches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Image = NDArray[np.float32]

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
    class_data : tuple of DefectClass
        Kinds, titles and colours of the classes that are labelled, learned or not. Those that are
        not given get the defaults of their names.
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
    class_data: tuple[DefectClass, ...] = ()

    def __repr__(self) -> str:
        count = f"{len(self.labels)} windows of {len(self.images)} images"
        return f"TrainingSet({count}, classes {', '.join(self.classes)})"

    def __post_init__(self) -> None:
        """Complete the data of the classes."""
        names = ordered_classes([*self.classes, *self.labels])
        object.__setattr__(self, "class_data", complete_classes(names, self.class_data))

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self.labels)

    def counts(self) -> dict[str, int]:
        """Return the number of labels of each class."""
        return {name: self.labels.count(name) for name in self.classes}

    def kind_of(self, name: str) -> Kind:
        """Return the kind of a class that is labelled or learned."""
        return next(each.kind for each in self.class_data if each.name == name)

    def kinds(self) -> tuple[Kind | None, ...]:
        """Return the kind of the class of every site; None for one that only rules classes out."""
        found: dict[str, Kind] = {each.name: each.kind for each in self.class_data}
        return tuple(found.get(name) for name in self.labels)

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


def from_patches(
    patches: Image,
    labels: Sequence[str],
    names: Sequence[str] = (),
    class_data: tuple[DefectClass, ...] = (),
) -> TrainingSet:
    """Make a training set of patches that were cut from unknown positions of micrographs.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
    labels : sequence of str, length N
        The class of each patch; it holds somewhere inside the patch.
    names : sequence of str, optional
        Name of each patch.
    class_data : tuple of DefectClass, optional
        Kinds, titles and colours of the classes; by default those of their names.

    Returns
    -------
    TrainingSet
        One site per patch. Patches that overlap have the same source (see `align_patches`).
    """
    return whole_patches(patches, labels, *align_patches(patches), tuple(names), class_data)


def whole_patches(
    patches: Image,
    labels: Sequence[str],
    source: NDArray[np.int64],
    top: NDArray[np.float64],
    left: NDArray[np.float64],
    names: tuple[str, ...] = (),
    class_data: tuple[DefectClass, ...] = (),
) -> TrainingSet:
    """Make a training set of patches with known upper left corners in their source.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
    labels : sequence of str, length N
        The class of each patch; it holds somewhere inside the patch.
    source : ndarray of int, shape (N,)
        Number of the micrograph that each patch comes from.
    top, left : ndarray of float64, shape (N,)
        Upper left corner of each patch in px of its source.
    names : tuple of str, optional
        Name of each patch.
    class_data : tuple of DefectClass, optional
        Kinds, titles and colours of the classes; by default those of their names.

    Returns
    -------
    TrainingSet
        One site per patch, in its centre.
    """
    classes = ordered_classes(labels)
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
        class_data=class_data,
    )


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
        If there are no parts, or a class has another kind in one part than in another.
    """
    if not parts:
        raise LabelError("there is nothing to train on; give a patch folder or label project")
    classes = ordered_classes([name for part in parts for name in part.classes])
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
        class_data=agreeing_classes(each for part in parts for each in part.class_data),
    )


def agreeing_classes(classes: Iterable[DefectClass]) -> tuple[DefectClass, ...]:
    """Return every class once, from several sources that must agree about its kind.

    Parameters
    ----------
    classes : iterable of DefectClass
        Classes of all sources; title and colour of the first one of a name are taken, unless
        another class has that colour.

    Returns
    -------
    tuple of DefectClass
        One per name, in the order of their first appearance.

    Raises
    ------
    LabelError
        Two sources give a class different kinds.
    """
    known: dict[str, DefectClass] = {}
    for each in classes:
        first = known.setdefault(each.name, each)
        if first.kind != each.kind:
            raise LabelError(
                f"class {each.name}: its kind is {first.kind} in one source of labels and"
                f" {each.kind} in another; make them the same"
            )
    return distinct_classes(known.values())


def ordered_classes(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct classes of labels.

    Parameters
    ----------
    labels : sequence of str
        Class names; "" is left out.

    Returns
    -------
    tuple of str
        Bulk first, then by name in natural order.
    """
    names = {str(name) for name in labels if name}
    return tuple(sorted(names, key=lambda name: (name != BULK, natural_key(name))))
