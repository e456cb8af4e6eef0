"""Pixels of a layer, fetched when their turn comes."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSize


class Source:
    """Fetches frames of an image layer without keeping the layer alive.

    Parameters
    ----------
    image : Image
    pixel_size : PixelSize
        A size typed there goes before the layer's own.
    """

    def __init__(self, image: Image, pixel_size: PixelSize) -> None:
        self._layer, self._name, self._pixel_size = weakref.ref(image), image.name, pixel_size

    def frame(self, index: int) -> FrameInput:
        """Return one frame; `InputError` where the layer is gone."""
        return self._pixel_size.applied_to(convert.frame_input(self._alive(), index))

    def whole(self) -> FrameInput:
        """Return all frames; `InputError` where the layer is gone."""
        return self._pixel_size.applied_to(convert.whole_input(self._alive()))

    def _alive(self) -> Image:
        layer = self._layer()
        if layer is None:
            raise InputError(f"{self._name}: the image was deleted; open it again")
        return layer
