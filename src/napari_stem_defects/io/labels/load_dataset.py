"""Patch folders and label projects, read together as one training set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.defect_classes import (
    PATCH_PX,
)
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.lattice.scale import (
    match_scale,
    resample,
    scale_positions,
)
from napari_stem_defects.training.dataset import (
    Clicks,
    TrainingSet,
    from_clicks,
    from_patches,
    join,
)
from napari_stem_defects.training.label_extent import PointLabels, nearest_class_distance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.patch_folder import PatchFolder
    from napari_stem_defects.labels.label import Label
    from napari_stem_defects.networks.spec import EnsembleSpec

# More names than these fill a screen.
_NAMED = 10
# Columns of different classes that are closer than this are magnified, at most so many times:
# windows, blur and jitter of the recipe were chosen for columns at least that far apart.
_APART_PX = 8.0
_MOST_MAGNIFIED = 4.0

Labelled = tuple["Micrograph", "tuple[Label, ...]"]
Patch = tuple[NDArray[np.float32], str, str]


def read_training_data(
    paths: Sequence[str | Path],
    *,
    scale_of: EnsembleSpec | None = None,
    read_patches: Callable[[Path], PatchFolder] = read_patch_folder,
) -> TrainingSet:
    """Read everything there is to learn from, or to measure an ensemble on.

    Parameters
    ----------
    paths : sequence of path
        Patch folders and label projects.
    scale_of : EnsembleSpec, optional
        Bring micrographs to this ensemble's pixel size, as detection would, instead of to the
        finest among them.
    read_patches : callable
        Reads a patch folder; `workers.isolated_read.read_patches` does it in a process of its own.

    Returns
    -------
    TrainingSet
        Patches without a parent, of folders and of projects alike, are compared with each other
        to find those that overlap; they keep their pixels as they are. Those with pixels that
        have no value are left out, and its ``notes`` name them.

    Raises
    ------
    LabelError
        A path is neither, holds no label, or only some of the micrographs are calibrated.
    """
    frames: list[Labelled] = []
    patches: list[Patch] = []
    left_out: list[str] = []
    for path in map(Path, paths):
        if is_label_project(path):
            with LabelProject.open(path, read_only=True) as project:
                frames += project.by_frame()
        elif path.is_dir():
            folder = read_patches(path)
            patches += zip(folder.patches, folder.classes, folder.names, strict=True)
            left_out += folder.left_out
        else:
            raise _no_labels(path)
    whole = [(image, labels) for image, labels in frames if _is_patch(image)]
    left_out += [image.name for image, _ in whole if image.invalid is not None]
    patches += [
        (image.pixels, labels[0].class_name, image.name)
        for image, labels in whole
        if image.invalid is None
    ]
    parents = [(image, labels) for image, labels in frames if not _is_patch(image)]
    parts = []
    if patches:
        pixels, classes, names = zip(*patches, strict=True)
        parts.append(from_patches(np.stack(pixels), classes, names))
    if parents:
        parts.append(_from_parents(parents, scale_of))
    notes = tuple(note for part in parts for note in part.notes)
    return replace(join(parts), notes=(*_about(left_out), *notes))


def _about(left_out: Sequence[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    some = ", ".join(left_out[:_NAMED]) + (", ..." if len(left_out) > _NAMED else "")
    what = (
        "1 patch was left out because it holds"
        if len(left_out) == 1
        else f"{len(left_out)} patches were left out because they hold"
    )
    return (f"{what} pixels without a value: {some}.",)


def _no_labels(path: Path) -> LabelError:
    if not path.exists():
        return LabelError(one_line(path, "does not exist", "check the path"))
    if path.is_file():
        advice = "label it in a project first (window Label patches), and give the project"
        return LabelError(one_line(path, "a file holds no labels", advice))
    return LabelError(one_line(path, "is no folder of labels", "check the path"))


def _is_patch(image: Micrograph) -> bool:
    return image.frame_shape == (PATCH_PX, PATCH_PX)


def _from_parents(parents: Sequence[Labelled], scale_of: EnsembleSpec | None) -> TrainingSet:
    if scale_of is not None:
        factors = [match_scale(image, scale_of.target_scale).factor for image, _ in parents]
        return from_clicks(_at_scale(parents, factors), pixel_size_nm=scale_of.pixel_size_nm)
    size = _finest(parents)
    factors = [(image.pixel_size_nm or 1) / (size or 1) for image, _ in parents]
    more = 1.0 if size is None else _magnification(parents, factors)
    clicks = _at_scale(parents, [factor * more for factor in factors])
    data = from_clicks(clicks, pixel_size_nm=None if size is None else size / more)
    return replace(data, notes=_about_magnification(more, size))


def _magnification(parents: Sequence[Labelled], factors: Sequence[float]) -> float:
    """Return how much larger to look at images whose columns were clicked one by one.

    Images without a pixel size are left alone, because detection could not do the same; so are
    those with weak labels, which stand for a patch of a certain size.
    """
    if any(label.weak for _, labels in parents for label in labels):
        return 1.0
    near = nearest_class_distance(
        [
            PointLabels(*_places(labels, factor), tuple(x.class_name for x in labels))
            for (_, labels), factor in zip(parents, factors, strict=True)
        ]
    )
    return float(np.clip(_APART_PX / max(near, 1.0), 1.0, _MOST_MAGNIFIED))


def _about_magnification(times: float, size: float | None) -> tuple[str, ...]:
    if times == 1 or size is None:
        return ()
    return (
        f"Columns of different classes are closer than {_APART_PX:.0f} px, so images are looked at"
        f" {times:.2g} times magnified, at {size / times:.4g} nm per px.",
    )


def _at_scale(parents: Sequence[Labelled], factors: Sequence[float]) -> list[Clicks]:
    return [
        _clicks(image, labels, factor)
        for (image, labels), factor in zip(parents, factors, strict=True)
    ]


def _finest(parents: Sequence[Labelled]) -> float | None:
    sizes = [image.pixel_size_nm for image, _ in parents]
    known = [size for size in sizes if size is not None]
    if known and len(known) < len(sizes):
        name = next(image.name for image, _ in parents if image.pixel_size_nm is None)
        raise LabelError(f"{name}: no pixel size, but other images have one; set it in the project")
    return min(known, default=None)


def _clicks(image: Micrograph, labels: Sequence[Label], factor: float) -> Clicks:
    """Return the labels of an image magnified ``factor`` times."""
    y, x = _places(labels, factor)
    return Clicks(
        image=np.ascontiguousarray(resample(image.pixels, factor), np.float32),
        y=y,
        x=x,
        labels=tuple(label.class_name for label in labels),
        weak=np.array([label.weak for label in labels], bool),
        name=image.name,
    )


def _places(
    labels: Sequence[Label], factor: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where labels lie, y and x, in an image magnified ``factor`` times."""
    y, x = np.array([(label.y, label.x) for label in labels], np.float64).T
    return scale_positions(y, factor), scale_positions(x, factor)
