"""Paths that scripts give."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def to_path(given: Any) -> Path:
    """Return a path that a script gives.

    Parameters
    ----------
    given : str or path-like
        A ``~`` at the beginning is the user's folder, as in a shell.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        It is no path, or an empty one.
    """
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str):
        raise InputError(f"{type(given).__name__} is no path; give a str or a Path")
    if given == "":
        raise InputError("the path is empty; give the name of a file or folder")
    if os.path.lexists(given):  # a file may have such a name
        return Path(given)
    return Path(os.path.expanduser(given))


def to_paths(given: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the paths that a script gives as one path or as several.

    Parameters
    ----------
    given : str, path-like or sequence of them

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        One of them is no path.
    """
    if isinstance(given, str | bytes | os.PathLike) or not hasattr(given, "__iter__"):
        return [to_path(given)]
    return [to_path(each) for each in given]
