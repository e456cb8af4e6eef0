"""Thumbnails of the labels of one class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.napari_plugin.panels.label.thumbnail_list import ThumbnailList

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QListWidgetItem

    from napari_stem_defects.labels.label import Label
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel


class LabelThumbnails(ThumbnailList):
    """Shows the labels of the active class of a `LabelViewModel`, the newest first.

    Parameters
    ----------
    view_model : LabelViewModel
    """

    label_selected = Signal(object)
    """The user has clicked the picture of this label."""

    def __init__(self, view_model: LabelViewModel) -> None:
        super().__init__(
            "thumbnails", "Labels of the selected class; click one to show it in the image"
        )
        self._view_model = view_model
        self._shown: tuple[Label, ...] = ()
        self.itemClicked.connect(self._select)
        self.itemActivated.connect(self._select)
        view_model.classes_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the current state."""
        labels = tuple(reversed(self._view_model.labels_of(self._view_model.active_class)))
        if labels != self._shown:
            self._update_items(labels)
            self.show_items()

    def key_of(self, entry: Label) -> Hashable:
        """Return the place of a label and the size of its window."""
        return (entry.image, entry.frame, entry.y, entry.x, entry.size_px)

    def pixels_of(self, entry: Label) -> NDArray[np.float32]:
        """Return the pixels around a label."""
        return self._view_model.patch_of(entry)

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
                title = self._view_model.titles[label.class_name]
                size = self._view_model.pixel_size_nm(label)
                where = list_in_both_units((round(label.y), round(label.x)), size, ", ")
                self.insertItem(row, self.new_item(label, f"{title} at y, x {where}"))
        self._shown = labels

    def _select(self, item: QListWidgetItem) -> None:
        self.label_selected.emit(item.data(Qt.ItemDataRole.UserRole))
