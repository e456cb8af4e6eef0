"""A brush for labels: what is painted over becomes labels when the mouse is released."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_shape,
    layer_name,
    spatial,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

BRUSH_PX = 32


class PaintLayer:
    """Lends napari's brush; every stroke is handed over as a mask and vanishes.

    Parameters
    ----------
    viewer : ViewerModel
    painted : callable
        Called with a mask, shape (Y, X), after every stroke.
    """

    def __init__(self, viewer: ViewerModel, painted: Callable[[NDArray[np.bool_]], None]) -> None:
        self._viewer = viewer
        self._painted = painted
        self._made: weakref.ref[Labels] | None = None

    @property
    def layer(self) -> Labels | None:
        """The brush's layer; None where it is put away or the user has deleted it."""
        layer = None if self._made is None else self._made()
        return layer if layer is not None and layer in self._viewer.layers else None

    def begin(self, source: Image, colour: str) -> None:
        """Paint over an image in a class's colour."""
        layer = self.layer
        if layer is None:
            layer = Labels(
                np.zeros(frame_shape(source), np.uint8),
                name=layer_name(source.name, "brush"),
                metadata={METADATA_KEY: {"made": "brush"}},
                opacity=0.5,
                **spatial(source),
            )
            layer.brush_size = BRUSH_PX
            layer.mouse_drag_callbacks.append(self._on_stroke)
            self._viewer.add_layer(layer)
            self._made = weakref.ref(layer)
        self.recolour(colour)
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"

    def recolour(self, colour: str) -> None:
        """Paint in another colour."""
        if (layer := self.layer) is not None:
            layer.colormap = {0: "transparent", None: colour}

    def end(self) -> None:
        """Put the brush away."""
        if (layer := self.layer) is not None:
            self._viewer.layers.remove(layer)
        self._made = None

    def _on_stroke(self, layer: Labels, event: Any) -> Iterator[None]:
        yield
        while event.type == "mouse_move":
            yield
        mask = np.asarray(layer.data) > 0
        if mask.any() and layer.mode == "paint":
            self._painted(mask)
            layer.data = np.zeros_like(layer.data)
