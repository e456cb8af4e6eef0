"""Row that corrects the selected region: another class, or no defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.panel import button, named, note, show_note
from napari_stem_defects.napari_plugin.panels.common.plain_text import plain_label
from napari_stem_defects.napari_plugin.panels.common.wrapping_row import WrappingRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.postprocessing.results import Region

_NO_CORRECTION = "No correction was made."


class CorrectionRow(QWidget):
    """Requests corrections of the selected region through its signals."""

    corrected = Signal(object, str)
    """The region and its correct class; "Bulk" if it is no defect."""
    undo_clicked = Signal()
    """Requests to undo the last correction."""

    def __init__(self) -> None:
        super().__init__()
        self._region: Region | None = None
        self._what = plain_label("Region is")
        self.right_class = named(Choice(), "right_class", "Correct class of the selected region")
        self.right_class.activated.connect(self._on_class)
        self.delete = button(
            "No defect", "delete_region", "Mark the selected region as no defect (Delete)"
        )
        self.delete.clicked.connect(lambda: self._correct(BULK))
        self.undo = button("Undo", "undo_correction", "Undo the last correction")
        self.undo.clicked.connect(self.undo_clicked)
        self.statement = note("corrections")
        self._lay_out()
        self.set_region(None)

    def set_classes(self, classes: Sequence[DefectClass]) -> None:
        """Set the classes to choose from, all but Bulk."""
        self.right_class.clear()
        self.right_class.addItems([each.name for each in classes if each.name != BULK])
        self.set_region(self._region)

    def set_region(self, region: Region | None) -> None:
        """Set the selected region; None disables the controls."""
        self._region = region
        for widget in (self.right_class, self.delete):
            enable(widget, region is not None, "Select a region first.")
        name = "" if region is None else region.class_name
        self.right_class.setCurrentIndex(self.right_class.findText(name))

    def set_statement(self, text: str, can_undo: bool) -> None:
        """Show the state of the corrections, and whether one can be undone."""
        show_note(self.statement, text)
        enable(self.undo, can_undo, _NO_CORRECTION)

    def _lay_out(self) -> None:
        row = WrappingRow()
        row.add(self._what)
        row.add(self.right_class, 1)
        row.add(self.delete)
        row.add(self.undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.statement)
        enable(self.undo, False, _NO_CORRECTION)

    def _on_class(self) -> None:
        self._correct(self.right_class.currentText())

    def _correct(self, right: str) -> None:
        if self._region is not None:
            self.corrected.emit(self._region, right)
