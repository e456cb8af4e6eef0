"""An image that is chosen in a panel is seen: others do not lie over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import is_plugin_layer

if TYPE_CHECKING:
    from napari.components import LayerList

_COVERING = ("opaque", "translucent", "translucent_no_depth")
"""Blendings in which an image hides what lies below it."""


def uncover(layers: LayerList, image: Image) -> None:
    """Show an image, and hide the images that lie over it.

    Labels of one image over the picture of another would be set where the other one has defects.
    Maps and stages of the panels stay, as do images that the user made transparent.

    Parameters
    ----------
    layers : LayerList
        The layers of the viewer.
    image : Image
        One of them.
    """
    image.visible = True
    for layer in list(layers)[layers.index(image) + 1 :]:
        covers = isinstance(layer, Image) and not is_plugin_layer(layer) and layer.opacity == 1
        if covers and layer.blending in _COVERING:
            layer.visible = False
