"""The survey of a frame as layers: how unusual each pixel is, ranked places, outlines of grains."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Points, Shapes

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY, frame_keywords
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive
from napari_stem_defects.napari_plugin.layers.placement import keep_on
from napari_stem_defects.napari_plugin.layers.survey_layer_data import (
    MOST_SHOWN,
    grains_layer,
    map_layer,
    places_layer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey


_MAP, _PLACES, _GRAINS = "map", "places", "grains"


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

    def show_map(self, source: Image, survey: Survey, *, is_visible: bool = True) -> Image:
        """Show how unusual each pixel is, from 0 to twice the threshold.

        Parameters
        ----------
        source : Image
            The image surveyed; the map lies directly over it.
        survey : Survey
        is_visible : bool
            Whether a new map is visible; the user's choice for an earlier one stays.

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
            _, keywords, _ = map_layer(data, source.name, survey.threshold, placement)
            layer = Image(data, visible=is_visible, **keywords)
            keep_on(layer, source)
            self._maps.add(_MAP, layer, above=source)
        highest = max(float(survey.anomaly.max(initial=0)), limits[1])
        layer.contrast_limits_range = (0.0, highest)
        layer.contrast_limits = limits
        layer.metadata[METADATA_KEY] = {"made": "survey", "threshold": survey.threshold}
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
        places = survey.candidates[:MOST_SHOWN]
        if not places:
            return None
        lead = (0.0,) if source.ndim == 3 else ()
        data, keywords, _ = places_layer(
            [(lead, each) for each in places],
            source.name,
            survey.unit_px,
            frame_keywords(source, survey.frame),
        )
        layer = Points(data, **keywords)
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
        lead = (0.0,) if source.ndim == 3 else ()
        outlined = [(lead, grain) for grain in survey.grain_map.outlined]
        if not outlined:
            return None
        placement = frame_keywords(source, survey.frame)
        data, keywords, _ = grains_layer(outlined, source.name, survey.anomaly.shape, placement)
        layer = Shapes(data, **keywords)
        keep_on(layer, source)
        self._grains.add(_GRAINS, layer)
        return layer

    def adopt(self, source: Image, layers: Iterable[Layer]) -> None:
        """Take over the layers of a stored survey, which the next survey of the image replaces.

        Parameters
        ----------
        source : Image
            The image surveyed.
        layers : iterable of Layer
            Those of a single image that a reader has added.
        """
        self._use(source)
        for layer in layers:
            keep_on(layer, source)
            if isinstance(layer, Image):
                highest = float(np.max(layer.data, initial=0))
                layer.contrast_limits_range = (0.0, max(highest, layer.contrast_limits[1]))
                self._maps.claim(_MAP, layer)
            elif isinstance(layer, Points):
                self._places.claim(_PLACES, layer)
            elif isinstance(layer, Shapes):
                self._grains.claim(_GRAINS, layer)

    def _use(self, source: Image) -> None:
        if alive(self._source) is not source:
            self._maps.forget()
            self._places.forget()
            self._grains.forget()
        self._source = weakref.ref(source)


def _with_frame_axis(values: NDArray[Any], source: Image) -> NDArray[Any]:
    """Return an image with the leading axis of a stack, where the source is one."""
    return values[np.newaxis] if source.ndim == 3 else values
