"""Images of a label project as layers: found among those that are open, or opened."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from napari_stem_defects.errors import InputError, LabelError
from napari_stem_defects.io.labels.label_formats import is_label_file
from napari_stem_defects.jobs.frame_input import hash_of_image
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.uncovered import uncover

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.labels.label import Label, LabelledFrame
    from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel


class ProjectImages:
    """Shows images of a project in the viewer and selects them.

    Parameters
    ----------
    viewer : ViewerModel
    view_model : LabelViewModel
        Has the project.
    selector : ImageSelector
        The image being labelled.
    """

    def __init__(
        self, viewer: ViewerModel, view_model: LabelViewModel, selector: ImageSelector
    ) -> None:
        self._viewer = viewer
        self._view_model = view_model
        self._selector = selector
        self._hashes: WeakKeyDictionary[Image, str] = WeakKeyDictionary()

    def remember(self, layer: Image, sha256: str) -> None:
        """Remember the hash of the micrograph of a layer."""
        self._hashes[layer] = sha256

    def to_import(self, source: Path) -> list[Path | FrameInput]:
        """Return the images that labels of a file or folder may belong to.

        Parameters
        ----------
        source : Path
            The labels to import.

        Returns
        -------
        list of Path or FrameInput
            The image shown as it is labelled, then the others, whose files may be read.

        Raises
        ------
        InputError
            If there is no image for a file of labels, or the pixels of one are not square.
        """
        shown = self._selector.image
        if shown is None:
            if is_label_file(source):
                raise LabelError(f"{source.name}: open the image of these labels first")
            return []
        others = [each for each in self._selector.images if each is not shown]
        return [convert.whole_input(shown), *map(_file_or_input, others)]

    def show(self, index: int) -> None:
        """Select the layer of an image of the project; open the image if there is none."""
        frame = self._view_model.images[index]
        layer = self._layer_of(frame)
        if layer is None and self._view_model.project is not None:
            try:
                micrograph = self._view_model.project.micrograph(frame.sha256, frame.frame)
            except InputError as error:
                self._view_model.failed.emit(str(error))
                return
            data, keywords, _ = convert.image_layer(micrograph)
            keywords["metadata"][convert.METADATA_KEY]["frame"] = frame.frame
            layer = self._viewer.add_image(data, **keywords)
        if layer is not None:
            self._selector.select(layer)
            uncover(self._viewer.layers, layer)

    def show_frame_of(self, label: Label) -> Image | None:
        """Show the image and frame of a label and return its layer."""
        keys = [(frame.sha256, frame.frame) for frame in self._view_model.images]
        self.show(keys.index((label.image, label.frame)))
        image = self._selector.image
        if image is not None and image.ndim == 3:
            self._viewer.dims.set_current_step(0, label.frame)
        return image

    def _layer_of(self, frame: LabelledFrame) -> Image | None:
        for layer in self._selector.images:
            origin = layer.metadata.get(convert.METADATA_KEY, {})
            if self._hash_of(layer, frame) == frame.sha256 and (
                layer.ndim == 3 or origin.get("frame", 0) == frame.frame
            ):
                return layer
        return None

    def _hash_of(self, layer: Image, frame: LabelledFrame) -> str:
        """Return the hash of a layer; "" for one that was not shown and has another size."""
        origin = layer.metadata.get(convert.METADATA_KEY, {})
        known = str(self._hashes.get(layer) or origin.get("sha256") or "")
        if known or convert.frame_shape(layer) != (frame.height, frame.width):
            return known
        path = convert.source_path(layer)
        if path is None and not isinstance(layer.data, np.ndarray):
            return ""  # a stack that is read frame by frame is not read for its hash
        self.remember(layer, hash_of_image(path, layer.data))
        return self._hashes[layer]


def _file_or_input(layer: Image) -> Path | FrameInput:
    """Return the file of a layer, if that is the image as a whole, else its pixels."""
    path = convert.source_path(layer)
    is_signal = bool(layer.metadata.get(convert.METADATA_KEY, {}).get("signal"))
    return convert.whole_input(layer) if path is None or is_signal else path
