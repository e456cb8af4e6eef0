"""Row that states where a project that started by itself is kept, and moves it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QSizePolicy, QWidget

from napari_stem_defects.napari_plugin.panels.common.panel import button, note, show_note
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel


class AutomaticRow(QWidget):
    """Visible while a project is open that started by itself.

    Parameters
    ----------
    view_model : LabelViewModel
    """

    def __init__(self, view_model: LabelViewModel) -> None:
        super().__init__()
        self._view_model = view_model
        self.statement = note("automatic_project")
        self.save_as = button("Save as…", "save_as", "Move the project to a folder of your choice")
        self.save_as.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.save_as.clicked.connect(self._save)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.statement, 1)
        row.addWidget(self.save_as)
        view_model.project_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the current state."""
        project = self._view_model.project
        is_shown = project is not None and self._view_model.is_automatic
        text = "Started with the first label; every change is saved." if is_shown else ""
        show_note(self.statement, text)
        set_tooltip(self.statement, "" if project is None else str(project.path))
        self.setVisible(is_shown)

    def _save(self) -> None:
        project = self._view_model.project
        name = "" if project is None else project.path.name
        path, _ = QFileDialog.getSaveFileName(self, "New folder of the label project", name)
        if path:
            self._view_model.save_as(Path(path))
