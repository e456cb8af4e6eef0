"""Names of result folders that are valid on every operating system."""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Refused in names by Windows; replaced on every system, so that results can be copied.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def make_folder_name(image_name: str) -> str:
    """Return a folder name for the results of an image.

    Parameters
    ----------
    image_name : str
        Name of the micrograph.

    Returns
    -------
    str
        The name without forbidden characters; a reserved name gets a leading underscore.
    """
    name = _FORBIDDEN.sub("_", image_name).rstrip(". ") or "image"
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def is_free(path: Path) -> bool:
    """Return whether nothing is lost if a folder of this name is written.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        True where there is nothing, or an empty folder, as writing leaves it on a full disk.
    """
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def find_available_folder(out: Path, image_name: str, is_available: Callable[[Path], bool]) -> Path:
    """Return the first available folder of ``<name>``, ``<name>_2``, ``<name>_3``, ...

    A folder whose name differs only in capitals, or in how its accents are encoded, takes the name
    too: on Windows and macOS it is the same folder, so that one of both would be lost in a copy.

    Parameters
    ----------
    out : Path
        Parent folder.
    image_name : str
        Name of the micrograph.
    is_available : callable
        Returns whether a folder can be used.

    Returns
    -------
    Path
        The folder; it need not exist.
    """
    name = make_folder_name(image_name)
    there: dict[str, list[str]] = {}
    with suppress(OSError):  # no such folder yet, or it is stated where the results are written
        for each in sorted(os.listdir(out)):
            there.setdefault(_alike(each), []).append(each)

    def placed(wanted: str) -> Path:
        alike = there.get(_alike(wanted), [wanted])
        return out / (wanted if wanted in alike else alike[0])

    path, number = placed(name), 1
    while not is_available(path):
        number += 1
        path = placed(f"{name}_{number}")
    return path


def _alike(name: str) -> str:
    """Return what names have in common that other systems take for one."""
    return unicodedata.normalize("NFC", name).casefold()
