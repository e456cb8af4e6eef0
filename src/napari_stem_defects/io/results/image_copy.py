"""Copy of an image that is no file, kept with its results.

Images of samples, of scripts and of other plugins are in napari only. Without a copy their results
would open without the image, and exports that contain it would fail.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.images.write_stages import encode_tiff
from napari_stem_defects.io.results.image_file import is_image_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph

_MOST_BYTES = 2**30


@contextmanager
def kept_image(
    micrograph: Micrograph, find_folder: Callable[[Micrograph], Path]
) -> Iterator[Micrograph]:
    """Yield an image as that of a file with its results; the file is written when they are.

    Parameters
    ----------
    micrograph : Micrograph
        An image or stack.
    find_folder : callable
        Returns the folder for the results of an image.

    Yields
    ------
    Micrograph
        With path and hash of ``<folder>/<folder>.tif``, a calibrated TIFF in which invalid pixels
        are NaN; unchanged where the image is a file already, or larger than 1 GiB.

    Raises
    ------
    OutputError
        The copy cannot be written.
    """
    is_file = micrograph.path is not None and is_image_file(micrograph.path)
    if is_file or micrograph.pixels.nbytes > _MOST_BYTES:
        yield micrograph
        return
    pixels = micrograph.pixels
    if micrograph.invalid is not None:
        pixels = np.where(micrograph.invalid, np.float32(np.nan), pixels)
    data = encode_tiff(pixels, micrograph.pixel_size_nm)
    copied = replace(micrograph, sha256=hashlib.sha256(data).hexdigest(), signal="")
    folder = find_folder(copied)
    path = folder / f"{folder.name}.tif"
    yield replace(copied, path=path)
    write_bytes(path, data)
