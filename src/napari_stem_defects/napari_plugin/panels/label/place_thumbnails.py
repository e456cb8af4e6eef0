"""Thumbnails of the places in the queue, of which one is current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QBrush, QColor

from napari_stem_defects.labels.label import KEYS
from napari_stem_defects.napari_plugin.panels.label.thumbnail_list import ThumbnailList

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from qtpy.QtGui import QKeyEvent

    from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
    from napari_stem_defects.training.active_learning import Suggestion

_NUMBERS = {Qt.Key.Key_0 + key: key for key in KEYS}


class PlaceThumbnails(ThumbnailList):
    """Shows a `LabelQueue`; labelled places have the colour of their class behind them.

    Arrow keys move from place to place, number keys and ``B`` label the current one, as they do on
    the image.

    Parameters
    ----------
    queue : LabelQueue
    view_model : LabelViewModel
        Has the labels and colours of the classes.
    """

    number_pressed = Signal(int)
    """The user has pressed a number key."""

    def __init__(self, queue: LabelQueue, view_model: LabelViewModel) -> None:
        super().__init__(
            "places",
            "Places to label, the most unusual first. Arrow keys move, 1-9 name the place, B calls"
            " it bulk, and the next one follows",
        )
        self._queue = queue
        self._view_model = view_model
        self._shown: Sequence[Suggestion] = ()
        self.currentRowChanged.connect(self._on_row)
        queue.changed.connect(self.refresh)
        view_model.classes_changed.connect(self._colour)
        self.refresh()

    def refresh(self) -> None:
        """Show the current state."""
        with QSignalBlocker(self):
            if self._queue.waiting is not self._shown:
                self._shown = self._queue.waiting
                self._pictures.clear()
                self.clear()
                for rank, place in enumerate(self._shown, start=1):
                    self.addItem(self.new_item(place, f"{rank}: {self._queue.describe(place)}"))
                self.show_items()
            self.setCurrentRow(self._queue.position)  # -1, none, at the end of the queue
        if (item := self.currentItem()) is not None:
            self.scrollToItem(item)
        self._colour()

    def key_of(self, entry: Suggestion) -> Hashable:
        """Return the place itself."""
        return (entry.y, entry.x)

    def pixels_of(self, entry: Suggestion) -> NDArray[np.float32]:
        """Return the pixels around a place."""
        return self._queue.pixels_around(entry)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Label the current place by a key; arrow keys move."""
        key = None if event is None else event.key()
        if key in _NUMBERS:
            self.number_pressed.emit(_NUMBERS[key])
        elif key == Qt.Key.Key_B:
            self._queue.label_bulk()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._queue.accept()
        else:
            super().keyPressEvent(event)

    def _on_row(self, row: int) -> None:
        if row >= 0:
            self._queue.go_to(row)

    def _colour(self) -> None:
        named = {(each.y, each.x): each.class_name for each in self._view_model.labels}
        colours = self._view_model.colours
        for row, place in enumerate(self._shown):
            name = named.get((place.y, place.x))
            brush = QBrush() if name is None else QBrush(QColor(colours[name]))
            if (item := self.item(row)) is not None and item.background() != brush:
                item.setBackground(brush)
