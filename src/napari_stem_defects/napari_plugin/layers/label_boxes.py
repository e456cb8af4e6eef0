"""The layer on which labels are set: boxes in the colours of their classes, moved by the mouse.

Nothing is edited in the layer itself. Mouse and keys change the model, which saves, and the
layer is drawn anew from the model, once for all that changes in one turn of the event loop.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QTimer

from napari_stem_defects.base.defect_classes import (
    PATCH_PX,
)
from napari_stem_defects.labels.label import (
    KEYS,
    Label,
)
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    camera_of,
    layer_name,
    spatial,
)
from napari_stem_defects.napari_plugin.layers.label_style import boxes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelModel

_LOOKS = ("features", "symbol", "size", "face_color", "border_color", "border_width")
_GRIP_PX = 6.0
"""How near to a label's centre, in px of the image and of the screen, a press takes hold of it."""


class BoxLayer:
    """Draws a `LabelModel` over its image and turns mouse and keys into its methods.

    Parameters
    ----------
    viewer : ViewerModel
    model : LabelModel
    queue : LabelQueue
        Its current window is drawn, too, and keys answer it.
    """

    def __init__(self, viewer: ViewerModel, model: LabelModel, queue: LabelQueue) -> None:
        self._viewer = viewer
        self._model = model
        self._made: weakref.ref[Points] | None = None
        self._source: weakref.ref[Image] | None = None
        self._queue = queue
        self._to_make = False
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._draw)

    @property
    def layer(self) -> Points | None:
        """The layer; None before the first image and where the user has deleted it."""
        layer = None if self._made is None else self._made()
        return layer if layer is not None and layer in self._viewer.layers else None

    def follow(self, source: Image | None) -> None:
        """Lie over another image, and become the active layer; not before a project is open."""
        if source is None or self._model.project is None:
            return
        same = self._source is not None and self._source() is source
        self._to_make = self._to_make or self.layer is None or not same
        self._source = weakref.ref(source)
        self.draw()

    def draw(self) -> None:
        """Show the model's labels, soon."""
        self._soon.start()

    def _draw(self) -> None:
        source = None if self._source is None else self._source()
        layer = self.layer
        if not self._to_make or source not in self._viewer.layers:
            if layer is not None:
                _put(layer, self._look())
        else:
            self._to_make = False
            if layer is None:
                self._make(source)
            else:
                self._lay_over(layer, source)
            self.draw()

    def _look(self) -> dict[str, Any]:
        asked = self._queue.current
        return boxes(
            self._model.labels,
            self._model.colours,
            self._model.selected,
            None if asked is None else (asked.y, asked.x),
        )

    def activate(self) -> None:
        """Make the layer receive mouse and keys."""
        if (layer := self.layer) is not None:
            self._viewer.layers.selection.active = layer

    def _make(self, source: Image) -> None:
        layer = Points(
            np.zeros((0, 2)),
            name=layer_name(source.name, "labels"),
            metadata={METADATA_KEY: {"made": "labels"}},
            **spatial(source),
        )
        layer.editable = False
        layer.mouse_drag_callbacks.append(self._on_press)
        layer.mouse_move_callbacks.append(self._on_hover)
        self._bind_keys(layer)
        self._viewer.add_layer(layer)
        layer.cursor = "cross"
        self._made = weakref.ref(layer)

    def _lay_over(self, layer: Points, source: Image) -> None:
        """Take the boxes to another image; napari would take its time for a new layer."""
        for name, value in spatial(source).items():
            setattr(layer, name, value)
        layer.name = layer_name(source.name, "labels")
        layers = self._viewer.layers
        layers.move(layers.index(layer), len(layers))
        layers.selection.active = layer

    def _bind_keys(self, layer: Points) -> None:
        for key in KEYS:
            layer.bind_key(str(key), _ignoring(partial(self._on_number, key)), overwrite=True)
        for name in ("Delete", "Backspace"):
            layer.bind_key(name, _ignoring(self._model.remove_selected), overwrite=True)
        for name, action in (
            ("Right", self._queue.skip),
            ("Left", self._queue.back),
            ("Enter", self._queue.accept),
        ):
            layer.bind_key(name, _ignoring(action), overwrite=True)
        layer.bind_key("Control-Z", _ignoring(self._model.undo), overwrite=True)
        layer.bind_key("Control-Shift-Z", _ignoring(self._model.redo), overwrite=True)

    def _on_number(self, key: int) -> None:
        """Choose a class; while the queue asks, answer with it."""
        self._model.activate_key(key)
        chosen = next((each.name for each in self._model.classes if each.key == key), "")
        if chosen and self._queue.current is not None:
            self._queue.answer(chosen)

    def _on_hover(self, layer: Points, event: Any) -> None:
        """Leave the drag to us near a label's centre, else to the camera."""
        held = self._grip(layer, event)
        layer.mouse_pan = held is None
        layer.cursor = "cross" if held is None else "pointing"

    def _on_press(self, layer: Points, event: Any) -> Iterator[None]:
        if event.modifiers:
            return
        position, held = _position(layer, event), self._grip(layer, event)
        if event.button == 2:
            yield from self._right_click(position, event)
        elif held is None:
            yield from self._click(position, event)
        else:
            yield from self._drag(layer, held, event)

    def _click(self, position: tuple[float, float], event: Any) -> Iterator[None]:
        camera = self._camera()
        yield
        while event.type == "mouse_move":
            yield
        if self._camera() == camera:
            self._model.click(*position)

    def _right_click(self, position: tuple[float, float], event: Any) -> Iterator[None]:
        camera = self._camera()
        yield
        while event.type == "mouse_move":
            yield
        label = self._model.near(*position, reach=PATCH_PX / 2)
        if label is not None and self._camera() == camera:
            self._model.remove(label.id)

    def _drag(self, layer: Points, label: Label, event: Any) -> Iterator[None]:
        start = _position(layer, event)
        position = start
        yield
        while event.type == "mouse_move":
            position = _position(layer, event)
            y = label.y + position[0] - start[0]
            x = label.x + position[1] - start[1]
            _shift(layer, self._model.labels, label.id, (y, x))
            yield
        if position == start:
            self._model.select(label.id)
        else:
            y = label.y + position[0] - start[0]
            x = label.x + position[1] - start[1]
            self._model.move(label.id, y, x)

    def _grip(self, layer: Points, event: Any) -> Label | None:
        on_screen = _GRIP_PX / (camera_of(self._viewer).zoom * float(layer.scale[-1]))
        return self._model.near(*_position(layer, event), reach=max(_GRIP_PX, on_screen))

    def _camera(self) -> tuple[object, ...]:
        camera = camera_of(self._viewer)
        return (tuple(camera.center), camera.zoom)


def _position(layer: Points, event: Any) -> tuple[float, float]:
    y, x = layer.world_to_data(event.position)[-2:]
    return float(y), float(x)


def _put(layer: Points, look: dict[str, Any]) -> None:
    layer.selected_data = set()
    # Every one of these would have napari draw all boxes anew.
    with layer.events.blocker_all():
        layer.data = look["data"]
        for name in _LOOKS if len(look["data"]) else ():
            setattr(layer, name, look[name])
    layer.refresh()


def _shift(
    layer: Points, labels: tuple[Label, ...], label_id: str, position: tuple[float, float]
) -> None:
    """Draw a label elsewhere while it is dragged."""
    index = next(i for i, label in enumerate(labels) if label.id == label_id)
    data = layer.data
    if len(data) < 2 * len(labels):
        return  # the label was set in this very turn and is not drawn yet
    data[index] = data[index + len(labels)] = position
    layer.data = data


def _ignoring(action: Any) -> Any:
    """Return a key binding that calls an action without the layer."""
    return lambda layer: action()
