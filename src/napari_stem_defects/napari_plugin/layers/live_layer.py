"""The live map as a labels layer over the frame shown, updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    frame_keywords,
    layer_name,
)
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive
from napari_stem_defects.napari_plugin.layers.placement import keep_on

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.jobs.live_map_request import LiveMap

_LIVE = "live"
_OPACITY = 0.7


class LiveLayer:
    """Shows live maps in the colours of their classes.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._source: weakref.ref[Image] | None = None
        self._layers: OwnedLayers[Labels] = OwnedLayers(viewer)
        self._classes: tuple[DefectClass, ...] = ()
        self._built: Labels | None = None

    @property
    def layer(self) -> Labels | None:
        """The layer; None if there is none or the user has deleted it."""
        return self._layers.get(_LIVE)

    @property
    def is_deleted(self) -> bool:
        """Whether the user has deleted the layer."""
        return _LIVE in self._layers and self.layer is None

    def prepare(self, source: Image, found: LiveMap) -> bool:
        """Build the layer that the first map of an image needs, without adding it.

        Building and adding take napari 50 ms and more each, so they have turns of their own.

        Parameters
        ----------
        source : Image
            The image that was searched.
        found : LiveMap

        Returns
        -------
        bool
            Whether a layer was built; `show` then adds it.
        """
        if self.layer is not None or self._built is not None:
            return False
        self._built = self._build(source, found)
        return True

    def show(self, source: Image, found: LiveMap) -> None:
        """Show a map; the first one of an image adds the layer over the image and its survey.

        Parameters
        ----------
        source : Image
            The image that was searched.
        found : LiveMap
        """
        layer = self.layer
        shape = (1, *found.drawn.shape) if source.ndim == 3 else found.drawn.shape
        if layer is not None and (alive(self._source) is not source or layer.data.shape != shape):
            self.remove()
            layer = None
        self._source = weakref.ref(source)
        placement = frame_keywords(source, found.shown.frame)
        if layer is None:
            built, self._built = self._built, None
            fits = built is not None and built.data.shape == shape
            layer = built if fits and built is not None else self._build(source, found)
            layer.name = layer_name(source.name, _LIVE)
            for name, value in placement.items():
                setattr(layer, name, value)
            layer.data[...] = found.drawn.reshape(shape)
            if found.classes != self._classes:
                self._use_classes(layer, found.classes)
            keep_on(layer, source)
            self._layers.add(_LIVE, layer, above=self._map_over(source))
            return
        if tuple(layer.translate) != tuple(placement["translate"]):
            layer.translate = placement["translate"]
        layer.data[...] = found.drawn.reshape(shape)
        if found.classes != self._classes:
            self._use_classes(layer, found.classes)
        layer.refresh(extent=False)

    def _map_over(self, source: Image) -> Layer:
        """Return the anomaly map of the image, whose bright places would hide the live map."""
        name = layer_name(source.name, "anomaly")
        maps = [each for each in self._viewer.layers if each.name == name]
        over = [each for each in maps if METADATA_KEY in each.metadata]
        return over[-1] if over else source

    def _build(self, source: Image, found: LiveMap) -> Labels:
        shape = (1, *found.drawn.shape) if source.ndim == 3 else found.drawn.shape
        layer = Labels(
            found.drawn.reshape(shape).copy(),
            name=layer_name(source.name, _LIVE),
            opacity=_OPACITY,
            metadata={METADATA_KEY: {"made": "live map"}},
            **frame_keywords(source, found.shown.frame),
        )
        self._use_classes(layer, found.classes)
        return layer

    def clear(self) -> None:
        """Empty the layer."""
        if (layer := self.layer) is not None and np.any(layer.data):
            layer.data[...] = 0
            layer.refresh(extent=False)

    def remove(self) -> None:
        """Remove the layer from the viewer."""
        self._built = None
        self._layers.remove_all()

    def _use_classes(self, layer: Labels, classes: tuple[DefectClass, ...]) -> None:
        colours = {value: each.colour for value, each in enumerate(classes, start=1)}
        layer.colormap = {0: "transparent", None: "transparent", **colours}
        layer.features = {
            "index": list(range(len(classes) + 1)),
            "class": ["", *(each.name for each in classes)],
        }
        self._classes = classes
