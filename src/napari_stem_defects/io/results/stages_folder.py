"""The folder for the preprocessing stages of an image, ``OUT/<name>/``, and whose stages it holds.

``stages.json`` names the image, so that a second image of one name gets the folder ``<name>_2``
instead of replacing the stages of the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.version import __version__
from napari_stem_defects.io.folder_names import find_available_folder, is_free
from napari_stem_defects.io.results.json_file import read_json_or_empty, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings

STAGES = "stages.json"


def open_stages_folder(out: Path, micrograph: Micrograph, settings: PreprocessingSettings) -> Path:
    """Return the folder for the stages of an image, in which ``stages.json`` names it.

    Parameters
    ----------
    out : Path
        Parent folder.
    micrograph : Micrograph
        Its ``name`` gives the folder name; its ``sha256`` distinguishes images of one name.
    settings : PreprocessingSettings
        Parameters of the stages.

    Returns
    -------
    Path
        A new folder, or that of earlier stages of the same image.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    folder = find_available_folder(
        out, micrograph.name, lambda path: _is_available(path, micrograph.sha256)
    )
    about = {
        "image": {
            "name": micrograph.name,
            "path": None if micrograph.path is None else str(micrograph.path),
            "sha256": micrograph.sha256,
            "signal": micrograph.signal,
            "pixel_size_nm": micrograph.pixel_size_nm,
            "notes": list(micrograph.notes),
        },
        "preprocessing": settings.to_dict(),
        "version": __version__,
    }
    write_json(folder / STAGES, about)
    return folder


def _is_available(path: Path, image_sha256: str) -> bool:
    if is_free(path):
        return True
    return bool(read_json_or_empty(path / STAGES).get("image", {}).get("sha256") == image_sha256)
