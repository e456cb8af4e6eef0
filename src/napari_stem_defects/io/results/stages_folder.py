"""The folder for the preprocessing stages of an image: ``OUT``, or ``OUT/<name>/`` in it.

``stages.json`` names the image, so that those of a further image do not replace the first ones.
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
SHEET = "stages.png"
"""All stages on one sheet, which earlier builds wrote without naming the image."""


def open_stages_folder(out: Path, micrograph: Micrograph, settings: PreprocessingSettings) -> Path:
    """Return the folder for the stages of an image, in which ``stages.json`` names it.

    Parameters
    ----------
    out : Path
        The output folder.
    micrograph : Micrograph
        Its ``sha256`` distinguishes it from others, and its ``name`` is that of a folder in
        ``out``.
    settings : PreprocessingSettings
        Parameters of the stages.

    Returns
    -------
    Path
        ``out``, unless it holds the stages of another image: then a folder of its own in it.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    folder = out
    if _is_of_another(out, micrograph.sha256):
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


def _is_of_another(path: Path, image_sha256: str) -> bool:
    """Return whether a folder holds the stages of another image, or of one that is not known."""
    if not any((path / name).exists() for name in (STAGES, SHEET)):
        return False
    return _image_of(path) != image_sha256


def _is_available(path: Path, image_sha256: str) -> bool:
    return is_free(path) or _image_of(path) == image_sha256


def _image_of(path: Path) -> str | None:
    """Return the SHA-256 of the image whose stages a folder holds, None if it is not known."""
    image: str | None = read_json_or_empty(path / STAGES).get("image", {}).get("sha256")
    return image
