"""How good a trained ensemble is, in short: figures per class, one split beside another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.metrics_table import (
    FiguresTable,
    short_columns,
)
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, show_note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TITLES = {"": "All labels given", "random": "Random split"}


class ReportView(QWidget):
    """Shows measurements that `SplitEvaluation.to_dict` describes, side by side."""

    open_clicked = Signal()
    """The whole report is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("report")
        self.meaning = note("report_meaning")
        self.remarks = note("report_remarks")
        self.figures = FiguresTable("figures", fits_dock=True)
        self.open = button(
            "Report…", "open_report", "Confusion matrix, reliability diagram and all figures, large"
        )
        self.open.clicked.connect(self.open_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.figures, self.open, self.meaning, self.remarks):
            layout.addWidget(widget)
        layout.setAlignment(self.open, Qt.AlignmentFlag.AlignRight)
        self.hide()

    def put(self, evaluations: Sequence[Mapping[str, Any]], remarks: str = "") -> None:
        """Show measurements, the first one first; nothing where there are none."""
        self.setVisible(bool(evaluations))
        show_note(self.meaning, "\n".join(map(sentence, evaluations)))
        show_note(self.remarks, remarks)
        if evaluations:
            self.figures.put(short_columns(evaluations))


def title(split: str) -> str:
    """Return what a measurement is called."""
    return _TITLES.get(split, f"Held out by {split}")


def sentence(measurement: Mapping[str, Any]) -> str:
    """Return what a measurement means."""
    return f"{title(measurement['split'])}: {measurement['meaning']}."
