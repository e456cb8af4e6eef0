"""Dialog that shows a model card: training data, accuracy and limitations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from napari_stem_defects.io.models.report_folder import read_report
from napari_stem_defects.napari_plugin.panels.common.panel import button, named
from napari_stem_defects.napari_plugin.panels.common.report_window import show_report

if TYPE_CHECKING:
    from napari_stem_defects.io.models.library import ModelEntry


class ModelCardDialog(QDialog):
    """Shows the card stored beside a model, or its description if there is no card.

    Parameters
    ----------
    entry : ModelEntry
    parent : QWidget
    """

    def __init__(self, entry: ModelEntry, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("model_card")
        self.setWindowTitle(entry.name)
        self.resize(640, 640)
        # Plain text: the card comes with the model file, and its links and pictures with it.
        self.text = named(QPlainTextEdit(_card(entry)), "card_text", "Card of the model")
        self.text.setReadOnly(True)
        # Tables of a card are aligned by spaces.
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        if read_report(entry.path) is not None:
            open_report = button("Show report…", "open_report", "Show the evaluation of the model")
            open_report.clicked.connect(self.accept)
            open_report.clicked.connect(lambda: show_report(entry.path, parent))
            buttons.addButton(open_report, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)


def _card(entry: ModelEntry) -> str:
    try:
        return entry.path.with_suffix(".md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return f"# {entry.name}\n\n{entry.spec.description or 'This model has no card.'}"
