"""Masks of one class as pictures: TIFF or PNG, defects where a pixel is not 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile
from PIL import Image

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = (".tif", ".tiff", ".png")
"""Endings of files that are read as masks."""


def read_mask(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Read a mask.

    Parameters
    ----------
    path : Path
        TIFF or PNG of one grey plane.
    shape : (int, int)
        Height and width of its image in px.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        True where the pixel is not 0.

    Raises
    ------
    InputError
        The file is damaged or has another size.
    """
    try:
        if path.suffix.lower() == ".png":
            with Image.open(path) as picture:
                stored = np.asarray(picture)
        else:
            stored = np.asarray(tifffile.imread(path))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        fault = f"cannot be read as a mask ({error})"
        raise InputError(one_line(path, fault, "write it as TIFF or PNG")) from None
    if stored.shape != shape:
        fault = f"has the shape {stored.shape}, and its image {shape}"
        raise InputError(one_line(path, fault, "write one grey plane of the size of the image"))
    return np.asarray(stored != 0, np.bool_)
