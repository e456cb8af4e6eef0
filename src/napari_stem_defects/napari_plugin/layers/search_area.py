"""Which part of an image a detection searches: all of it, what is in view, or what was drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from skimage.measure import approximate_polygon

from napari_stem_defects.base.search_area import (
    MOST_POINTS,
    Outline,
    SearchArea,
)
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_shape,
    layer_name,
    spatial,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

WHOLE, VIEW, DRAWN = "whole image", "current view", "drawn region"
AREAS = (WHOLE, VIEW, DRAWN)

TOOLS = {
    "rectangle": "add_rectangle",
    "ellipse": "add_ellipse",
    "polygon": "add_polygon",
    "freehand": "add_polygon_lasso",
}
"""What a region can be drawn with, and napari's names for it."""

_CLOSED = ("rectangle", "ellipse", "polygon")
_ELLIPSE_POINTS = 72
_TOLERANCES_PX = (0.5, 1, 2, 4)


def area_of(viewer: ViewerModel, image: Image, what: str) -> SearchArea | None:
    """Return the part to search, None for all of the image.

    Raises
    ------
    InputError
        Where nothing is in view, or nothing was drawn that encloses a pixel of the image.
    """
    if what == WHOLE:
        return None
    area = _viewed(image) if what == VIEW else _drawn(viewer, image)
    shape = frame_shape(image)
    try:
        area.box(shape)
    except InputError:
        raise InputError(f"{image.name}: no part of it is in the {what}; move there") from None
    return None if area.mask(shape).all() else area


def describe_area(area: SearchArea | None, shape: tuple[int, int], what: str) -> str:
    """Say what is searched, in words for the user.

    Parameters
    ----------
    area : Area or None
        What `area_of` returned for ``what``.
    shape : (Y, X)
        Of a frame.
    """
    if area is None:
        return "all of the image"
    count = len(area.outlines)
    where = f"{count} drawn regions" if count > 1 else f"the {what}"
    return f"{where}, {100 * area.mask(shape).mean():.3g} % of the image"


def start_drawing(viewer: ViewerModel, image: Image, tool: str = "rectangle") -> None:
    """Make a layer to draw the region on, or take up the one there is, and let the user draw.

    Parameters
    ----------
    tool : str
        One of `TOOLS`.
    """
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
    layer.mode = TOOLS[tool]


def _shapes(viewer: ViewerModel) -> Shapes | None:
    """Return the layer drawn on: the active one, else the topmost that holds shapes."""
    layers = [layer for layer in reversed(viewer.layers) if isinstance(layer, Shapes)]
    active = viewer.layers.selection.active
    return active if active in layers else next(iter(layers), None)


def _viewed(image: Image) -> SearchArea:
    corners = np.asarray(image.corner_pixels)[:, -2:]
    top, left = np.floor(corners[0]).astype(int)
    bottom, right = np.ceil(corners[1]).astype(int)
    return SearchArea.rectangle(int(top), int(left), int(bottom), int(right))


def _drawn(viewer: ViewerModel, image: Image) -> SearchArea:
    """Return what all closed shapes enclose; lines and paths enclose nothing."""
    layer = _shapes(viewer)
    shapes = [] if layer is None else zip(layer.shape_type, layer.data, strict=True)
    closed = [
        _outline(kind, _in_image(points, layer, image))
        for kind, points in shapes
        if kind in _CLOSED
    ]
    if not closed:
        raise InputError(
            f"{image.name}: no region is drawn yet; draw a rectangle, an ellipse or a polygon on it"
        )
    if len(closed) == 1 and (edges := _upright(closed[0])) is not None:
        return SearchArea.rectangle(*edges)
    return SearchArea(tuple(closed))


def _in_image(points: NDArray[Any], layer: Any, image: Image) -> NDArray[np.float64]:
    """Return points of a layer in px of an image; leading axes do not matter to the place."""
    world = np.array([layer.data_to_world(point)[-2:] for point in points])
    lead = tuple(0.0 for _ in range(image.ndim - 2))
    return np.array([image.world_to_data((*lead, *point))[-2:] for point in world])


def _outline(kind: str, corners: NDArray[np.float64]) -> Outline:
    """Return the points of a shape, few and rounded: a command that repeats it stays short."""
    if kind == "ellipse":
        middle = corners.mean(axis=0)
        half, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
        angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
        corners = middle + half * np.cos(angle) + other * np.sin(angle)
    elif kind == "polygon":
        corners = _thinned(corners)
    return tuple((round(float(y), 1), round(float(x), 1)) for y, x in corners)


def _thinned(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out what a freehand outline does not need, to within half a px if that is enough."""
    closed = np.vstack([corners, corners[:1]])
    for tolerance in _TOLERANCES_PX:
        thinned: NDArray[np.float64] = approximate_polygon(closed, tolerance)[:-1]
        if 3 <= len(thinned) <= MOST_POINTS:
            return thinned
    return corners


def _upright(outline: Outline) -> tuple[int, int, int, int] | None:
    """Return the whole pixels in an outline that is a rectangle along the axes."""
    y, x = np.array(outline).T
    corners = {(y.min(), x.min()), (y.min(), x.max()), (y.max(), x.min()), (y.max(), x.max())}
    if len(outline) != 4 or set(outline) != corners:
        return None
    return (
        math.ceil(y.min()),
        math.ceil(x.min()),
        math.floor(y.max()) + 1,
        math.floor(x.max()) + 1,
    )
