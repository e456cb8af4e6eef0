"""The finished frames of an unfinished search: ``.partial/`` in the folder of the results."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from napari_stem_defects.io.folder_kinds import PARTIAL
from napari_stem_defects.io.results.available_folder import JOB
from napari_stem_defects.io.results.json_file import read_json_or_empty, write_json

if TYPE_CHECKING:
    from pathlib import Path

_NAME_CHARACTERS = 16


def frames_folder(folder: Path, fingerprint: str) -> Path:
    """Return the folder of the frames of a search.

    Parameters
    ----------
    folder : Path
        The folder of the results.
    fingerprint : str
        Hash of image, model and parameters.

    Returns
    -------
    Path
    """
    return folder / PARTIAL / fingerprint[:_NAME_CHARACTERS]


def frame_name(frame: int) -> str:
    """Return the name of the file of a frame.

    Parameters
    ----------
    frame : int

    Returns
    -------
    str
    """
    return f"frame_{frame:05d}.npz"


def stored_frames(folder: Path, fingerprint: str, frames: tuple[int, ...]) -> frozenset[int]:
    """Return which frames of a search are stored.

    The folder is listed once. To look at each file takes long on network drives, which also go on
    to report a file as missing for a while once it was.

    Parameters
    ----------
    folder : Path
        The folder of the results.
    fingerprint : str
    frames : tuple of int

    Returns
    -------
    frozenset of int
    """
    try:
        names = {path.name for path in frames_folder(folder, fingerprint).iterdir()}
    except OSError:  # there is none yet
        return frozenset()
    return frozenset(frame for frame in frames if frame_name(frame) in names)


def begin_frames(folder: Path, fingerprint: str, image_sha256: str) -> None:
    """Record image and fingerprint of a search and remove the frames of others.

    Parameters
    ----------
    folder : Path
        The folder of the results.
    fingerprint : str
    image_sha256 : str

    Raises
    ------
    OutputError
        The folder is not writable.
    """
    write_json(folder / PARTIAL / JOB, {"image_sha256": image_sha256, "fingerprint": fingerprint})
    for stale in (folder / PARTIAL).iterdir():
        if stale.is_dir() and stale.name != fingerprint[:_NAME_CHARACTERS]:
            shutil.rmtree(stale, ignore_errors=True)


def is_begun(folder: Path, fingerprint: str) -> bool:
    """Return whether `begin_frames` was called for this search.

    Parameters
    ----------
    folder : Path
        The folder of the results.
    fingerprint : str

    Returns
    -------
    bool
        False, too, on a machine that does not see the folder.
    """
    job = read_json_or_empty(folder / PARTIAL / JOB)
    return bool(job.get("fingerprint") == fingerprint)
