"""Pixels of an image layer, read when a job needs them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image

    from napari_stem_defects.jobs.frame_input import FrameInput


class LayerSource:
    """Reads frames of an image layer without keeping the layer alive.

    Parameters
    ----------
    image : Image
        The layer to read.
    with_pixel_size : callable
        Receives a frame and returns it with the pixel size that the user has typed, if any;
        it has priority over the calibration of the layer.
    """

    def __init__(self, image: Image, with_pixel_size: Callable[[FrameInput], FrameInput]) -> None:
        self._layer = weakref.ref(image)
        self._name = image.name
        self._with_pixel_size = with_pixel_size

    def frame(self, index: int) -> FrameInput:
        """Return one frame.

        Parameters
        ----------
        index : int
            Frame of a stack; 0 for a single image.

        Returns
        -------
        FrameInput

        Raises
        ------
        InputError
            If the layer was deleted, or its pixels are not square.
        """
        return self._with_pixel_size(convert.frame_input(self._image(), index))

    def whole(self) -> FrameInput:
        """Return the image with all its frames.

        Returns
        -------
        FrameInput

        Raises
        ------
        InputError
            If the layer was deleted, or its pixels are not square.
        """
        return self._with_pixel_size(convert.whole_input(self._image()))

    def _image(self) -> Image:
        layer = self._layer()
        if layer is None:
            raise InputError(f"{self._name}: the image was deleted; open it again")
        return layer
