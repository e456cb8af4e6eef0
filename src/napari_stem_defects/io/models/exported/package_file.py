"""The model file in a package of bioimage.io."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.models.model_file import SIZE_LIMIT, SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE_SUFFIX = ".zip"


def read_package(path: Path) -> tuple[str, bytes]:
    """Return the model file in a package.

    Parameters
    ----------
    path : Path
        A ``.zip`` that `bioimageio_package.write_package` wrote.

    Returns
    -------
    name : str
        Its file name.
    data : bytes
        Its content, not yet checked.

    Raises
    ------
    ModelError
        The file is no such package.
    """
    advice = "give a package that `models export` wrote"
    try:
        with zipfile.ZipFile(path) as file:
            entries = [each for each in file.infolist() if each.filename.endswith(SUFFIX)]
            if len(entries) != 1 or {"/", "\\"} & set(entries[0].filename):
                fault = f"holds {len(entries) or 'no'} model files of this program"
                raise ModelError(one_line(path, fault, advice))
            if entries[0].file_size > SIZE_LIMIT:
                raise ModelError(one_line(path, "holds a model that is too large", advice))
            return entries[0].filename, file.read(entries[0])
    except (OSError, zipfile.BadZipFile, ValueError, RuntimeError, EOFError) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ModelError(one_line(path, fault, advice)) from error
