"""Pictures, PNG, JPEG and BMP, by Pillow."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.limits import check_declared_size
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

# Pillow modes that numpy reads directly; other modes are converted to RGB.
_PILLOW_GREY = frozenset({"1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_PILLOW_COLOUR = frozenset({"RGB", "RGBA"})


def list_picture(path: Path) -> list[StoredSignal]:
    """Read a PNG, JPEG or BMP file; its resolution is a print size and is not used.

    Parameters
    ----------
    path : Path
        A PNG, JPEG or BMP file; only the first frame of an animation is read.

    Returns
    -------
    list of StoredSignal
        One.

    Raises
    ------
    ReadError
        The image is too big.
    Exception
        Any error of Pillow for a damaged file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=("PNG", "JPEG", "BMP")) as image:
                check_declared_size(
                    path, (image.height, image.width, len(image.getbands())), np.uint8
                )
                raw = _from_pillow(image)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            limit = (Image.MAX_IMAGE_PIXELS or 0) / 1e6
            fault = f"has more than the {limit:.0f} million pixels allowed in a picture"
            raise ReadError(one_line(path, fault, "save it as TIFF")) from None
    array = raw.array
    info = SignalInfo("image", array.shape[:2], str(array.dtype), is_raw=not raw.colour)
    return [StoredSignal(info, lambda: raw)]


def _from_pillow(image: Image.Image) -> RawImage:
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append("Of an animation the first frame was read.")
    if image.mode == "LA":
        notes.append("The alpha channel was left out.")
        array = np.asarray(image)[..., 0]
    else:
        known = image.mode in _PILLOW_GREY | _PILLOW_COLOUR
        array = np.asarray(image if known else image.convert("RGB"))
    return RawImage(
        array,
        colour=array.ndim == 3,
        metadata={"mode": image.mode, "info": image.info},
        notes=tuple(notes),
    )
