"""Commands in napari's menus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers.convert import set_pixel_size
from napari_stem_defects.workers.isolated_read import read_micrograph

if TYPE_CHECKING:
    from napari.layers import Layer


def set_pixel_size_from_file(layer: Layer) -> None:
    """Calibrate the selected layer with the pixel size its file states.

    napari opens TIFF files itself and drops their calibration; this reads it again.
    """
    try:
        size_nm = _size_in_file(layer)
    except InputError as error:
        show_warning(str(error))
        return
    set_pixel_size(layer, size_nm)
    show_info(f"{layer.name}: {size_nm:.5g} nm per pixel, from its file")


def _size_in_file(layer: Layer | None) -> float:
    if layer is None:
        raise InputError("no layer is selected; select the image whose pixel size is wanted")
    if layer.source.path is None:
        raise InputError(f"{layer.name}: was not opened from a file; type its pixel size instead")
    size_nm: float | None = read_micrograph(Path(layer.source.path)).pixel_size_nm
    if size_nm is None:
        raise InputError(f"{layer.name}: its file states no pixel size; type it instead")
    return size_nm
