"""Brush layer for labels: each stroke becomes a mask when the mouse is released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_shape,
    layer_name,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers
from napari_stem_defects.napari_plugin.layers.placement import keep_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

BRUSH_PX = 32
"""Diameter of the brush in px of the image."""
_BRUSH = "brush"


class LabelBrush:
    """A labels layer in paint mode, which hands over each stroke as a mask and clears it.

    Parameters
    ----------
    viewer : ViewerModel
    painted : callable
        Called with a boolean mask, shape (Y, X), after every stroke.
    """

    def __init__(self, viewer: ViewerModel, painted: Callable[[NDArray[np.bool_]], None]) -> None:
        self._viewer = viewer
        self._painted = painted
        self._layers: OwnedLayers[Labels] = OwnedLayers(viewer)

    @property
    def layer(self) -> Labels | None:
        """The brush layer; None while painting is off or if the user has deleted it."""
        return self._layers.get(_BRUSH)

    def begin(self, source: Image, colour: str) -> None:
        """Start painting over an image.

        Parameters
        ----------
        source : Image
            The image to paint over.
        colour : str
            Colour of the strokes, ``#rrggbb``.
        """
        layer = self.layer
        if layer is None:
            layer = Labels(
                np.zeros(frame_shape(source), np.uint8),
                name=layer_name(source.name, "brush"),
                metadata={METADATA_KEY: {"made": "brush"}},
                opacity=0.5,
                **spatial_keywords(source),
            )
            layer.brush_size = BRUSH_PX
            layer.mouse_drag_callbacks.append(self._on_stroke)
            keep_on(layer, source)
            self._layers.add(_BRUSH, layer, activate=True)
        self.recolour(colour)
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"

    def recolour(self, colour: str) -> None:
        """Change the colour of the strokes, ``#rrggbb``."""
        if (layer := self.layer) is not None:
            layer.colormap = {0: "transparent", None: colour}

    def end(self) -> None:
        """Stop painting and remove the layer."""
        self._layers.remove_all()

    def _on_stroke(self, layer: Labels, event: Any) -> Iterator[None]:
        yield
        while event.type == "mouse_move":
            yield
        mask = np.asarray(layer.data) > 0
        if mask.any() and layer.mode == "paint":
            self._painted(mask)
            layer.data = np.zeros_like(layer.data)
