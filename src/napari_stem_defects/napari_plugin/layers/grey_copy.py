"""Grey images that a file stores as colour, and their replacement by a grey layer.

napari shows three or four samples per pixel as colour: without contrast limits and colormap, and
with four values under the cursor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_pixels,
    source_path,
    spatial_keywords,
    whole_input,
)

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image
    from numpy.typing import NDArray

_SAMPLE_STEP = 8


def looks_grey(layer: Image) -> bool:
    """Return whether a colour layer seems to show a grey image: red, green and blue are equal.

    Parameters
    ----------
    layer : Image
        Of a stack, the first frame is examined; of each frame, one pixel of 64, so that a large
        image does not block napari.

    Returns
    -------
    bool
        False for grey layers, for colours, and for a transparency that differs between pixels.
    """
    if not layer.rgb or layer.multiscale:
        return False
    return _is_grey(frame_pixels(layer, 0)[::_SAMPLE_STEP, ::_SAMPLE_STEP])


def is_grey(layer: Image) -> bool:
    """Return whether all pixels of a colour layer are grey; see `looks_grey`."""
    return looks_grey(layer) and _is_grey(np.asarray(layer.data))


def replace_by_grey(layers: LayerList, layer: Image) -> Image:
    """Replace a colour layer of a grey image by a grey layer at the same place.

    Parameters
    ----------
    layers : LayerList
        Contains the layer.
    layer : Image
        For which `is_grey` is true.

    Returns
    -------
    Image
        The new layer: pixels, name, calibration, metadata and file of the old one.
    """
    from napari.layers import Image

    path = source_path(layer)
    # Labels of the image stay its labels.
    origin = {"sha256": whole_input(layer).micrograph().sha256}
    if path is not None:
        origin["path"] = str(path)
    metadata = layer.metadata | {METADATA_KEY: layer.metadata.get(METADATA_KEY, {}) | origin}
    # A copy: a view would keep all samples in memory.
    pixels = np.ascontiguousarray(np.asarray(layer.data)[..., 0])
    grey = Image(pixels, name=layer.name, metadata=metadata, **spatial_keywords(layer, pixels.ndim))
    name = layer.name
    # In this order, because napari moves its camera when the only layer is removed.
    layers.insert(layers.index(layer), grey)
    layers.remove(layer)
    grey.name = name
    layers.selection.active = grey
    return grey


def _is_grey(pixels: NDArray[Any]) -> bool:
    red = pixels[..., 0]
    if not all(np.array_equal(red, pixels[..., sample]) for sample in (1, 2)):
        return False
    return pixels.shape[-1] == 3 or bool(np.ptp(pixels[..., 3]) == 0)
