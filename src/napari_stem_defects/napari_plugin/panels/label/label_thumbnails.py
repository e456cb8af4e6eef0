"""Small pictures of the labels of one class; a click goes to the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from napari_stem_defects.base.defect_classes import title_of
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.labels.label import Label
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelModel

_EDGE_PX = 44
_ROW_PX = _EDGE_PX + 6
_IN_A_ROW = 6
_BATCH = 12
_BREATH_MS = 15
_SHOWN_PERCENT = (0.5, 99.5)


class Thumbnails(QListWidget):
    """Shows the labels of the active class of a `LabelModel`, the newest first.

    Pictures are cut a few at a time, so that a thousand labels do not stop the window.
    """

    label_chosen = Signal(object)

    def __init__(self, model: LabelModel) -> None:
        super().__init__()
        self._model = model
        self._shown: tuple[Label, ...] = ()
        self._pictures: dict[tuple[object, ...], QIcon] = {}
        self.setObjectName("thumbnails")
        self.setToolTip("The labels of the chosen class; click one to go there")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setIconSize(QSize(_EDGE_PX, _EDGE_PX))
        self.setGridSize(QSize(_ROW_PX, _ROW_PX))
        self.setFixedHeight(_ROW_PX + 8)
        self.itemClicked.connect(self._choose)
        self.itemActivated.connect(self._choose)
        self._cutter = QTimer(self)
        self._cutter.setInterval(_BREATH_MS)
        self._cutter.timeout.connect(self._cut_some)
        model.classes_changed.connect(self.refresh)
        self.refresh()

    @property
    def waiting(self) -> bool:
        """Whether pictures are still to be cut."""
        return self._cutter.isActive()

    def refresh(self) -> None:
        """Show the model as it stands."""
        labels = tuple(reversed(self._model.labels_of(self._model.active_class)))
        if labels == self._shown:
            return
        self._put(labels)
        self.setVisible(bool(labels))
        self.setFixedHeight((2 if len(labels) > _IN_A_ROW else 1) * _ROW_PX + 8)
        self._cutter.start()

    def _put(self, labels: tuple[Label, ...]) -> None:
        """Show labels; what a click has added or taken away is all that changes in the list."""
        more = len(labels) - len(self._shown)
        if more < 0 and self._shown[-more:] == labels:
            for _ in range(-more):
                self.takeItem(0)
        else:
            if more <= 0 or labels[more:] != self._shown:
                self.clear()
                more = len(labels)
            for row, label in enumerate(labels[:more]):
                self.insertItem(row, self._item(label))
        self._shown = labels

    def _item(self, label: Label) -> QListWidgetItem:
        item = QListWidgetItem()
        item.setSizeHint(QSize(_ROW_PX, _ROW_PX))
        item.setData(Qt.ItemDataRole.UserRole, label)
        item.setToolTip(f"{title_of(label.class_name)} at y {label.y:.0f}, x {label.x:.0f} px")
        item.setIcon(self._pictures.get(_key(label), QIcon()))
        return item

    def _cut_some(self) -> None:
        missing = [
            item
            for row in range(self.count())
            if (item := self.item(row)) is not None
            and _key(item.data(Qt.ItemDataRole.UserRole)) not in self._pictures
        ]
        for item in missing[:_BATCH]:
            label = item.data(Qt.ItemDataRole.UserRole)
            self._pictures[_key(label)] = self._picture(label)
            item.setIcon(self._pictures[_key(label)])
        if len(missing) <= _BATCH:
            self._cutter.stop()

    def _picture(self, label: Label) -> QIcon:
        try:
            patch = self._model.patch_of(label)
        except InputError:
            patch = None
        if patch is None or not patch.size:
            blank = QPixmap(_EDGE_PX, _EDGE_PX)
            blank.fill(QColor(128, 128, 128, 60))
            return QIcon(blank)
        return QIcon(QPixmap.fromImage(_grey(patch)))

    def _choose(self, item: QListWidgetItem) -> None:
        self.label_chosen.emit(item.data(Qt.ItemDataRole.UserRole))


def _key(label: Label) -> tuple[object, ...]:
    return (label.image, label.frame, label.y, label.x, label.size_px)


def _grey(patch: NDArray[np.float32]) -> QImage:
    low, high = np.nanpercentile(patch, _SHOWN_PERCENT)
    span = max(float(high - low), 1e-12)
    grey = np.nan_to_num(np.clip((patch - low) / span, 0, 1) * 255).astype(np.uint8)
    grey = np.ascontiguousarray(grey)
    height, width = grey.shape
    return QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
