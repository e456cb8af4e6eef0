"""Menu commands of the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari import current_viewer

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    source_path,
)
from napari_stem_defects.napari_plugin.layers.placement import calibrate
from napari_stem_defects.napari_plugin.panels.common.plain_text import show_info, show_warning
from napari_stem_defects.workers.isolated_read import read_micrograph

if TYPE_CHECKING:
    from napari.layers import Layer


def set_pixel_size_from_file(layer: Layer) -> None:
    """Calibrate a layer with the pixel size in its file.

    napari opens TIFF files itself and drops their calibration; this reads it again. A message
    reports the pixel size, or why there is none.

    Parameters
    ----------
    layer : Layer
        The selected layer.
    """
    try:
        size_nm = _pixel_size_in_file(layer)
    except InputError as error:
        show_warning(str(error))
        return
    calibrate(current_viewer(), layer, size_nm)
    show_info(f"{layer.name}: {size_nm:.5g} nm per pixel, read from its file")


def _pixel_size_in_file(layer: Layer | None) -> float:
    if layer is None:
        raise InputError("no layer is selected; select the image to calibrate")
    path = source_path(layer)
    if path is None:
        raise InputError(f"{layer.name}: not opened from a file; type the pixel size instead")
    signal = layer.metadata.get(METADATA_KEY, {}).get("signal") or None
    size_nm: float | None = read_micrograph(path, signal).pixel_size_nm
    if size_nm is None:
        raise InputError(f"{layer.name}: the file contains no pixel size; type it instead")
    return size_nm
