"""Patch folders and label projects, read together as one training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.transform import resize

from napari_stem_defects.core.labels import PATCH_PX
from napari_stem_defects.core.training_set import (
    Clicks,
    TrainingSet,
    from_clicks,
    from_patches,
    join,
)
from napari_stem_defects.errors import LabelError
from napari_stem_defects.files.label_project import LabelProject, is_label_project
from napari_stem_defects.files.messages import one_line
from napari_stem_defects.files.patch_folder import is_patch_folder, read_patch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.core.labels import Label
    from napari_stem_defects.core.micrograph import Micrograph

Labelled = tuple["Micrograph", "tuple[Label, ...]"]


def read_training_data(paths: Sequence[Path]) -> TrainingSet:
    """Read everything there is to learn from.

    Parameters
    ----------
    paths : sequence of Path
        Patch folders and label projects.

    Returns
    -------
    TrainingSet
        Parents are brought to the finest pixel size among them. Patches without a parent, of
        folders and of projects alike, are compared with each other to find those that overlap.

    Raises
    ------
    LabelError
        A path is neither, holds no label, or only some of the micrographs are calibrated.
    """
    frames: list[Labelled] = []
    patches: list[np.ndarray] = []
    names: list[str] = []
    for path in paths:
        if is_label_project(path):
            with LabelProject.open(path, read_only=True) as project:
                frames += project.by_frame()
        elif is_patch_folder(path):
            folder = read_patch_folder(path)
            patches += list(folder.patches)
            names += folder.classes
        else:
            raise LabelError(
                one_line(path, "is neither a patch folder nor a label project", "check the path")
            )
    lone = [(image, labels) for image, labels in frames if _is_lone(image)]
    patches += [image.pixels for image, _ in lone]
    names += [labels[0].class_name for _, labels in lone]
    parents = [(image, labels) for image, labels in frames if not _is_lone(image)]
    parts = [from_patches(np.stack(patches), names)] if patches else []
    parts += [_from_parents(parents)] if parents else []
    return join(parts)


def _is_lone(image: Micrograph) -> bool:
    return image.frame_shape == (PATCH_PX, PATCH_PX)


def _from_parents(parents: Sequence[Labelled]) -> TrainingSet:
    sizes = [image.pixel_size_nm for image, _ in parents]
    known = [size for size in sizes if size is not None]
    if known and len(known) < len(sizes):
        name = next(image.name for image, _ in parents if image.pixel_size_nm is None)
        raise LabelError(f"{name}: no pixel size, but other images have one; set it in the project")
    finest = min(known) if known else None
    clicks = [
        _clicks(image, labels, 1.0 if finest is None else (image.pixel_size_nm or finest) / finest)
        for image, labels in parents
    ]
    return from_clicks(clicks, pixel_size_nm=finest)


def _clicks(image: Micrograph, labels: Sequence[Label], factor: float) -> Clicks:
    """Return the labels of an image magnified ``factor`` (1 or more) times."""
    pixels = image.pixels
    if factor > 1:
        shape = tuple(round(length * factor) for length in pixels.shape)
        pixels = resize(pixels, shape, order=3, mode="reflect", preserve_range=True)
    y, x = np.array([(label.y, label.x) for label in labels], np.float64).T
    return Clicks(
        np.ascontiguousarray(pixels, np.float32),
        # Pixel i covers i-0.5 to i+0.5, so edges, not centres, scale.
        (y + 0.5) * factor - 0.5,
        (x + 0.5) * factor - 0.5,
        tuple(label.class_name for label in labels),
    )
