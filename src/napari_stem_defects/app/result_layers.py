"""Shows detections as labels layers, one per class, made once and updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_stem_defects.app.layers import class_layer, frame_count, frame_shape, region_features
from napari_stem_defects.core.classes import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_stem_defects.engine.frame_result import FrameResult

_UNKNOWN_OPACITY = 0.25


class ResultLayers:
    """The labels layers of one image's detection.

    Adding a layer keeps napari busy for a tenth of a second, so they are made one at a time
    (`make_next`) while the worker still computes; results that come before wait. Layers that
    the user deletes stay deleted until the next run; renamed ones keep being updated.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._source: weakref.ref[Image] | None = None
        self._shape: tuple[int, ...] = ()
        self._made: dict[str, weakref.ref[Labels]] = {}
        self._missing: list[str] = []
        self._waiting: list[FrameResult] = []

    def begin(self, source: Image, names: Sequence[str]) -> None:
        """Get ready for results of an image; a rerun keeps its layers and empties them.

        Parameters
        ----------
        source : Image
        names : sequence of str
            The planes to come.
        """
        if self._source is None or self._source() is not source:
            self._made = {}
        self._source = weakref.ref(source)
        frames = (frame_count(source),) if source.ndim == 3 else ()
        self._shape = (*frames, *frame_shape(source))
        self._missing = [name for name in names if self.layer(name) is None]
        self._waiting = []
        for name in set(names) - set(self._missing):
            self._blank(name)

    def make_next(self) -> bool:
        """Make one missing layer; say whether there are more to make."""
        source = None if self._source is None else self._source()
        if source is None or not self._missing:
            return False
        self._make(self._missing.pop(0), source)
        if not self._missing:
            for result in self._waiting:
                self._fill_all(result)
            self._waiting = []
        return bool(self._missing)

    def show(self, result: FrameResult) -> None:
        """Show a frame's result, once the layers are there."""
        if self._missing:
            self._waiting.append(result)
        else:
            self._fill_all(result)

    def layer(self, class_name: str) -> Labels | None:
        """Return a class's layer; None where the user has deleted it."""
        made = self._made.get(class_name)
        layer = None if made is None else made()
        return layer if layer is not None and layer in self._viewer.layers else None

    def discard(self) -> None:
        """Remove the layers of a run that found nothing because it did not get that far."""
        self._missing, self._waiting = [], []
        for layer in [self.layer(name) for name in self._made]:
            if layer is not None:
                self._viewer.layers.remove(layer)
        self._made = {}

    def _make(self, name: str, source: Image) -> None:
        empty = np.zeros(self._shape, np.uint16)
        data, keywords, _ = class_layer(name, empty, source, region_features([]))
        layer = Labels(data, **keywords)
        if name == UNKNOWN:
            layer.opacity = _UNKNOWN_OPACITY
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._made[name] = weakref.ref(layer)

    def _fill_all(self, result: FrameResult) -> None:
        for name, plane in zip(result.names, result.numbered, strict=True):
            if (layer := self.layer(name)) is not None:
                _fill(layer, result.frame, plane)
                layer.features = region_features(
                    [region for region in result.regions if region.class_name == name]
                )

    def _blank(self, name: str) -> None:
        if (layer := self.layer(name)) is not None:
            layer.data[...] = 0
            layer.refresh()


def _fill(layer: Labels, frame: int, plane: NDArray[np.unsignedinteger[Any]]) -> None:
    target = layer.data[frame] if layer.ndim == 3 else layer.data
    if target.shape == plane.shape:
        target[...] = np.minimum(plane, np.iinfo(target.dtype).max)
        layer.refresh()
