"""What is wrong with the selected region: another class, or no defect at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.napari_plugin.panels.common.panel import button, named, note, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.postprocessing.results import Region


class CorrectionRow(QWidget):
    """Asks for a correction of one region through its signals."""

    corrected = Signal(object, str)
    """The region, and the class it is really of; "Bulk" where it is no defect."""
    undo_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._region: Region | None = None
        self._what = QLabel("selected is")
        self.right_class = named(
            QComboBox(), "right_class", "Give the selected region another class"
        )
        self.right_class.activated.connect(self._on_class)
        self.delete = button(
            "No defect", "delete_region", "The selected region is no defect (Delete)"
        )
        self.delete.clicked.connect(lambda: self._say(BULK))
        self.undo = button("Undo", "undo_correction", "Take the last correction back")
        self.undo.clicked.connect(self.undo_clicked)
        self.statement = note("corrections")
        self._lay_out()
        self.put(None)

    def put_classes(self, names: Sequence[str]) -> None:
        """Offer these classes."""
        self.right_class.clear()
        self.right_class.addItems(list(names))
        self.put(self._region)

    def put(self, region: Region | None) -> None:
        """Show the region that is selected."""
        self._region = region
        for widget in (self.right_class, self.delete):
            widget.setEnabled(region is not None)
        name = "" if region is None else region.class_name
        self.right_class.setCurrentIndex(self.right_class.findText(name))

    def put_statement(self, text: str, undoable: bool) -> None:
        """Say what became of the corrections."""
        say(self.statement, text)
        self.undo.setEnabled(undoable)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self._what)
        row.addWidget(self.right_class, 1)
        row.addWidget(self.delete)
        row.addWidget(self.undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.statement)
        self.undo.setEnabled(False)

    def _on_class(self) -> None:
        self._say(self.right_class.currentText())

    def _say(self, right: str) -> None:
        if self._region is not None:
            self.corrected.emit(self._region, right)
