"""Thumbnails of the labels of one class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.panels.common.grey_image import grey_image

if TYPE_CHECKING:
    from napari_stem_defects.labels.label import Label
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

_EDGE_PX = 44
_ROW_PX = _EDGE_PX + 6
_PER_ROW = 6
_BATCH_SIZE = 12
_PAUSE_MS = 15


class LabelThumbnails(QListWidget):
    """Shows the labels of the active class of a `LabelViewModel`, the newest first.

    Pictures are cut a few at a time, so that a thousand labels do not block napari.

    Parameters
    ----------
    view_model : LabelViewModel
    """

    label_selected = Signal(object)
    """The user has clicked the picture of this label."""

    def __init__(self, view_model: LabelViewModel) -> None:
        super().__init__()
        self._view_model = view_model
        self._shown: tuple[Label, ...] = ()
        self._pictures: dict[tuple[object, ...], QIcon] = {}
        self.setObjectName("thumbnails")
        self.setToolTip("Labels of the selected class; click one to show it in the image")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setIconSize(QSize(_EDGE_PX, _EDGE_PX))
        self.setGridSize(QSize(_ROW_PX, _ROW_PX))
        self.setFixedHeight(_ROW_PX + 8)
        self.itemClicked.connect(self._select)
        self.itemActivated.connect(self._select)
        self._cutter = QTimer(self)
        self._cutter.setInterval(_PAUSE_MS)
        self._cutter.timeout.connect(self._cut_some)
        view_model.classes_changed.connect(self.refresh)
        self.refresh()

    @property
    def waiting(self) -> bool:
        """Whether pictures remain to be cut."""
        return self._cutter.isActive()

    def refresh(self) -> None:
        """Show the current state."""
        labels = tuple(reversed(self._view_model.labels_of(self._view_model.active_class)))
        if labels == self._shown:
            return
        self._update_items(labels)
        self.setVisible(bool(labels))
        self.setFixedHeight((2 if len(labels) > _PER_ROW else 1) * _ROW_PX + 8)
        self._cutter.start()

    def _update_items(self, labels: tuple[Label, ...]) -> None:
        """Update the list; a few added or removed labels leave the other items unchanged."""
        added = len(labels) - len(self._shown)
        if added < 0 and self._shown[-added:] == labels:
            for _ in range(-added):
                self.takeItem(0)
        else:
            if added <= 0 or labels[added:] != self._shown:
                self.clear()
                added = len(labels)
            for row, label in enumerate(labels[:added]):
                self.insertItem(row, self._item(label))
        self._shown = labels

    def _item(self, label: Label) -> QListWidgetItem:
        item = QListWidgetItem()
        item.setSizeHint(QSize(_ROW_PX, _ROW_PX))
        item.setData(Qt.ItemDataRole.UserRole, label)
        title = self._view_model.titles[label.class_name]
        item.setToolTip(f"{title} at y {label.y:.0f}, x {label.x:.0f} px")
        item.setIcon(self._pictures.get(_key(label), QIcon()))
        return item

    def _cut_some(self) -> None:
        missing = [
            item
            for row in range(self.count())
            if (item := self.item(row)) is not None
            and _key(item.data(Qt.ItemDataRole.UserRole)) not in self._pictures
        ]
        for item in missing[:_BATCH_SIZE]:
            label = item.data(Qt.ItemDataRole.UserRole)
            self._pictures[_key(label)] = self._picture(label)
            item.setIcon(self._pictures[_key(label)])
        if len(missing) <= _BATCH_SIZE:
            self._cutter.stop()

    def _picture(self, label: Label) -> QIcon:
        try:
            patch = self._view_model.patch_of(label)
        except InputError:
            patch = None
        if patch is None or not patch.size:
            blank = QPixmap(_EDGE_PX, _EDGE_PX)
            blank.fill(QColor(128, 128, 128, 60))
            return QIcon(blank)
        return QIcon(QPixmap.fromImage(grey_image(patch)))

    def _select(self, item: QListWidgetItem) -> None:
        self.label_selected.emit(item.data(Qt.ItemDataRole.UserRole))


def _key(label: Label) -> tuple[object, ...]:
    return (label.image, label.frame, label.y, label.x, label.size_px)
