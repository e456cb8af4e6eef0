"""Layer on which labels are set: boxes in the colours of their classes, moved with the mouse.

The layer itself is not editable. Mouse and keys change the label project, which saves every
change, and the layer is redrawn from it, once for all changes in one turn of the event loop.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QTimer

from napari_stem_defects.base.defect_classes import PATCH_PX
from napari_stem_defects.labels.label import KEYS, Label
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    get_camera,
    layer_name,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.label_style import box_keywords
from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive
from napari_stem_defects.napari_plugin.layers.placement import keep_on

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_stem_defects.labels.label import LabelClass
    from napari_stem_defects.training.active_learning import Suggestion

_BOXES = "labels"
_STYLE = ("features", "symbol", "size", "face_color", "border_color", "border_width")
_GRAB_RADIUS_PX = 6.0
"""Distance from the centre of a label, in px of image and screen, within which a drag moves it."""


class EditableLabels(Protocol):
    """The labels of the frame shown, and the edits that mouse and keys make."""

    @property
    def project(self) -> object | None:
        """The open label project; None if there is none."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """Labels of the frame shown."""

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """Classes of the project, with their number keys."""

    @property
    def colours(self) -> Mapping[str, str]:
        """Colour of every class, ``#rrggbb``."""

    @property
    def selected(self) -> str:
        """Id of the selected label."""

    def click(self, y: float, x: float) -> None:
        """Set a label of the active class, px."""

    def move(self, label_id: str, y: float, x: float) -> None:
        """Move a label, px."""

    def select(self, label_id: str) -> None:
        """Select a label."""

    def remove(self, *label_ids: str) -> None:
        """Remove labels."""

    def remove_selected(self) -> None:
        """Remove the selected label."""

    def near(self, y: float, x: float, reach: float) -> Label | None:
        """Return the label nearest to a point, within a distance in px."""

    def activate_key(self, key: int) -> None:
        """Activate the class of a number key."""

    def undo(self) -> None:
        """Undo the last change."""

    def redo(self) -> None:
        """Redo the change undone last."""


class SuggestionQueue(Protocol):
    """Suggested windows, of which the current one is drawn and labelled by a key."""

    @property
    def current(self) -> Suggestion | None:
        """The window to label now; None if there is none."""

    def label_current(self, class_name: str) -> None:
        """Label the current window and continue with the next."""

    def accept(self) -> None:
        """Label the current window with the class predicted."""

    def label_bulk(self) -> None:
        """Label the current window as Bulk and continue with the next."""

    def skip(self) -> None:
        """Continue with the next window."""

    def back(self) -> None:
        """Return to the previous window."""


class LabelBoxes:
    """Draws labels over their image and turns mouse and keys into edits.

    Parameters
    ----------
    viewer : ViewerModel
    labels : EditableLabels
        The labels to draw and edit.
    queue : SuggestionQueue
        Its current window is drawn, too; number keys, B and Enter label it.
    """

    def __init__(self, viewer: ViewerModel, labels: EditableLabels, queue: SuggestionQueue) -> None:
        self._viewer = viewer
        self._labels = labels
        self._layers: OwnedLayers[Points] = OwnedLayers(viewer)
        self._source: weakref.ref[Image] | None = None
        self._queue = queue
        self._has_new_source = False
        self._redraw = QTimer()
        self._redraw.setSingleShot(True)
        self._redraw.timeout.connect(self._draw)

    @property
    def layer(self) -> Points | None:
        """The layer; None before the first image or if the user has deleted it."""
        return self._layers.get(_BOXES)

    def show_over(self, source: Image | None) -> None:
        """Show the labels over an image and make the layer active; needs an open project."""
        if source is None or self._labels.project is None:
            return
        if self.layer is None or alive(self._source) is not source:
            self._has_new_source = True
        self._source = weakref.ref(source)
        self.draw()

    def draw(self) -> None:
        """Redraw the labels in the next turn of the event loop."""
        self._redraw.start()

    def activate(self) -> None:
        """Make the layer receive mouse and keys, and show it."""
        if (layer := self.layer) is not None:
            layer.visible = True
            self._viewer.layers.selection.active = layer

    def _draw(self) -> None:
        source, layer = alive(self._source), self.layer
        if not self._has_new_source or source not in self._viewer.layers:
            if layer is not None:
                _set_boxes(layer, self._keywords())
            return
        self._has_new_source = False
        if layer is None:
            self._add(source)
        else:
            self._move_over(layer, source)
        self.draw()

    def _keywords(self) -> dict[str, Any]:
        suggested = self._queue.current
        return box_keywords(
            self._labels.labels,
            self._labels.colours,
            self._labels.selected,
            None if suggested is None else (suggested.y, suggested.x),
        )

    def _add(self, source: Image) -> None:
        layer = Points(
            np.zeros((0, 2)),
            name=layer_name(source.name, "labels"),
            metadata={METADATA_KEY: {"made": "labels"}},
            **spatial_keywords(source),
        )
        layer.editable = False
        layer.mouse_drag_callbacks.append(self._on_press)
        layer.mouse_move_callbacks.append(self._on_hover)
        self._bind_keys(layer)
        keep_on(layer, source)
        active = self._viewer.layers.selection.active
        is_painting = active is not None and _made(active) == "brush"
        self._layers.add(_BOXES, layer, activate=not is_painting)
        layer.cursor = "cross"

    def _move_over(self, layer: Points, source: Image) -> None:
        """Move the layer to another image, which is faster than adding a new one."""
        for name, value in spatial_keywords(source).items():
            setattr(layer, name, value)
        keep_on(layer, source)
        layer.name = layer_name(source.name, "labels")
        layers = self._viewer.layers
        layers.move(layers.index(layer), len(layers))
        layers.selection.active = layer

    def _bind_keys(self, layer: Points) -> None:
        actions = {str(key): partial(self.press_number, key) for key in KEYS} | {
            "Delete": self._labels.remove_selected,
            "Backspace": self._labels.remove_selected,
            "Right": self._queue.skip,
            "Left": self._queue.back,
            "Enter": self._queue.accept,
            "B": self._queue.label_bulk,
            "Control-Z": self._labels.undo,
            "Control-Shift-Z": self._labels.redo,
        }
        for key, action in actions.items():
            layer.bind_key(key, _without_layer(action), overwrite=True)

    def press_number(self, key: int) -> None:
        """Activate the class of a number key; label the current window of the queue with it."""
        self._labels.activate_key(key)
        name = next((each.name for each in self._labels.classes if each.key == key), "")
        if name and self._queue.current is not None:
            self._queue.label_current(name)

    def _on_hover(self, layer: Points, event: Any) -> None:
        """Let a drag near the centre of a label move it, elsewhere the camera."""
        is_on_label = self._label_at(layer, event) is not None
        layer.mouse_pan = not is_on_label
        layer.cursor = "pointing" if is_on_label else "cross"

    def _on_press(self, layer: Points, event: Any) -> Iterator[None]:
        if event.modifiers:
            return
        position, label = _position(layer, event), self._label_at(layer, event)
        if event.button == 2:
            yield from self._right_click(position, event)
        elif label is None:
            yield from self._click(position, event)
        else:
            yield from self._drag(layer, label, event)

    def _click(self, position: tuple[float, float], event: Any) -> Iterator[None]:
        if (yield from self._is_click(event)):
            self.activate()
            self._labels.click(*position)

    def _right_click(self, position: tuple[float, float], event: Any) -> Iterator[None]:
        if (yield from self._is_click(event)):
            label = self._labels.near(*position, reach=PATCH_PX / 2)
            if label is not None:
                self._labels.remove(label.id)

    def _is_click(self, event: Any) -> Generator[None, None, bool]:
        """Wait for the release; return whether the camera has not moved meanwhile."""
        camera = self._camera()
        yield
        while event.type == "mouse_move":
            yield
        return self._camera() == camera

    def _drag(self, layer: Points, label: Label, event: Any) -> Iterator[None]:
        start = position = _position(layer, event)
        moved = (label.y, label.x)
        yield
        while event.type == "mouse_move":
            position = _position(layer, event)
            moved = (label.y + position[0] - start[0], label.x + position[1] - start[1])
            _move_box(layer, self._labels.labels, label.id, moved)
            yield
        if position == start:
            self._labels.select(label.id)
        else:
            self._labels.move(label.id, *moved)

    def _label_at(self, layer: Points, event: Any) -> Label | None:
        """Return the label whose centre is under the cursor."""
        on_screen = _GRAB_RADIUS_PX / (get_camera(self._viewer).zoom * float(layer.scale[-1]))
        reach = max(_GRAB_RADIUS_PX, on_screen)
        return self._labels.near(*_position(layer, event), reach=reach)

    def _camera(self) -> tuple[object, ...]:
        camera = get_camera(self._viewer)
        return (tuple(camera.center), camera.zoom)


def _made(layer: Layer) -> str:
    return str(layer.metadata.get(METADATA_KEY, {}).get("made", ""))


def _position(layer: Points, event: Any) -> tuple[float, float]:
    y, x = layer.world_to_data(event.position)[-2:]
    return float(y), float(x)


def _set_boxes(layer: Points, keywords: Mapping[str, Any]) -> None:
    layer.selected_data = set()
    # Without the blocker napari would redraw all boxes for each of these.
    with layer.events.blocker_all():
        layer.data = keywords["data"]
        for name in _STYLE if len(keywords["data"]) else ():
            setattr(layer, name, keywords[name])
    layer.refresh()


def _move_box(
    layer: Points, labels: Sequence[Label], label_id: str, position: tuple[float, float]
) -> None:
    """Draw a label elsewhere while it is dragged."""
    index = next(i for i, label in enumerate(labels) if label.id == label_id)
    data = layer.data
    if len(data) < 3 * len(labels):
        return  # the label was set in this very turn and is not drawn yet
    data[index :: len(labels)][:3] = position  # box, centre and casing
    layer.data = data


def _without_layer(action: Any) -> Any:
    """Return a key binding that calls an action without the layer."""
    return lambda layer: action()
