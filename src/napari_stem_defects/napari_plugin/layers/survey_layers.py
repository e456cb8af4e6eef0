"""The survey of a frame as layers: how unusual each pixel is, ranked places, outlines of grains."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Points, Shapes

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_keywords,
    layer_name,
)
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive
from napari_stem_defects.napari_plugin.layers.placement import keep_on

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey

_MAP, _PLACES, _GRAINS = "anomaly", "unusual places", "grains"
_OUTLINE = "#a6f0a6"
_SYMBOLS = {"point": "ring", "line": "square", "area": "diamond"}
KIND_COLOURS = {"point": "#4dd0e1", "line": "#ffd54f", "area": "#f48fb1"}
"""Colour of each kind of place, of the layer and of the table."""
_SIZE_PERIODS, _SMALLEST_PX = 3.0, 12.0
_SHOWN = 1000
_LINES_PER_IMAGE = 500
"""Edge of the image over the width of an outline."""
_GAMMA = 1.5
"""Keeps the noise of the perfect crystal dark."""


class SurveyLayers:
    """Shows surveys over their image; a new survey of the same image updates its layers.

    Layers that the user deletes come back with the next survey.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._source: weakref.ref[Image] | None = None
        self._maps: OwnedLayers[Image] = OwnedLayers(viewer)
        self._places: OwnedLayers[Points] = OwnedLayers(viewer)
        self._grains: OwnedLayers[Shapes] = OwnedLayers(viewer)

    def show_map(self, source: Image, survey: Survey) -> Image:
        """Show how unusual each pixel is, from 0 to twice the threshold.

        Parameters
        ----------
        source : Image
            The image surveyed; the map lies directly over it.
        survey : Survey

        Returns
        -------
        Image
            The layer.
        """
        self._use(source)
        limits = (0.0, 2 * survey.threshold)
        layer = self._maps.get(_MAP)
        placement = frame_keywords(source, survey.frame)
        data = _with_frame_axis(survey.anomaly, source)
        if layer is not None and layer.data.shape == data.shape:
            layer.data = data
            layer.translate = placement["translate"]
        else:
            layer = Image(
                data,
                name=layer_name(source.name, _MAP),
                colormap="magma",
                blending="additive",
                gamma=_GAMMA,
                metadata={METADATA_KEY: {"made": "survey"}},
                **placement,
            )
            keep_on(layer, source)
            self._maps.add(_MAP, layer, above=source)
        highest = max(float(survey.anomaly.max(initial=0)), limits[1])
        layer.contrast_limits_range = (0.0, highest)
        layer.contrast_limits = limits
        layer.metadata[METADATA_KEY]["threshold"] = survey.threshold
        return layer

    def show_places(self, source: Image, survey: Survey) -> Points | None:
        """Mark the unusual places: circles for points, squares for lines, diamonds for areas.

        Parameters
        ----------
        source : Image
            The image surveyed.
        survey : Survey
            At most its first 1000 places are marked.

        Returns
        -------
        Points or None
            The layer; its features are rank, kind, score and sign. None if there is no place.
        """
        self._use(source)
        old = self._places.get(_PLACES)
        if old is not None:
            self._viewer.layers.remove(old)
        places = survey.candidates[:_SHOWN]
        if not places:
            return None
        lead = (0.0,) if source.ndim == 3 else ()
        layer = Points(
            np.array([(*lead, each.y, each.x) for each in places], float),
            name=layer_name(source.name, _PLACES),
            symbol=[_SYMBOLS[each.kind] for each in places],
            size=max(_SMALLEST_PX, _SIZE_PERIODS * survey.unit_px),
            face_color="transparent",
            border_color=[KIND_COLOURS[each.kind] for each in places],
            border_width=0.06,
            features={
                "rank": [each.rank for each in places],
                "kind": [each.kind for each in places],
                "score": [round(each.score, 2) for each in places],
                "sign": [each.sign for each in places],
            },
            metadata={METADATA_KEY: {"made": "survey"}},
            **frame_keywords(source, survey.frame),
        )
        keep_on(layer, source)
        self._places.add(_PLACES, layer)
        return layer

    def show_grains(self, source: Image, survey: Survey) -> Shapes | None:
        """Outline the grains, where there are several or a part of the image has no lattice.

        Parameters
        ----------
        source : Image
            The image surveyed.
        survey : Survey

        Returns
        -------
        Shapes or None
            The layer, one path per outline; its features are grain, orientation_deg and
            area_fraction. None where one grain fills the image, or there is no grain.
        """
        self._use(source)
        old = self._grains.get(_GRAINS)
        if old is not None:
            self._viewer.layers.remove(old)
        outlines = [
            (grain, ring)
            for grain in survey.grain_map.outlined
            for ring in (grain.outline, *grain.holes)
        ]
        if not outlines:
            return None
        lead = (0.0,) if source.ndim == 3 else ()
        height, width = survey.anomaly.shape
        layer = Shapes(
            [np.array([(*lead, y, x) for y, x in ring], float) for _, ring in outlines],
            shape_type="path",
            name=layer_name(source.name, _GRAINS),
            edge_color=_OUTLINE,
            face_color="transparent",
            edge_width=max(1.0, max(height, width) / _LINES_PER_IMAGE),
            features={
                "grain": [grain.number for grain, _ in outlines],
                "orientation_deg": [round(grain.orientation_deg, 2) for grain, _ in outlines],
                "area_fraction": [round(grain.area_fraction, 4) for grain, _ in outlines],
            },
            metadata={METADATA_KEY: {"made": "survey"}},
            **frame_keywords(source, survey.frame),
        )
        keep_on(layer, source)
        self._grains.add(_GRAINS, layer)
        return layer

    def _use(self, source: Image) -> None:
        if alive(self._source) is not source:
            self._maps.forget()
            self._places.forget()
            self._grains.forget()
        self._source = weakref.ref(source)


def _with_frame_axis(values: NDArray[Any], source: Image) -> NDArray[Any]:
    """Return an image with the leading axis of a stack, where the source is one."""
    return values[np.newaxis] if source.ndim == 3 else values
