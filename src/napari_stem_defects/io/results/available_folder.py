"""The folder for the results of an image: a new one, or that of its earlier results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.io.folder_kinds import PARTIAL, SUMMARY, folder_kind
from napari_stem_defects.io.folder_names import find_available_folder, is_free
from napari_stem_defects.io.results.json_file import read_json_or_empty

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph

JOB = "job.json"
"""File in the folder of the finished frames that names the image."""


def available_folder(out: Path, micrograph: Micrograph) -> Path:
    """Return the folder for the results of an image.

    Parameters
    ----------
    out : Path
        Parent folder.
    micrograph : Micrograph
        Its ``name`` gives the folder name; its ``sha256`` distinguishes images of one name.

    Returns
    -------
    Path
        A folder that is new, empty, or holds results of the same image.
    """
    return find_available_folder(
        out, micrograph.name, lambda path: _is_available(path, micrograph.sha256)
    )


def _is_available(path: Path, image_sha256: str) -> bool:
    if is_free(path):
        return True
    if folder_kind(path) == "survey":  # of the same image, perhaps, but no result to go on with
        return False
    job = read_json_or_empty(path / PARTIAL / JOB)
    summary = read_json_or_empty(path / SUMMARY)
    stored = job.get("image_sha256") or summary.get("image", {}).get("sha256")
    return bool(stored == image_sha256)
