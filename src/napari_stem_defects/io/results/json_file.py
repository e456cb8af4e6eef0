"""JSON files of results, and errors of damaged result files."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from textwrap import indent
from typing import TYPE_CHECKING, Any, TypeVar

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.atomic import replacing, write_bytes
from napari_stem_defects.io.images.library_faults import collected_messages
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

# The error class of tifffile is a ValueError, those of imagecodecs, which unpacks for it, and of
# JSON that is nested too deeply are RuntimeErrors.
_SIMPLE_ERRORS = (OSError, ValueError, KeyError, TypeError, EOFError)
_LIBRARY_ERRORS = (*_SIMPLE_ERRORS, RuntimeError, zlib.error, zipfile.BadZipFile, struct.error)
_T = TypeVar("_T")

DETECT_AGAIN = "run the detection again"
"""Advice about damaged files of a detection."""


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object.

    Parameters
    ----------
    path : Path
        The target.
    content : mapping
        JSON-safe, without NaN.

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    OutputError
        The disk is full or the folder is not writable.
    """
    write_bytes(path, f"{_text(content)}\n".encode())


def write_json_list(
    path: Path, content: Mapping[str, Any], name: str, items: Iterable[Mapping[str, Any]]
) -> None:
    """Write a JSON object whose last entry is a list of any length, item by item.

    Parameters
    ----------
    path : Path
        The target.
    content : mapping
        The other entries; JSON-safe, without NaN.
    name : str
        Name of the list.
    items : iterable of mapping
        Its items; JSON-safe, without NaN.

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    OutputError
        The disk is full or the folder is not writable.
    """
    head, tail = _text({**content, name: []}).rsplit("[]", 1)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{head}[")
        separator, end = "\n", ""
        for item in items:
            file.write(separator + indent(_text(item), 4 * " "))
            separator, end = ",\n", "\n  "
        file.write(f"{end}]{tail}\n")


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def read_json(path: Path, advice: str = DETECT_AGAIN) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    path : Path
        The file.
    advice : str
        What the user can do about a damaged file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    ReadError
        The file is missing, damaged or not an object.
    """
    content = read_or_report(
        lambda file: json.loads(file.read_text(encoding="utf-8")), path, advice
    )
    if not isinstance(content, dict):
        raise _damaged_error(path, "is not a JSON object", advice)
    return content


def read_json_or_empty(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one if the file is missing or damaged.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        Its content.
    """
    try:
        return read_json(path)
    except ReadError:
        return {}


def read_or_report(load: Callable[[Path], _T], path: Path, advice: str = DETECT_AGAIN) -> _T:
    """Run a reader and turn the errors of its library into one line.

    Parameters
    ----------
    load : callable
        Reads the file.
    path : Path
        The file.
    advice : str
        What the user can do about a damaged file.

    Returns
    -------
    object
        Result of ``load``.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    try:
        with collected_messages():
            return load(path)
    except _LIBRARY_ERRORS as error:
        raise _damaged_error(path, str(error), advice) from error


def _damaged_error(path: Path, fault: str, advice: str) -> ReadError:
    return ReadError(one_line(path, f"is damaged ({fault})", advice))
