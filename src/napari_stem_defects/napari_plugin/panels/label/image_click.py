"""Clicks on an image whose layer of labels is not selected, or does not exist yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import frame_shape, get_camera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel

    from napari_stem_defects.napari_plugin.layers.label_boxes import LabelBoxes
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel


class ImageClick:
    """Mouse callback of the viewer; clicks on the layer of labels are those of `LabelBoxes`.

    The first label of an image starts a project. Later on the user selects the image for its
    contrast, or deletes the layer of labels, and clicks on: the click counts, and the layer is
    selected again.

    Parameters
    ----------
    viewer : ViewerModel
    view_model : LabelViewModel
    boxes : LabelBoxes
        Has the clicks that follow.
    shown : callable
        Returns the image being labelled; None while clicks are not for labels.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        view_model: LabelViewModel,
        boxes: LabelBoxes,
        shown: Callable[[], Image | None],
    ) -> None:
        self._viewer = viewer
        self._view_model = view_model
        self._boxes = boxes
        self._shown = shown

    def __call__(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Set a label where the mouse is pressed and released without moving the image."""
        image = self._shown()
        if image is None or event.button != 1 or event.modifiers or viewer.dims.ndisplay == 3:
            return
        active = viewer.layers.selection.active
        if not (active is None or (isinstance(active, Image) and active.mode == "pan_zoom")):
            return  # a click on a layer that is being drawn is for that layer
        camera = self._camera()
        y, x = map(float, image.world_to_data(event.position[-image.ndim :])[-2:])
        yield
        while event.type == "mouse_move":
            yield
        height, width = frame_shape(image)
        is_inside = -0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5
        if is_inside and self._camera() == camera:
            self._boxes.show_over(image)
            self._boxes.activate()
            self._view_model.click(y, x)

    def _camera(self) -> tuple[object, ...]:
        camera = get_camera(self._viewer)
        return (tuple(camera.center), camera.zoom)
