"""List of small pictures, cut from an image a few at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.panels.common.grey_image import grey_image
from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np
    from numpy.typing import NDArray

_EDGE_PX = 44
_ROW_PX = _EDGE_PX + 6
_PER_ROW = 6
_BATCH_SIZE = 12
_PAUSE_MS = 15


class ThumbnailList(QListWidget):
    """One or two rows of pictures, each of an entry that a subclass cuts from an image.

    Pictures are cut a few at a time, so that a thousand of them do not block napari.

    Parameters
    ----------
    name : str
        Object name.
    tooltip : str
    """

    def __init__(self, name: str, tooltip: str) -> None:
        super().__init__()
        named(self, name, tooltip)
        self._pictures: dict[Hashable, QIcon] = {}
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setIconSize(QSize(_EDGE_PX, _EDGE_PX))
        self.setGridSize(QSize(_ROW_PX, _ROW_PX))
        self.setFixedHeight(_ROW_PX + 8)
        self._cutter = QTimer(self)
        self._cutter.setInterval(_PAUSE_MS)
        self._cutter.timeout.connect(self._cut_some)

    @property
    def waiting(self) -> bool:
        """Whether pictures remain to be cut."""
        return self._cutter.isActive()

    @abstractmethod
    def key_of(self, entry: Any) -> Hashable:
        """Return what the picture of an entry depends on."""

    @abstractmethod
    def pixels_of(self, entry: Any) -> NDArray[np.float32]:
        """Return the pixels of the picture of an entry; `InputError` if there are none."""

    def new_item(self, entry: Any, tooltip: str) -> QListWidgetItem:
        """Return an item of the list, with its picture if that was cut before.

        Parameters
        ----------
        entry : object
            Kept as the data of the item.
        tooltip : str
        """
        item = QListWidgetItem()
        item.setSizeHint(QSize(_ROW_PX, _ROW_PX))
        item.setData(Qt.ItemDataRole.UserRole, entry)
        set_tooltip(item, tooltip)
        item.setIcon(self._pictures.get(self.key_of(entry), QIcon()))
        return item

    def show_items(self) -> None:
        """Show the list if it has items, in one or two rows, and cut missing pictures."""
        self.setVisible(self.count() > 0)
        self.setFixedHeight((2 if self.count() > _PER_ROW else 1) * _ROW_PX + 8)
        self._cutter.start()

    def _cut_some(self) -> None:
        missing = [
            item
            for row in range(self.count())
            if (item := self.item(row)) is not None
            and self.key_of(item.data(Qt.ItemDataRole.UserRole)) not in self._pictures
        ]
        for item in missing[:_BATCH_SIZE]:
            entry = item.data(Qt.ItemDataRole.UserRole)
            picture = self._pictures[self.key_of(entry)] = self._picture(entry)
            item.setIcon(picture)
        if len(missing) <= _BATCH_SIZE:
            self._cutter.stop()

    def _picture(self, entry: Any) -> QIcon:
        try:
            patch = self.pixels_of(entry)
        except InputError:
            patch = None
        if patch is None or not patch.size:
            blank = QPixmap(_EDGE_PX, _EDGE_PX)
            blank.fill(QColor(128, 128, 128, 60))
            return QIcon(blank)
        return QIcon(QPixmap.fromImage(grey_image(patch)))
