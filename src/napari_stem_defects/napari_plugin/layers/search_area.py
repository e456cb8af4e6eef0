"""Part of an image that is searched: the whole image, the current view or a drawn region."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Shapes
from skimage.measure import approximate_polygon

from napari_stem_defects.base.search_area import (
    MAX_POINTS,
    Outline,
    SearchArea,
)
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_shape,
    layer_name,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.placement import keep_on

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
"""Drawing tools, and the modes of a napari Shapes layer."""

_CLOSED = ("rectangle", "ellipse", "polygon")
_ELLIPSE_POINTS = 72
_TOLERANCES_PX = (0.5, 1, 2, 4)


def get_search_area(viewer: ViewerModel, image: Image, what: str) -> SearchArea | None:
    """Return the part of an image to search.

    Parameters
    ----------
    viewer : ViewerModel
        Provides the view and the drawn shapes.
    image : Image
        The image to search.
    what : str
        One of `AREAS`.

    Returns
    -------
    SearchArea or None
        In px of the image; None for the whole image.

    Raises
    ------
    InputError
        If no part of the image is in view, or no closed shape encloses a pixel of it.
    """
    if what == WHOLE:
        return None
    area = _area_in_view(image) if what == VIEW else _drawn_area(viewer, image)
    shape = frame_shape(image)
    try:
        area.bounding_box(shape)
    except InputError:
        raise InputError(
            f"{image.name}: no part of the image is in the {what}; move there"
        ) from None
    return None if area.mask(shape).all() else area


def describe_area(area: SearchArea | None, shape: tuple[int, int], what: str) -> str:
    """Return a description of the part searched, to show to the user.

    Parameters
    ----------
    area : SearchArea or None
        Result of `get_search_area` for ``what``.
    shape : (int, int)
        Height and width of a frame in px.
    what : str
        One of `AREAS`.
    """
    if area is None:
        return "all of the image"
    count = len(area.outlines)
    where = f"{count} drawn regions" if count > 1 else f"the {what}"
    return f"{where}, {100 * area.mask(shape).mean():.3g} % of the image"


def start_drawing(viewer: ViewerModel, image: Image, tool: str = "rectangle") -> None:
    """Activate a drawing tool on the shapes layer; add the layer if there is none.

    Parameters
    ----------
    viewer : ViewerModel
    image : Image
        The image to draw on.
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
            **spatial_keywords(image),
        )
        keep_on(layer, image)
        viewer.add_layer(layer)
    viewer.layers.selection.active = layer
    layer.mode = TOOLS[tool]


def _shapes(viewer: ViewerModel) -> Shapes | None:
    """Return the shapes layer to draw on: the active one, otherwise the topmost.

    Outlines of grains, which a survey adds, are not drawn on.
    """
    layers = [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Shapes)
        and layer.metadata.get(METADATA_KEY, {}).get("made") != "survey"
    ]
    active = viewer.layers.selection.active
    return active if active in layers else next(iter(layers), None)


def _area_in_view(image: Image) -> SearchArea:
    corners = np.asarray(image.corner_pixels)[:, -2:]
    top, left = np.floor(corners[0]).astype(int)
    bottom, right = np.ceil(corners[1]).astype(int)
    return SearchArea.rectangle(int(top), int(left), int(bottom), int(right))


def _drawn_area(viewer: ViewerModel, image: Image) -> SearchArea:
    """Return the area inside all closed shapes; lines and paths enclose nothing."""
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
    if len(closed) == 1 and (edges := _axis_aligned_edges(closed[0])) is not None:
        return SearchArea.rectangle(*edges)
    return SearchArea(tuple(closed))


def _in_image(points: NDArray[Any], layer: Any, image: Image) -> NDArray[np.float64]:
    """Return points of a layer in px of an image, without leading axes."""
    world = np.array([layer.data_to_world(point)[-2:] for point in points])
    lead = tuple(0.0 for _ in range(image.ndim - 2))
    return np.array([image.world_to_data((*lead, *point))[-2:] for point in world])


def _outline(kind: str, corners: NDArray[np.float64]) -> Outline:
    """Return the corners of a shape, few and rounded, so that scripts that repeat it stay short."""
    if kind == "ellipse":
        middle = corners.mean(axis=0)
        half, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
        angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
        corners = middle + half * np.cos(angle) + other * np.sin(angle)
    elif kind == "polygon":
        corners = _simplified(corners)
    return tuple((round(float(y), 1), round(float(x), 1)) for y, x in corners)


def _simplified(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Remove corners of a freehand outline, with the smallest tolerance that is sufficient."""
    closed = np.vstack([corners, corners[:1]])
    for tolerance in _TOLERANCES_PX:
        simplified: NDArray[np.float64] = approximate_polygon(closed, tolerance)[:-1]
        if 3 <= len(simplified) <= MAX_POINTS:
            return simplified
    return corners


def _axis_aligned_edges(outline: Outline) -> tuple[int, int, int, int] | None:
    """Return the edges, in whole px, of an outline that is a rectangle along the axes."""
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
