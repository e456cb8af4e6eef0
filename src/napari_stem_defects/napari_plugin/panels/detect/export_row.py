"""Row that writes results: back into an opened folder, into a new one, or as a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, show_note
from napari_stem_defects.napari_plugin.panels.common.wrapping_row import WrappingRow
from napari_stem_defects.napari_plugin.panels.detect.copy_button import CopyButton

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.napari_plugin.panels.common.job_state import JobState
    from napari_stem_defects.napari_plugin.panels.detect.script_export import DetectScript


class ExportRow(QWidget):
    """Requests to write results through its signals, and shows how that ended.

    Parameters
    ----------
    exporting : JobState
        The state of the export.
    missing : callable
        Returns why nothing can be exported; "" if something can.
    script : callable
        Returns the script that repeats the detection.
    """

    folder_chosen = Signal(object)
    """The folder (Path) in which results are to be written."""
    save_clicked = Signal()
    """Requests to save opened results in their folder."""

    def __init__(
        self, exporting: JobState, missing: Callable[[], str], script: Callable[[], DetectScript]
    ) -> None:
        super().__init__()
        self._exporting, self._missing = exporting, missing
        self.save = button(
            "Save", "save", "Write thresholds and corrections into the opened result folder"
        )
        self.save.hide()
        self.save.clicked.connect(lambda: self.save_clicked.emit())
        self.export = button(
            "Export results…",
            "export",
            "Write what is listed: masks and probabilities of a detection or the map of a survey,"
            " with table, summary and overview picture",
        )
        self.export.clicked.connect(self._choose_folder)
        self.copy_as = CopyButton(script)
        self.message = note("export_message")
        row = WrappingRow()
        for widget in (self.save, self.export, self.copy_as):
            row.add(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.message)
        self._exporting.changed.connect(self._on_exporting)

    def show_save(self, is_opened: bool, is_changed: bool) -> None:
        """Show the button that saves, for opened results; enable it if they were changed."""
        self.save.setVisible(is_opened)
        enable(self.save, is_changed and not self._exporting.busy, "There is nothing to save.")

    def _choose_folder(self) -> None:
        if missing := self._missing():  # stated before the dialog opens
            self._exporting.fail(missing)
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder for the results")
        if folder:
            self.folder_chosen.emit(Path(folder))

    def _on_exporting(self) -> None:
        show_note(self.message, self._exporting.message)
