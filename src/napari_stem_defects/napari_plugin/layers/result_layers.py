"""Detection results as labels layers, one per class, updated in place."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_stem_defects.base.defect_classes import BULK, UNKNOWN
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    RESULT_KEY,
    class_layer,
    frame_count,
    frame_shape,
)
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive
from napari_stem_defects.napari_plugin.layers.placement import keep_on
from napari_stem_defects.napari_plugin.layers.region_features import region_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.networks.spec import EnsembleSpec

_UNKNOWN_OPACITY = 0.25


def opacity_of(class_name: str, usual: float) -> float:
    """Return the opacity of a class's layer: ``unknown`` must not hide the image."""
    return _UNKNOWN_OPACITY if class_name == UNKNOWN else usual


def shown_classes(spec: EnsembleSpec) -> list[DefectClass]:
    """Return the classes of a model that get a layer: the defects and ``unknown``."""
    return [each for name, each in spec.class_table.items() if name != BULK]


class ResultLayers:
    """The labels layers of the detection on one image.

    Adding a layer occupies napari for a tenth of a second; building or filling a large one takes
    some hundredths. Each is therefore a step of its own (`step`), and the newest result of a
    frame waits for its turn. Layers that the user deletes are not added again until the next
    run, or until `restore` is called; renamed layers are still updated. The metadata of
    each layer records the model, image and parameters of the result.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._source: weakref.ref[Image] | None = None
        self._shape: tuple[int, ...] = ()
        self._layers: OwnedLayers[Labels] = OwnedLayers(viewer)
        self._classes: dict[str, DefectClass] = {}
        self._missing: list[DefectClass] = []
        self._built: Labels | None = None
        self._waiting: dict[tuple[int, str], FrameResult] = {}

    def begin(self, source: Image, classes: Sequence[DefectClass]) -> None:
        """Prepare for results of an image; those of another one stay in the viewer.

        A rerun empties and reuses the layers of its image, so that they keep what the user has
        changed in them, and removes those of classes that it does not have.

        Parameters
        ----------
        source : Image
            The image searched.
        classes : sequence of DefectClass
            Classes of the result, ``unknown`` among them, one layer each; none where nothing is
            named.

        Raises
        ------
        InputError
            If the layer is neither an image nor a stack of frames.
        """
        if alive(self._source) is not source:
            self._layers.forget()
        self._source = weakref.ref(source)
        frames = (frame_count(source),) if source.ndim == 3 else ()
        self._shape = (*frames, *frame_shape(source))
        self._classes = {each.name: each for each in classes}
        self._layers.remove(key for key in self._layers if key not in self._classes)
        self._missing = [each for each in classes if self.layer(each.name) is None]
        self._built, self._waiting = None, {}
        for each in classes:
            self._blank(each)

    def adopt(self, source: Image | None, layers: Mapping[str, Labels]) -> None:
        """Continue with layers that a reader has added.

        Parameters
        ----------
        source : Image or None
            The image of the results; None if it was not found.
        layers : mapping of str to Labels
            The layer of each class.
        """
        self._source = None if source is None else weakref.ref(source)
        self._missing, self._built, self._waiting, self._classes = [], None, {}, {}
        self._layers.forget()
        for name, layer in layers.items():
            self._layers.claim(name, layer)
            if source is not None:
                keep_on(layer, source)

    def restore(self, class_name: str) -> bool:
        """Prepare the layer of a class that the user has deleted, to be added again.

        Parameters
        ----------
        class_name : str

        Returns
        -------
        bool
            Whether it was deleted and its image is known; `show` the results of all frames then.
        """
        entry, source = self._classes.get(class_name), alive(self._source)
        is_waiting = entry in self._missing
        if entry is None or is_waiting or self.layer(class_name) is not None:
            return False
        if source is None or source not in self._viewer.layers:
            return False
        self._missing.append(entry)
        return True

    def step(self) -> bool:
        """Build, add or fill one layer.

        Returns
        -------
        bool
            Whether more steps are needed.
        """
        source = alive(self._source)
        if self._missing and source is not None:
            if self._built is None:
                self._built = self._new(self._missing[0], source)
            else:
                keep_on(self._built, source)
                self._layers.add(self._missing.pop(0).name, self._built)
                self._built = None
        elif self._waiting:
            frame, name = next(iter(self._waiting))
            self._fill(name, self._waiting.pop((frame, name)))
        return bool(self._waiting or (self._missing and source is not None))

    def show(self, result: FrameResult) -> None:
        """Queue the result of a frame; `step` draws it, one layer at a time.

        Regions are numbered separately in each frame, and a layer has a single features table:
        that of the frame in view. Call this again when the frame comes into view.
        """
        for name in result.names:
            self._waiting[result.frame, name] = result

    def layer(self, class_name: str) -> Labels | None:
        """Return the layer of a class; None if the user has deleted it."""
        return self._layers.get(class_name)

    def discard(self) -> None:
        """Remove the layers of a run that ended without a result."""
        self._missing, self._built, self._waiting = [], None, {}
        self._layers.remove_all()

    def _new(self, entry: DefectClass, source: Image) -> Labels:
        empty = np.zeros(self._shape, np.uint16)
        data, keywords, _ = class_layer(entry, empty, source, region_features([]))
        layer = Labels(data, **keywords)
        layer.opacity = opacity_of(entry.name, layer.opacity)
        return layer

    def _fill(self, name: str, result: FrameResult) -> None:
        layer = self.layer(name)
        if layer is None:
            return
        numbered = result.numbered[result.names.index(name)]
        target = layer.data[result.frame] if layer.ndim == 3 else layer.data
        if target.shape != numbered.shape:
            return  # the user has put other data there
        if not np.array_equal(target, numbered):
            target[...] = np.minimum(numbered, np.uint32(np.iinfo(target.dtype).max))
            layer.refresh(extent=False)
        if layer.ndim == 2 or result.frame == self._viewer.dims.current_step[0]:
            layer.features = region_features([r for r in result.regions if r.class_name == name])
        _record_origin(layer, result)

    def _blank(self, entry: DefectClass) -> None:
        """Empty the layer of an earlier run, which may have had another colour."""
        if (layer := self.layer(entry.name)) is not None:
            layer.colormap = {0: "transparent", None: entry.colour}
            if isinstance(layer.data, FrameArray):  # whose frames belong to opened results
                layer.data = np.zeros(self._shape, np.uint16)
            else:
                layer.data[...] = 0
                layer.refresh(extent=False)
            for record in ("frames", RESULT_KEY):
                layer.metadata[METADATA_KEY].pop(record, None)


def _record_origin(layer: Labels, result: FrameResult) -> None:
    """Record model, image and parameters of a frame in the metadata of its layer."""
    metadata = layer.metadata[METADATA_KEY]
    metadata.update(result.provenance)
    metadata.setdefault("frames", {})[result.frame] = plain(result.parameters)
