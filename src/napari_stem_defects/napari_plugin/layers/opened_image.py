"""Layer of the image of stored results or of a stored survey, and what places others on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    RESULT_KEY,
    LayerData,
    calibration_keywords,
    image_layer,
)
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.jobs.opened_images import OpenedImages


def opened_image_layer(opened: OpenedImages[Any]) -> LayerData | None:
    """Return the image of one result, or the images of a batch as a stack that is read lazily.

    Parameters
    ----------
    opened : OpenedImages

    Returns
    -------
    (data, keywords, kind) or None
        napari layer data; None if no image is found.
    """
    if len(opened.members) == 1:
        micrograph = opened.micrograph(0)
        if micrograph is None:
            return None
        pixels, keywords, kind = image_layer(micrograph)
        about = keywords["metadata"][METADATA_KEY]
        about |= {RESULT_KEY: str(opened.folder), "path": str(micrograph.path)}
        return pixels, keywords, kind
    first = next((i for i in opened.frames if opened.micrograph(i) is not None), None)
    if first is None:
        return None
    pixels = _pixels(opened, first)
    low, high = float(pixels.min()), float(pixels.max())
    shape = (opened.frame_count, *opened.frame_shape)
    names = [member.name for member in opened.members]
    size = opened.pixel_size_nm
    origin = {
        RESULT_KEY: str(opened.folder),
        "pixel_size_nm": size,
        "pixel_size_source": "unknown" if size is None else "file",
        "images": names,
    }
    keywords = calibration_keywords(size, 3) | {
        "name": opened.name,
        "contrast_limits": (low, high if high > low else low + 1),
        "metadata": {METADATA_KEY: origin},
    }
    return FrameArray(lambda index: _pixels(opened, index), shape, np.float32), keywords, "image"


def placing_layer(opened: OpenedImages[Any], image: LayerData | None) -> Image:
    """Return a blank layer with the name and the place of the image, also where it is not found.

    Parameters
    ----------
    opened : OpenedImages
    image : (data, keywords, kind) or None
        What `opened_image_layer` returned.

    Returns
    -------
    Image
        Its pixels take no memory.
    """
    blank = np.broadcast_to(np.uint8(0), (*((1,) if opened.is_stack else ()), *opened.frame_shape))
    known = {} if image is None else {k: v for k, v in image[1].items() if k != "metadata"}
    place = known or {
        "name": opened.name,
        **calibration_keywords(opened.pixel_size_nm, blank.ndim),
    }
    names = ("name", "scale", "units", "axis_labels", "translate")
    placed = {name: value for name, value in place.items() if name in names}
    return Image(blank, contrast_limits=(0, 1), **placed)


def _pixels(opened: OpenedImages[Any], frame: int) -> NDArray[np.float32]:
    """Return a frame of a batch; zeros where its image is not found."""
    micrograph = opened.micrograph(frame)
    if micrograph is None:
        return np.zeros(opened.frame_shape, np.float32)
    return micrograph.frame(opened.place(frame).frame).pixels
