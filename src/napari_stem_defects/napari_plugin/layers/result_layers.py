"""Shows detections as labels layers, one per class, made once and updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    class_layer,
    frame_count,
    frame_shape,
    region_features,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.detection.frame_result import FrameResult

_UNKNOWN_OPACITY = 0.25


class ResultLayers:
    """The labels layers of one image's detection.

    Adding a layer keeps napari busy for a tenth of a second, building or filling a large one for
    some hundredths, so each is a step of its own (`step`); the newest result of a frame waits for
    its turn. Layers that the user deletes stay deleted until the next run; renamed ones keep
    being updated. Their metadata tell what the result was made of.

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
        self._built: Labels | None = None
        self._waiting: dict[tuple[int, str], FrameResult] = {}

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
        self._built, self._waiting = None, {}
        for name in set(names) - set(self._missing):
            self._blank(name)

    def step(self) -> bool:
        """Build, add or fill one layer; say whether there is more to do."""
        source = None if self._source is None else self._source()
        if self._missing and source is not None:
            if self._built is None:
                self._built = self._new(self._missing[0], source)
            else:
                self._add(self._missing.pop(0), self._built)
                self._built = None
        elif self._waiting:
            frame, name = next(iter(self._waiting))
            self._fill(name, self._waiting.pop((frame, name)))
        return bool(self._waiting or (self._missing and source is not None))

    def show(self, result: FrameResult) -> None:
        """Take a frame's result; `step` shows it, one layer after the other.

        Regions are numbered in each frame anew, and a layer has one table of features: it is that
        of the frame in view. Show a result again when its frame comes into view.
        """
        for name in result.names:
            self._waiting[result.frame, name] = result

    def layer(self, class_name: str) -> Labels | None:
        """Return a class's layer; None where the user has deleted it."""
        made = self._made.get(class_name)
        layer = None if made is None else made()
        return layer if layer is not None and layer in self._viewer.layers else None

    def discard(self) -> None:
        """Remove the layers of a run that found nothing because it did not get that far."""
        self._missing, self._built, self._waiting = [], None, {}
        for layer in [self.layer(name) for name in self._made]:
            if layer is not None:
                self._viewer.layers.remove(layer)
        self._made = {}

    def _new(self, name: str, source: Image) -> Labels:
        empty = np.zeros(self._shape, np.uint16)
        data, keywords, _ = class_layer(name, empty, source, region_features([]))
        layer = Labels(data, **keywords)
        if name == UNKNOWN:
            layer.opacity = _UNKNOWN_OPACITY
        return layer

    def _add(self, name: str, layer: Labels) -> None:
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._made[name] = weakref.ref(layer)

    def _fill(self, name: str, result: FrameResult) -> None:
        layer = self.layer(name)
        if layer is None:
            return
        plane = result.numbered[result.names.index(name)]
        target = layer.data[result.frame] if layer.ndim == 3 else layer.data
        if target.shape != plane.shape:
            return  # the user has put other data there
        if not np.array_equal(target, plane):
            target[...] = np.minimum(plane, np.uint32(np.iinfo(target.dtype).max))
            layer.refresh(extent=False)
        if layer.ndim == 2 or result.frame == self._viewer.dims.current_step[0]:
            layer.features = region_features([r for r in result.regions if r.class_name == name])
        _sign(layer, result)

    def _blank(self, name: str) -> None:
        if (layer := self.layer(name)) is not None:
            layer.data[...] = 0
            layer.refresh(extent=False)
            layer.metadata[METADATA_KEY].pop("frames", None)


def _sign(layer: Labels, result: FrameResult) -> None:
    """Write into a layer's metadata what its frame was made of and with."""
    about = layer.metadata[METADATA_KEY]
    about.update(result.origin)
    about.setdefault("frames", {})[result.frame] = plain(result.parameters)
