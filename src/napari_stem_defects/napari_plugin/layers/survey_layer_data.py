"""Layer data of a survey: how unusual each pixel is, ranked places, outlines of grains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY, LayerData, layer_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.lattice.grains import Grain

KIND_COLOURS = {"point": "#4dd0e1", "line": "#ffd54f", "area": "#f48fb1"}
"""Colour of each kind of place, of the layer and of the table."""
MOST_SHOWN = 1000
"""Places of a frame that are marked; the table lists all."""
_OUTLINE = "#a6f0a6"
_SYMBOLS = {"point": "ring", "line": "square", "area": "diamond"}
_SIZE, _SMALLEST_PX = 3.0, 12.0
_LINES_PER_IMAGE = 500
"""Edge of the image over the width of an outline."""
_GAMMA = 1.5
"""Keeps the noise of the perfect crystal dark."""
_Lead = tuple[float, ...]


def map_layer(data: Any, image: str, threshold: float, placement: dict[str, Any]) -> LayerData:
    """Return anomaly scores as an image layer, from 0 to twice the threshold.

    Parameters
    ----------
    data : array of float32, shape (Y, X) or (T, Y, X)
        Score of every pixel.
    image : str
        Name of the image surveyed.
    threshold : float
        Score that noise does not reach; 0 where nothing was searched.
    placement : dict
        Scale, translation, units and axis labels.

    Returns
    -------
    (data, keywords, kind)
        napari layer data.
    """
    keywords = placement | {
        "name": layer_name(image, "anomaly"),
        "colormap": "magma",
        "blending": "additive",
        "gamma": _GAMMA,
        "contrast_limits": (0.0, 2 * threshold or 1.0),
        "metadata": {METADATA_KEY: {"made": "survey", "threshold": threshold}},
    }
    return data, keywords, "image"


def places_layer(
    places: Sequence[tuple[_Lead, Candidate]],
    image: str,
    unit_px: float,
    placement: dict[str, Any],
) -> LayerData:
    """Return unusual places as points: rings for points, squares for lines, diamonds for areas.

    Parameters
    ----------
    places : sequence of (position, Candidate)
        With the position along leading axes, such as the frame of a stack.
    image : str
        Name of the image surveyed.
    unit_px : float
        Length unit of the survey in px, for the size of the marks.
    placement : dict
        Scale, translation, units and axis labels.

    Returns
    -------
    (data, keywords, kind)
        napari layer data; the features are rank, kind, score and sign.
    """
    found = [each for _, each in places]
    keywords = placement | {
        "name": layer_name(image, "unusual places"),
        "symbol": [_SYMBOLS[each.kind] for each in found],
        "size": max(_SMALLEST_PX, _SIZE * unit_px),
        "face_color": "transparent",
        "border_color": [KIND_COLOURS[each.kind] for each in found],
        "border_width": 0.06,
        "features": {
            "rank": [each.rank for each in found],
            "kind": [each.kind for each in found],
            "score": [round(each.score, 2) for each in found],
            "sign": [each.sign for each in found],
        },
        "metadata": {METADATA_KEY: {"made": "survey"}},
    }
    return np.array([(*lead, each.y, each.x) for lead, each in places], float), keywords, "points"


def grains_layer(
    grains: Sequence[tuple[_Lead, Grain]],
    image: str,
    frame_shape: tuple[int, ...],
    placement: dict[str, Any],
) -> LayerData:
    """Return the outlines of grains, a path per outline.

    Parameters
    ----------
    grains : sequence of (position, Grain)
        With the position along leading axes, such as the frame of a stack.
    image : str
        Name of the image surveyed.
    frame_shape : (int, int)
        Height and width of a frame in px, for the width of the lines.
    placement : dict
        Scale, translation, units and axis labels.

    Returns
    -------
    (data, keywords, kind)
        napari layer data; the features are grain, orientation_deg and area_fraction.
    """
    outlines = [
        (lead, grain, ring) for lead, grain in grains for ring in (grain.outline, *grain.holes)
    ]
    data = [np.array([(*lead, y, x) for y, x in ring], float) for lead, _, ring in outlines]
    keywords = placement | {
        "shape_type": "path",
        "name": layer_name(image, "grains"),
        "edge_color": _OUTLINE,
        "face_color": "transparent",
        "edge_width": max(1.0, max(frame_shape) / _LINES_PER_IMAGE),
        "features": {
            "grain": [grain.number for _, grain, _ in outlines],
            "orientation_deg": [round(grain.orientation_deg, 2) for _, grain, _ in outlines],
            "area_fraction": [round(grain.area_fraction, 4) for _, grain, _ in outlines],
        },
        "metadata": {METADATA_KEY: {"made": "survey"}},
    }
    return data, keywords, "shapes"
