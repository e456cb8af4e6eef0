"""Images of a label project as layers: found among those that are open, or opened."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

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
            sha256 = self._hashes.get(layer) or origin.get("sha256")
            if sha256 == frame.sha256 and (
                layer.ndim == 3 or origin.get("frame", 0) == frame.frame
            ):
                return layer
        return None
