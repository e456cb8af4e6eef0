"""Functions of the quick worker that read files, apart from all others.

The process that reads a file starts with every command, so it imports no more than the readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.io.labels.patch_folder import PatchFolder


def read_micrograph(*, path: Path, report: ProgressCallback) -> Micrograph:
    """Read a file."""
    from napari_stem_defects.io.images.read import read

    return read(path)


def read_patches(*, path: Path, report: ProgressCallback) -> PatchFolder:
    """Read a patch folder."""
    from napari_stem_defects.io.labels.patch_folder import read_patch_folder

    return read_patch_folder(path)
