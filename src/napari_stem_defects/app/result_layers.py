"""Shows detections as labels layers, one per class, made once and updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_stem_defects.app.layers import class_layer, frame_count, region_features
from napari_stem_defects.core.classes import UNKNOWN

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_stem_defects.engine.frame_result import FrameResult


class ResultLayers:
    """The labels layers of one image's detection.

    Layers that the user deletes stay deleted until the next run; layers that are renamed keep
    being updated.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._source: weakref.ref[Image] | None = None
        self._shape: tuple[int, ...] = ()
        self._made: dict[str, weakref.ref[Labels]] = {}

    def begin(self, source: Image) -> None:
        """Take an image's place for the results to come; a rerun keeps its layers."""
        same = self._source is not None and self._source() is source
        self._source = weakref.ref(source)
        self._made = {
            name: made
            for name, made in (self._made.items() if same else ())
            if self._alive(made) is not None
        }
        count = frame_count(source)
        self._shape = (count,) if source.ndim == 3 else ()
        for name in self._made:
            self._blank(name)

    def show(self, result: FrameResult) -> None:
        """Show a frame's result; layers are made where there are none yet."""
        for name, plane in zip(result.names, result.numbered, strict=True):
            if name not in self._made:
                self._make(name, plane.shape)
            layer = self.layer(name)
            if layer is not None:
                self._fill(layer, result, plane)
                layer.features = region_features(
                    [r for r in result.regions if r.class_name == name]
                )

    def layer(self, class_name: str) -> Labels | None:
        """Return a class's layer; None where the user has deleted it."""
        made = self._made.get(class_name)
        return None if made is None else self._alive(made)

    def _alive(self, made: weakref.ref[Labels]) -> Labels | None:
        layer = made()
        return layer if layer is not None and layer in self._viewer.layers else None

    def _make(self, name: str, shape: tuple[int, ...]) -> None:
        source = None if self._source is None else self._source()
        if source is None:
            return
        empty = np.zeros((*self._shape, *shape), np.uint16)
        data, keywords, _ = class_layer(name, empty, source, region_features([]))
        layer = Labels(data, **keywords)
        if name == UNKNOWN:
            layer.opacity = 0.25
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._made[name] = weakref.ref(layer)

    def _fill(self, layer: Labels, result: FrameResult, plane: NDArray[Any]) -> None:
        target = layer.data[result.frame] if self._shape else layer.data
        if target.shape == plane.shape:
            target[...] = np.minimum(plane, np.iinfo(target.dtype).max)
            layer.refresh()

    def _blank(self, name: str) -> None:
        if (layer := self.layer(name)) is not None:
            layer.data[...] = 0
            layer.refresh()
