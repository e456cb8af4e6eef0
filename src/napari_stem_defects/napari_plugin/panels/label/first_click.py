"""The first click on an image without a label project: it starts one and sets a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import frame_shape, get_camera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.components import ViewerModel

    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel


class FirstClick:
    """Mouse callback of the viewer while no project is open; `LabelBoxes` has the clicks then on.

    Parameters
    ----------
    viewer : ViewerModel
    view_model : LabelViewModel
    shown : callable
        Returns the image being labelled; None while clicks are not for labels.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        view_model: LabelViewModel,
        shown: Callable[[], Image | None],
    ) -> None:
        self._viewer = viewer
        self._view_model = view_model
        self._shown = shown

    def __call__(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        """Set a label where the mouse is pressed and released without moving the image."""
        image = self._shown()
        if self._view_model.project is not None or event.button != 1 or event.modifiers:
            return
        active = viewer.layers.selection.active
        if image is None or not (active is None or isinstance(active, Image)):
            return  # a click on a layer that is being drawn is for that layer
        camera = self._camera()
        y, x = map(float, image.world_to_data(event.position[-image.ndim :])[-2:])
        yield
        while event.type == "mouse_move":
            yield
        height, width = frame_shape(image)
        is_inside = -0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5
        if is_inside and self._camera() == camera:
            self._view_model.click(y, x)

    def _camera(self) -> tuple[object, ...]:
        camera = get_camera(self._viewer)
        return (tuple(camera.center), camera.zoom)
