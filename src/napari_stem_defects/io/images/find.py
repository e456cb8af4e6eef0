"""The images that a user names by files and folders, in natural order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.natural_order import natural_key
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.folder_kinds import JOURNAL, SUMMARY, TRUTH, folder_kind, folder_title
from napari_stem_defects.io.images.formats import USUAL_SUFFIXES, has_image_suffix
from napari_stem_defects.io.images.zarr_arrays import is_zarr
from napari_stem_defects.io.messages import missing_file, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_NAMES = 3


def find_images(paths: Sequence[str | Path]) -> list[Path]:
    """Return the given files, and the images in the given folders.

    Sub-folders and hidden files are skipped, so that results in a folder of images are not read
    as input again.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, with any suffix, and folders.

    Returns
    -------
    list of Path
        In the given order; the images of a folder in natural order. No file is listed twice.

    Raises
    ------
    ReadError
        A path does not exist, or a folder holds no image or is what a command has written.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(
            dict.fromkeys(_images_in(path) if _is_plain_folder(path) else [_existing(path)])
        )
    return list(found)


def skipped_folders(paths: Sequence[str | Path]) -> list[Path]:
    """Return the sub-folders with images in the given folders, which `find_images` skips.

    Parameters
    ----------
    paths : sequence of str or Path
        Files and folders.

    Returns
    -------
    list of Path
        In natural order; results, ground truth of simulations and hidden folders are left out.
    """
    folders = [path for path in map(Path, paths) if _is_plain_folder(path)]
    given = {folder.resolve() for folder in folders}
    return [
        inner
        for folder in folders
        for inner in sorted(_entries(folder), key=natural_order)
        if _is_plain_folder(inner)
        and not inner.name.startswith(".")
        and inner.resolve() not in given
        and not any((inner / name).is_file() for name in (SUMMARY, JOURNAL, TRUTH))
        and any(has_image_suffix(entry) and entry.is_file() for entry in _entries(inner))
    ]


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that puts ``frame_2`` before ``frame_10``.

    Parameters
    ----------
    path : Path
        Only its name is used.

    Returns
    -------
    list of tuple
        Alternating texts and numbers of the name.
    """
    return natural_key(path.name.casefold())


def _images_in(folder: Path) -> list[Path]:
    if folder_kind(folder) in ("detection", "survey"):  # its maps and pictures are no micrographs
        fault = f"is {folder_title(folder)}, not a folder of images"
        raise ReadError(one_line(folder, fault, "give the image itself"))
    try:
        images = [
            entry
            for entry in folder.iterdir()
            if has_image_suffix(entry)
            and not entry.name.startswith(".")
            and (entry.is_file() or is_zarr(entry))
        ]
    except OSError as error:
        fault = f"cannot be listed ({error.strerror})"
        raise ReadError(one_line(folder, fault, "check its permissions")) from None
    if not images and (inner := skipped_folders([folder])):
        names = ", ".join(each.name for each in inner[:_MOST_NAMES])
        raise ReadError(one_line(folder, "holds no image, but folders with some", f"give {names}"))
    if not images and (title := folder_title(folder)):
        fault = f"is {title}, and holds no image"
        raise ReadError(one_line(folder, fault, "give the images themselves"))
    if not images:
        advice = f"give a folder with {USUAL_SUFFIXES} files"
        raise ReadError(one_line(folder, "holds no image", advice))
    return sorted(images, key=natural_order)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ReadError(missing_file(path))
    return path


def _is_plain_folder(path: Path) -> bool:
    return path.is_dir() and not is_zarr(path)
