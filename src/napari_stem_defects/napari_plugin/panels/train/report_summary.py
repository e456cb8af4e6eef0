"""Summary of an evaluation report: metrics per class, one column group per split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.metrics_table import (
    MetricsTable,
    short_columns,
)
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, show_note
from napari_stem_defects.reporting.split_titles import split_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ReportSummary(QWidget):
    """Shows the metrics of a trained ensemble, and a button that opens the whole report."""

    open_clicked = Signal()
    """The button was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("report")
        self.meaning = note("report_meaning")
        self.remarks = note("report_remarks")
        self.metrics = MetricsTable("figures")
        self.open = button(
            "Show report…",
            "open_report",
            "Open confusion matrix, reliability diagram and all metrics",
        )
        self.open.clicked.connect(self.open_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.metrics, self.open, self.meaning, self.remarks):
            layout.addWidget(widget)
        layout.setAlignment(self.open, Qt.AlignmentFlag.AlignRight)
        self.hide()

    def set_evaluations(self, evaluations: Sequence[Mapping[str, Any]], remarks: str = "") -> None:
        """Show evaluations; hidden where there are none.

        Parameters
        ----------
        evaluations : sequence of mapping
            One per split, as in ``report.json``; the first is that of the model itself.
        remarks : str
            Shown below, after the remarks of the first evaluation.
        """
        self.setVisible(bool(evaluations))
        show_note(self.meaning, "\n".join(map(_sentence, evaluations)))
        own = evaluations[0].get("notes", ()) if evaluations else ()
        show_note(self.remarks, "\n".join(filter(None, [*own, remarks])))
        if evaluations:
            self.metrics.set_columns(short_columns(evaluations), evaluations[0].get("colours"))


def _sentence(evaluation: Mapping[str, Any]) -> str:
    return f"{split_title(evaluation['split'])}: {evaluation['meaning']}."
