"""The model list with what can be done to it: card, import, export, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QMessageBox, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.model_card_dialog import CardDialog
from napari_stem_defects.napari_plugin.panels.common.model_selector import ModelChoice, describe
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, say

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.common.model_library import LibraryActions

_FILES = "Models (*.safetensors)"


class ModelRow(QWidget):
    """Chooses a model and asks before it removes one.

    Parameters
    ----------
    actions : LibraryActions
    """

    def __init__(self, actions: LibraryActions) -> None:
        super().__init__()
        self._actions = actions
        self.choice = ModelChoice()
        self.more = button(
            "⋯", "model_actions", "Card of this model; import, export or remove models"
        )
        self.more.setFixedWidth(40)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for text, tooltip, act in (
            ("Card", "What this model learned and how good it is", self._show_card),
            ("Import…", "Copy a model file into your library", self._import),
            ("Export…", "Copy this model and its card to a folder", self._export),
            ("Remove…", "Remove this model from your library", self._remove),
        ):
            action = menu.addAction(text, act)
            if action is not None:
                action.setToolTip(tooltip)
        menu.aboutToShow.connect(self._allow)
        self.more.setMenu(menu)
        self.menu = menu
        self.about = note("model_description")
        self._lay_out()
        self.choice.currentIndexChanged.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Describe the model chosen."""
        entry = self.choice.entry
        say(self.about, describe(entry))
        self.about.setToolTip("" if entry is None else entry.spec.description)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.choice, 1)
        row.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.about)

    def _allow(self) -> None:
        """Offer what the chosen model allows: bundled ones stay."""
        entry = self.choice.entry
        for action in self.menu.actions():
            text = action.text()
            own = entry is not None and entry.source == "user"
            action.setEnabled(
                text.startswith("Import") or (own if text.startswith("Remove") else bool(entry))
            )

    def _show_card(self) -> None:
        if (entry := self.choice.entry) is not None:
            CardDialog(entry, self).open()

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a model", "", _FILES)
        if path:
            self._actions.import_model(Path(path))

    def _export(self) -> None:
        if (entry := self.choice.entry) is None:
            return
        path, _ = QFileDialog.getSaveFileName(self, "Export the model", entry.path.name, _FILES)
        if path:
            self._actions.export_model(entry, Path(path))

    def _remove(self) -> None:
        entry = self.choice.entry
        if entry is None or entry.source != "user":
            return
        question = f"Remove {entry.name} from your library? The file is deleted."
        if QMessageBox.question(self, "Remove the model", question) == _YES:
            self._actions.remove(entry)


_YES = QMessageBox.StandardButton.Yes
