"""Folders of 64 x 64 px patches, classified by file name or sub-folder.

The public CdTe and SrTiO3 data sets are of the first kind: ``Vacancy_CdTe_12.tif`` is patch 12 of
class ``Vacancy_CdTe``. Their pixel formats differ between classes (RGBA, RGB, grey), always with
equal channels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.errors import LabelError, ReadError
from napari_stem_defects.io.folder_kinds import folder_kind, folder_title
from napari_stem_defects.io.images.find import natural_order
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.class_list import CLASSES, read_classes
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.images.signals import SignalChoice

PATCH_PX = 64
_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".npy"})
_NAME = re.compile(r"(?P<class_name>.+)_\d+")
# A file of 64 x 64 px is smaller than this in any format; `is_patch_folder` opens no larger one.
_PATCH_BYTES = 2**20


@dataclass(frozen=True)
class PatchFolder:
    """The patches of one folder.

    Attributes
    ----------
    patches : ndarray of float32, shape (N, 64, 64)
        Intensities as stored, in natural order of the names.
    classes : tuple of str
        Class of each patch.
    names : tuple of str
        Path of each patch relative to ``root``, with forward slashes.
    root : Path
        The folder.
    left_out : tuple of str
        Paths of patches with invalid pixels (NaN, infinity), which would be trained on with the
        values that fill them.
    class_data : tuple of DefectClass
        Kinds, titles and colours of classes, where the folder has a list ``classes.csv``.
    """

    patches: NDArray[np.float32]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    root: Path
    left_out: tuple[str, ...] = ()
    class_data: tuple[DefectClass, ...] = ()


def read_patch_folder(path: str | Path, signal: SignalChoice = None) -> PatchFolder:
    """Read the patches of a folder.

    Either the folder holds files ``<class>_<number>.<suffix>``, or one sub-folder per class with
    images of any name. A list ``classes.csv`` gives kinds, titles and colours of classes. Other
    files and hidden ones are ignored.

    Parameters
    ----------
    path : str or Path
        The folder.
    signal : str, int or None
        Of files with several signals, the one to read.

    Returns
    -------
    PatchFolder
        The patches without invalid pixels.

    Raises
    ------
    LabelError
        A file name contains no class; a patch is damaged or not 64 x 64 px; the folder holds no
        patches, only patches with invalid pixels, or several patch folders. The message is one
        line with the name of the folder or file.
    """
    root = Path(path)
    if not root.is_dir():
        raise LabelError(one_line(root, "is not a folder", "give a folder of 64x64 px patches"))
    if title := folder_title(root):
        advice = "give patches, or import what `stem-defects export` writes"
        if folder_kind(root) == "labels":
            advice = "give the patches that `stem-defects labels export` writes"
        raise LabelError(one_line(root, f"is {title}, not a folder of patches", advice))
    found = _patches_by_name(root) or _patches_by_folder(root)
    if not found:
        advice = "give one with files like SF1_12.tif, or one sub-folder per class"
        raise LabelError(one_line(root, "holds no patches", advice))
    patches = {file.relative_to(root).as_posix(): _read_patch(file, signal) for file in found}
    valid = {name: patch.pixels for name, patch in patches.items() if patch.invalid is None}
    if not valid:
        fault = "holds only patches with invalid pixels (NaN, infinity)"
        raise LabelError(one_line(root, fault, "export them again"))
    classes = tuple(
        name
        for name, patch in zip(found.values(), patches.values(), strict=True)
        if patch.invalid is None
    )
    left_out = tuple(name for name in patches if name not in valid)
    return PatchFolder(
        patches=np.stack(list(valid.values())),
        classes=classes,
        names=tuple(valid),
        root=root,
        left_out=left_out,
        class_data=read_classes(root / CLASSES),
    )


def is_patch_folder(path: str | Path) -> bool:
    """Return whether a folder seems to hold patches, judged by its first file.

    Parameters
    ----------
    path : str or Path
        Any path; unreadable ones are no patch folders.

    Returns
    -------
    bool
        True if the first image is a patch.
    """
    try:
        root = Path(path)
        found = root.is_dir() and (_patches_by_name(root) or _patches_by_folder(root))
        if not found:
            return False
        first = next(iter(found))
        return first.stat().st_size < _PATCH_BYTES and _read_patch(first).pixels.size > 0
    except (LabelError, OSError):
        return False


def _patches_by_name(root: Path) -> dict[Path, str]:
    return {file: _class_in_name(file) for file in _images(root)}


def _patches_by_folder(root: Path) -> dict[Path, str]:
    folders = sorted(filter(Path.is_dir, root.iterdir()), key=natural_order)
    found: dict[Path, str] = {}
    for folder in folders:
        files = _images(folder) if not folder.name.startswith(".") else []
        inside = {match["class_name"] for file in files if (match := _NAME.fullmatch(file.stem))}
        if len(inside) > 1:
            fault = f"has folders of several classes each, like {folder.name}"
            raise LabelError(one_line(root, fault, "give one of them"))
        found.update(dict.fromkeys(files, folder.name))
    return found


def _images(folder: Path) -> list[Path]:
    images = [
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in _SUFFIXES and not entry.name.startswith(".")
    ]
    return sorted(images, key=natural_order)


def _class_in_name(file: Path) -> str:
    match = _NAME.fullmatch(file.stem)
    if match is None:
        advice = "name it like SF1_12.tif or take it out of the folder"
        raise LabelError(one_line(file, "has no class in its name", advice))
    return match["class_name"]


def _read_patch(file: Path, signal: SignalChoice = None) -> Micrograph:
    try:
        patch = read(file, signal=signal)
    except ReadError as error:
        raise LabelError(str(error)) from error
    if patch.pixels.shape != (PATCH_PX, PATCH_PX):
        shape = " x ".join(map(str, patch.pixels.shape))
        fault = f"is {shape} px, but patches are {PATCH_PX} x {PATCH_PX}"
        raise LabelError(one_line(file, fault, "cut it to size or take it out of the folder"))
    return patch
