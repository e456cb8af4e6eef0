"""Where the image of a result is."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from napari_stem_defects.io.images.zarr_arrays import is_zarr


def image_file_name(stored: str) -> str:
    """Return the file name in a stored path, which may come from another system.

    Parameters
    ----------
    stored : str
        Path of the image as ``summary.json`` states it.

    Returns
    -------
    str
        What follows the last slash or backslash.
    """
    return PureWindowsPath(stored).name


def find_image_file(folder: Path, stored: str | None) -> Path | None:
    """Find the file, or the Zarr folder, that was searched.

    Parameters
    ----------
    folder : Path
        The result folder.
    stored : str or None
        Path of the image as ``summary.json`` states it; None where it was no file.

    Returns
    -------
    Path or None
        Where it was or, if it was moved, one of its name in the result folder or in one of the
        two folders above; None if there is none. Its content is not compared.
    """
    if not stored:
        return None
    above = [folder, *folder.resolve().parents[:2]]
    candidates = [Path(stored), *(each / image_file_name(stored) for each in above)]
    return next((each for each in candidates if is_image_file(each)), None)


def is_image_file(path: Path) -> bool:
    """Return whether there is a file, or a Zarr folder, which is one image as well.

    Parameters
    ----------
    path : Path
        Any path; one that this system does not allow is none.

    Returns
    -------
    bool
    """
    try:
        return path.is_file() or is_zarr(path)
    except (OSError, ValueError):  # a name that this system does not allow
        return False
