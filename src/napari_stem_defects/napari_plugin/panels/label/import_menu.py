"""Menu of what can be imported as labels."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QWidget


class ImportMenu(QMenu):
    """Dialogs that choose a folder of patches or a table of points.

    Parameters
    ----------
    parent : QWidget
        The dialogs open over it.
    """

    chosen = Signal(Path)
    """The user has chosen a folder or a table."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.addAction("Import folder of patches…", self._folder)
        self.addAction("Import table of points (.csv)…", self._table)

    def _folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._over, "Import a folder of patches")
        if folder:
            self.chosen.emit(Path(folder))

    def _table(self) -> None:
        table, _ = QFileDialog.getOpenFileName(self._over, "Import points", "", "Tables (*.csv)")
        if table:
            self.chosen.emit(Path(table))
