"""Loading of patch folders and label projects as one training set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.defect_classes import PATCH_PX, DefectClass, Kind, complete_classes
from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.lattice.scale import (
    match_scale,
    resample,
    scale_positions,
)
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import (
    TrainingSet,
    agreeing_classes,
    from_patches,
    join,
)
from napari_stem_defects.training.label_extent import PointLabels, nearest_class_distance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.patch_folder import PatchFolder
    from napari_stem_defects.labels.label import Label
    from napari_stem_defects.networks.spec import EnsembleSpec

# Longer lists of names do not fit on a screen.
_MOST_NAMES = 10
# If columns of different classes are closer than this, images are upsampled, at most fourfold:
# windows, blur and jitter of the recipes were chosen for columns at least this far apart.
_LEAST_DISTANCE_PX = 8.0
_MOST_UPSAMPLING = 4.0

Labelled = tuple["Micrograph", "tuple[Label, ...]"]
Patch = tuple[NDArray[np.float32], str, str]


def read_training_data(
    paths: Sequence[str | Path],
    *,
    scale_of: EnsembleSpec | None = None,
    kinds: Mapping[str, Kind] | None = None,
    read_patches: Callable[[Path], PatchFolder] = read_patch_folder,
) -> TrainingSet:
    """Read labelled data for training or evaluation.

    Parameters
    ----------
    paths : sequence of str or Path
        Patch folders and label projects.
    scale_of : EnsembleSpec, optional
        Resample micrographs to the pixel size of this ensemble, as in detection. By default they
        are resampled to the smallest pixel size among them, or smaller if columns of different
        classes are close.
    kinds : mapping of str to {"point", "line", "area"}, optional
        Kinds of classes, which hold before those in label projects and patch folders.
    read_patches : callable
        Reads a patch folder; `workers.isolated_read.read_patches` uses a separate process.

    Returns
    -------
    TrainingSet
        Patches without a parent micrograph are not resampled; patches that overlap are found by
        comparing them. Patches with invalid pixels are left out and listed in ``notes``.

    Raises
    ------
    LabelError
        A path is neither a patch folder nor a label project, or holds no labels, or only some of
        the micrographs have a pixel size; a class has different kinds in two projects, or
        ``kinds`` names a class that has no label.
    """
    frames: list[Labelled] = []
    patches: list[Patch] = []
    left_out: list[str] = []
    classes: list[DefectClass] = []
    for path in map(Path, paths):
        if is_label_project(path):
            with LabelProject.open(path, read_only=True) as project:
                frames += project.by_frame()
                classes += [entry.defect_class for entry in project.classes]
        elif path.is_dir():
            folder = read_patches(path)
            patches += zip(folder.patches, folder.classes, folder.names, strict=True)
            left_out += folder.left_out
            classes += folder.class_data
        else:
            raise _no_labels_error(path)
    single = [(image, labels) for image, labels in frames if _is_patch(image)]
    left_out += [image.name for image, _ in single if image.invalid is not None]
    patches += [
        (image.pixels, labels[0].class_name, image.name)
        for image, labels in single
        if image.invalid is None
    ]
    parents = [(image, labels) for image, labels in frames if not _is_patch(image)]
    class_data = _class_data(classes, kinds or {})
    parts = []
    if patches:
        pixels, labels_of_patches, names = zip(*patches, strict=True)
        parts.append(from_patches(np.stack(pixels), labels_of_patches, names, class_data))
    if parents:
        parts.append(_from_parents(parents, scale_of, class_data))
    _check_present(kinds or {}, parts)
    notes = tuple(note for part in parts for note in part.notes)
    return replace(join(parts), notes=(*_invalid_patches_note(left_out), *notes))


def _class_data(found: Sequence[DefectClass], kinds: Mapping[str, Kind]) -> tuple[DefectClass, ...]:
    """Return the classes of all sources, with the kinds that the user gives."""
    known = {each.name: each for each in complete_classes(kinds)}
    known |= {each.name: each for each in reversed(found)}
    given = [replace(known[name], kind=kind) for name, kind in kinds.items()]
    return (*given, *agreeing_classes(each for each in found if each.name not in kinds))


def _check_present(kinds: Mapping[str, Kind], parts: Sequence[TrainingSet]) -> None:
    present = {name for part in parts for name in part.classes}
    if missing := [name for name in kinds if name not in present]:
        names = ", ".join(sorted(present))
        raise LabelError(f"kind of {missing[0]}: no label has this class; there are: {names}")


def _invalid_patches_note(left_out: Sequence[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    some = ", ".join(left_out[:_MOST_NAMES]) + (", ..." if len(left_out) > _MOST_NAMES else "")
    start = "1 patch was" if len(left_out) == 1 else f"{len(left_out)} patches were"
    return (f"{start} left out because of invalid pixels (NaN, infinity): {some}.",)


def _no_labels_error(path: Path) -> LabelError:
    if not path.exists():
        return LabelError(missing_file(path))
    if path.is_file():
        advice = "label it first in a project (panel Label patches) and give the project"
        return LabelError(one_line(path, "a file holds no labels", advice))
    return LabelError(one_line(path, "is not a folder of labels", "check the path"))


def _is_patch(image: Micrograph) -> bool:
    return image.frame_shape == (PATCH_PX, PATCH_PX)


def _from_parents(
    parents: Sequence[Labelled],
    scale_of: EnsembleSpec | None,
    class_data: tuple[DefectClass, ...],
) -> TrainingSet:
    if scale_of is not None:
        factors = [match_scale(image, scale_of.target_scale).factor for image, _ in parents]
        clicks = _at_scale(parents, factors, class_data)
        return from_clicks(clicks, pixel_size_nm=scale_of.pixel_size_nm)
    size = _smallest_pixel_size(parents)
    factors = [(image.pixel_size_nm or 1) / (size or 1) for image, _ in parents]
    upsampling = 1.0 if size is None else _upsampling(parents, factors, class_data)
    clicks = _at_scale(parents, [factor * upsampling for factor in factors], class_data)
    data = from_clicks(clicks, pixel_size_nm=None if size is None else size / upsampling)
    return replace(data, notes=_upsampling_note(upsampling, size))


def _upsampling(
    parents: Sequence[Labelled], factors: Sequence[float], class_data: tuple[DefectClass, ...]
) -> float:
    """Return the factor by which to upsample images with a label on every column.

    It is 1 for images without a pixel size, because detection could not repeat it, and for images
    with weak labels, which refer to a patch of a fixed size.
    """
    if any(label.weak for _, labels in parents for label in labels):
        return 1.0
    near = nearest_class_distance(
        [
            PointLabels(
                *_positions(labels, factor), tuple(x.class_name for x in labels), class_data
            )
            for (_, labels), factor in zip(parents, factors, strict=True)
        ]
    )
    return float(np.clip(_LEAST_DISTANCE_PX / max(near, 1.0), 1.0, _MOST_UPSAMPLING))


def _upsampling_note(factor: float, size: float | None) -> tuple[str, ...]:
    if factor == 1 or size is None:
        return ()
    return (
        "Columns of different classes are closer than"
        f" {both_units(_LEAST_DISTANCE_PX, size)}, so images are"
        f" upsampled by a factor of {factor:.2g} to {size / factor:.4g} nm per px.",
    )


def _at_scale(
    parents: Sequence[Labelled], factors: Sequence[float], class_data: tuple[DefectClass, ...]
) -> list[Clicks]:
    return [
        replace(_clicks(image, labels, factor), class_data=class_data)
        for (image, labels), factor in zip(parents, factors, strict=True)
    ]


def _smallest_pixel_size(parents: Sequence[Labelled]) -> float | None:
    sizes = [image.pixel_size_nm for image, _ in parents]
    known = [size for size in sizes if size is not None]
    if known and len(known) < len(sizes):
        name = next(image.name for image, _ in parents if image.pixel_size_nm is None)
        raise LabelError(f"{name}: no pixel size, but other images have one; set it in the project")
    return min(known, default=None)


def _clicks(image: Micrograph, labels: Sequence[Label], factor: float) -> Clicks:
    """Resample an image by a factor and return it with its labels."""
    y, x = _positions(labels, factor)
    return Clicks(
        image=np.ascontiguousarray(resample(image.pixels, factor), np.float32),
        y=y,
        x=x,
        labels=tuple(label.class_name for label in labels),
        weak=np.array([label.weak for label in labels], bool),
        name=image.name,
    )


def _positions(
    labels: Sequence[Label], factor: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return y and x of the labels in an image resampled by a factor."""
    y, x = np.array([(label.y, label.x) for label in labels], np.float64).T
    return scale_positions(y, factor), scale_positions(x, factor)
