"""Which part of an image a detection searches: all of it, what is in view, or what was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

from napari_stem_defects.app.layers import METADATA_KEY, frame_shape, layer_name, spatial
from napari_stem_defects.engine.area import Area
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

WHOLE, VIEW, DRAWN = "whole image", "current view", "drawn region"
AREAS = (WHOLE, VIEW, DRAWN)


def area_of(viewer: ViewerModel, image: Image, what: str) -> Area | None:
    """Return the rectangle to search, None for all of the image.

    Raises
    ------
    InputError
        Where nothing is in view or nothing was drawn.
    """
    if what == WHOLE:
        return None
    corners = np.asarray(image.corner_pixels)[:, -2:] if what == VIEW else _drawn(viewer, image)
    top, left = np.floor(corners[0]).astype(int)
    bottom, right = np.ceil(corners[1]).astype(int)
    area = Area(int(top), int(left), int(bottom), int(right))
    try:
        area = area.within(frame_shape(image))
    except InputError:
        raise InputError(f"{image.name}: no part of it is in the {what}; move there") from None
    return None if area == (0, 0, *frame_shape(image)) else area


def start_drawing(viewer: ViewerModel, image: Image) -> None:
    """Make a layer to draw the region on, or take up the one there is, and let the user draw."""
    layer = _shapes(viewer)
    if layer is None:
        layer = Shapes(
            ndim=2,
            name=layer_name(image.name, "search region"),
            edge_color="#4c8df6",
            face_color="transparent",
            edge_width=2,
            metadata={METADATA_KEY: {"made": "region"}},
            **spatial(image),
        )
        viewer.add_layer(layer)
    viewer.layers.selection.active = layer
    layer.mode = "add_rectangle"


def _shapes(viewer: ViewerModel) -> Shapes | None:
    """Return the layer drawn on: the active one, else the topmost that holds shapes."""
    layers = [layer for layer in reversed(viewer.layers) if isinstance(layer, Shapes)]
    active = viewer.layers.selection.active
    return active if active in layers else next(iter(layers), None)


def _drawn(viewer: ViewerModel, image: Image) -> np.ndarray:
    layer = _shapes(viewer)
    if layer is None or not len(layer.data):
        raise InputError(f"{image.name}: no region is drawn yet; draw a rectangle on it")
    chosen = max(layer.selected_data, default=len(layer.data) - 1)
    world = np.array([layer.data_to_world(point)[-2:] for point in layer.data[chosen]])
    # Leading axes do not matter to the place in the frame.
    lead = tuple(0.0 for _ in range(image.ndim - 2))
    corners = np.array([image.world_to_data((*lead, *point))[-2:] for point in world])
    return np.array([corners.min(axis=0), corners.max(axis=0)])
