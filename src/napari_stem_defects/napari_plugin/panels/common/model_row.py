"""Row with the model selector and a menu: show the card, import, export, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.model_card_dialog import ModelCardDialog
from napari_stem_defects.napari_plugin.panels.common.model_selector import ModelSelector, describe
from napari_stem_defects.napari_plugin.panels.common.panel import ScrolledNote, button, note
from napari_stem_defects.napari_plugin.panels.common.plain_text import confirm, set_tooltip

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.common.model_library import LibraryActions

_AUTO = "The model whose lattice fits; any-crystal (generic names) for others."
_FILES = "Models (*.safetensors)"


class ModelRow(QWidget):
    """Selects a model and offers actions on the library; removing needs a confirmation.

    Parameters
    ----------
    actions : LibraryActions
        Imports, exports and removes models.
    """

    def __init__(self, actions: LibraryActions) -> None:
        super().__init__()
        self._actions = actions
        self.selector = ModelSelector(with_auto=True)
        self.more = button(
            "⋯", "model_actions", "Show the model card; import, export or remove models"
        )
        self.more.setFixedWidth(40)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for text, tooltip, act in (
            ("Show card…", "Show training data and accuracy of this model", self._show_card),
            ("Import model…", "Copy a model file into your library", self._import),
            ("Export model…", "Copy this model and its card to a folder", self._export),
            ("Remove model…", "Remove this model from your library", self._remove),
        ):
            action = menu.addAction(text, act)
            if action is not None:
                set_tooltip(action, tooltip)
        menu.aboutToShow.connect(self._enable_actions)
        self.more.setMenu(menu)
        self.menu = menu
        self.description = note("model_description")
        self._scrolled = ScrolledNote(self.description)  # a reason names every special model
        self._lay_out()
        self.selector.currentIndexChanged.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Describe the selected model."""
        entry = self.selector.entry
        self._scrolled.show_text(_AUTO if self.selector.is_auto else describe(entry))
        set_tooltip(self.description, "" if entry is None else entry.spec.description)

    def show_choice(self, statement: str) -> None:
        """State which model was chosen automatically and why."""
        self._scrolled.show_text(statement)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.selector, 1)
        row.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self._scrolled)

    def _enable_actions(self) -> None:
        """Enable the actions possible for the selected model; bundled ones cannot be removed."""
        entry = self.selector.entry
        for action in self.menu.actions():
            text = action.text()
            is_own = entry is not None and entry.source == "user"
            action.setEnabled(
                text.startswith("Import") or (is_own if text.startswith("Remove") else bool(entry))
            )

    def _show_card(self) -> None:
        if (entry := self.selector.entry) is not None:
            ModelCardDialog(entry, self).open()

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import model", "", _FILES)
        if path:
            self._actions.import_model(Path(path))

    def _export(self) -> None:
        if (entry := self.selector.entry) is None:
            return
        path, _ = QFileDialog.getSaveFileName(self, "Export model", entry.path.name, _FILES)
        if path:
            self._actions.export_model(entry, Path(path))

    def _remove(self) -> None:
        entry = self.selector.entry
        if entry is None or entry.source != "user":
            return
        question = f"Remove {entry.name} from your library? The file is deleted."
        if confirm(self, "Remove model", question):
            self._actions.remove(entry)
