"""Folders of 64x64 px patches whose class is in the file name or the sub-folder's name.

The public CdTe and SrTiO3 sets are of the first kind: ``Vacancy_CdTe_12.tif`` is patch 12 of
class ``Vacancy_CdTe``. Their pixel formats differ from class to class (RGBA, RGB, grey), with
equal channels throughout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.errors import LabelError, ReadError
from napari_stem_defects.io.images.read import natural_order, read
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph

PATCH_PX = 64
_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".npy"})
_NAME = re.compile(r"(?P<class_name>.+)_\d+")
# A 64x64 px file is smaller than this in any format; `is_patch_folder` opens nothing bigger.
_PATCH_BYTES = 2**20


@dataclass(frozen=True)
class PatchFolder:
    """The patches of one folder.

    Attributes
    ----------
    patches : ndarray of float32, shape (N, 64, 64)
        In natural order of the names, intensities as stored.
    classes : tuple of str
        Class of each patch.
    names : tuple of str
        Path of each patch relative to ``root``, with forward slashes.
    root : Path
    left_out : tuple of str
        Paths of patches that hold pixels without a value (NaN, infinity): nothing is learned
        from pixels that were made up to fill them.
    """

    patches: NDArray[np.float32]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    root: Path
    left_out: tuple[str, ...] = ()


def read_patch_folder(path: str | Path) -> PatchFolder:
    """Read ``<class>_<number>.<ext>`` files of a folder, or any images of one folder per class.

    Files that are no images, and hidden ones, are ignored.

    Raises
    ------
    LabelError
        One line that names the folder or the file at fault: an image whose name gives no class,
        that is damaged or not 64x64 px; no patches at all, or none without invalid pixels; a
        folder of patch folders.
    """
    root = Path(path)
    if not root.is_dir():
        raise LabelError(one_line(root, "is no folder", "give a folder of 64x64 px patches"))
    found = _named_patches(root) or _sorted_patches(root)
    if not found:
        advice = "give one with files like SF1_12.tif, or one sub-folder per class"
        raise LabelError(one_line(root, "holds no patches", advice))
    patches = {file.relative_to(root).as_posix(): _patch(file) for file in found}
    whole = {name: patch.pixels for name, patch in patches.items() if patch.invalid is None}
    if not whole:
        fault = "holds only patches with pixels that have no value"
        raise LabelError(one_line(root, fault, "export them again"))
    classes = tuple(
        name
        for name, patch in zip(found.values(), patches.values(), strict=True)
        if patch.invalid is None
    )
    left_out = tuple(name for name in patches if name not in whole)
    return PatchFolder(np.stack(list(whole.values())), classes, tuple(whole), root, left_out)


def is_patch_folder(path: str | Path) -> bool:
    """Say whether a folder looks like patches, judged by one file; never raises."""
    try:
        root = Path(path)
        found = root.is_dir() and (_named_patches(root) or _sorted_patches(root))
        if not found:
            return False
        first = next(iter(found))
        return first.stat().st_size < _PATCH_BYTES and _patch(first).pixels.size > 0
    except (LabelError, OSError):
        return False


def _named_patches(root: Path) -> dict[Path, str]:
    return {file: _class_in_name(file) for file in _images(root)}


def _sorted_patches(root: Path) -> dict[Path, str]:
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


def _patch(file: Path) -> Micrograph:
    try:
        patch = read(file)
    except ReadError as error:
        raise LabelError(str(error)) from error
    if patch.pixels.shape != (PATCH_PX, PATCH_PX):
        shape = " x ".join(map(str, patch.pixels.shape))
        fault = f"is {shape} px, but patches are {PATCH_PX} x {PATCH_PX}"
        raise LabelError(one_line(file, fault, "cut it to size or take it out of the folder"))
    return patch
