"""Checksums of result files, to detect files that were edited by hand.

The summary contains the SHA-256 of itself and of the other result files, so that a rerun does not
overwrite masks or tables that a user has edited.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import OverwriteError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CHECKSUMS = "files"


def with_checksums(
    summary: Mapping[str, Any], own_name: str, folder: Path, names: Sequence[str]
) -> dict[str, Any]:
    """Return a summary with checksums of itself and of the other result files.

    Parameters
    ----------
    summary : mapping
        JSON-safe content of the summary.
    own_name : str
        File name of the summary.
    folder : Path
        Folder of the other files.
    names : sequence of str
        Names of the other files.

    Returns
    -------
    dict
        The summary with the entry ``files``.
    """
    checksums = {name: _hash_of_file(folder / name) for name in names}
    return {**summary, _CHECKSUMS: {**checksums, own_name: _hash_of_text(summary)}}


def with_changed(
    summary: Mapping[str, Any], own_name: str, changed: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a summary with other entries, and the checksum of itself that belongs to them.

    Parameters
    ----------
    summary : mapping
        Content of a summary with checksums.
    own_name : str
        File name of the summary.
    changed : mapping
        JSON-safe entries that are added or replaced.

    Returns
    -------
    dict
        The checksums of the other files stay as they are.
    """
    bare = {name: value for name, value in summary.items() if name != _CHECKSUMS} | dict(changed)
    return {**bare, _CHECKSUMS: {**summary[_CHECKSUMS], own_name: _hash_of_text(bare)}}


def find_edited_file(summary: Mapping[str, Any], own_name: str, folder: Path) -> str | None:
    """Find a result file that was edited since it was written.

    Parameters
    ----------
    summary : mapping
        Content of the summary; empty if there are no results.
    own_name : str
        File name of the summary.
    folder : Path
        Folder of the result files.

    Returns
    -------
    str or None
        Name of the first edited file; None if there is none. A missing file does not count; a
        summary without checksums does.
    """
    if not summary:
        return None
    checksums = summary.get(_CHECKSUMS)
    bare = {name: value for name, value in summary.items() if name != _CHECKSUMS}
    if not isinstance(checksums, dict) or checksums.get(own_name) != _hash_of_text(bare):
        return own_name
    existing = (name for name in checksums if name != own_name and (folder / name).is_file())
    return next(
        (name for name in existing if checksums[name] != _hash_of_file(folder / name)), None
    )


def refuse_edited(summary: Mapping[str, Any], own_name: str, folder: Path) -> None:
    """Refuse to overwrite results that were edited by hand.

    Parameters
    ----------
    summary : mapping
        Content of the summary; empty if there are no results.
    own_name : str
        File name of the summary.
    folder : Path
        Folder of the result files.

    Raises
    ------
    OverwriteError
        A file was edited since it was written.
    """
    name = find_edited_file(summary, own_name, folder)
    if name is not None:
        fault = f"{name} was changed since it was written"
        advice = "choose another folder, or lose the changes with --overwrite"
        raise OverwriteError(one_line(folder, fault, advice))


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_of_text(summary: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(summary, sort_keys=True).encode()).hexdigest()
