"""Evaluation report of a model in a separate, resizable dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_stem_defects.io.models.report_folder import read_report
from napari_stem_defects.napari_plugin.panels.common.confusion_plot import ConfusionPlot
from napari_stem_defects.napari_plugin.panels.common.loss_plot import LossPlot
from napari_stem_defects.napari_plugin.panels.common.metrics_table import MetricsTable, full_columns
from napari_stem_defects.napari_plugin.panels.common.panel import named, note, show_note
from napari_stem_defects.napari_plugin.panels.common.plain_text import plain_label
from napari_stem_defects.napari_plugin.panels.common.reliability_plot import ReliabilityPlot
from napari_stem_defects.reporting.losses import epoch_losses
from napari_stem_defects.reporting.split_titles import split_title

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLUMN_PX = 470
_LOSSES_PX = 240


class ReportWindow(QDialog):
    """Shows one column per split, that of the model itself first.

    Parameters
    ----------
    report : mapping
        Content of ``report.json``.
    parent : QWidget
    """

    def __init__(self, report: Mapping[str, Any], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("report_window")
        self.setWindowTitle(f"Report on {report['model']}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setSizeGripEnabled(True)
        evaluations = [report, *report["beside"]]
        content = QWidget()
        self._grid = QGridLayout(content)
        self._grid.setHorizontalSpacing(28)
        self._grid.setVerticalSpacing(6)
        self._grid.addWidget(_paragraph("remarks", " ".join(report["remarks"])), 0, 0, 1, -1)
        for column, evaluation in enumerate(evaluations):
            self._add(column, evaluation)
        self._add_losses(report, len(evaluations))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(area)
        self.resize(max(760, 80 + (_COLUMN_PX + 60) * len(evaluations)), 740)

    def _add(self, column: int, evaluation: Mapping[str, Any]) -> None:
        split = evaluation["split"] or "all"
        metrics = MetricsTable(f"figures_{split}")
        metrics.set_columns(full_columns(evaluation), evaluation.get("colours"))
        confusion = ConfusionPlot(f"confusion_{split}")
        confusion.set_evaluation(evaluation)
        reliability = ReliabilityPlot(f"reliability_{split}")
        reliability.set_classes(evaluation["classes"], evaluation.get("colours"))
        for row, widget in enumerate(
            (
                _heading(split_title(evaluation["split"])),
                _paragraph(f"meaning_{split}", _sentence(evaluation)),
                metrics,
                _heading("Confusion matrix"),
                confusion,
                _heading("Reliability diagram"),
                reliability,
                _paragraph(f"notes_{split}", _notes(evaluation)),
            ),
            start=1,
        ):
            self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignTop)
        self._grid.setColumnMinimumWidth(column, _COLUMN_PX)
        self._grid.setColumnStretch(column, 1)

    def _add_losses(self, report: Mapping[str, Any], columns: int) -> None:
        losses = LossPlot("report_losses", _LOSSES_PX)
        row = self._grid.rowCount()
        self._grid.addWidget(_heading("Training losses"), row, 0, 1, columns)
        self._grid.addWidget(losses, row + 1, 0, 1, columns)
        losses.set_losses(epoch_losses(report["history"]), report.get("colours"))


def show_report(model: Path, parent: QWidget) -> None:
    """Open the report of a model; does nothing if it has none.

    Parameters
    ----------
    model : Path
        The model file.
    parent : QWidget
        The dialog stays in front of it and closes with it.
    """
    if (report := read_report(model)) is not None:
        ReportWindow(report, parent).show()


def _sentence(evaluation: Mapping[str, Any]) -> str:
    meaning = evaluation["meaning"]
    return f"{meaning[:1].upper()}{meaning[1:]}. {_accuracy(evaluation)}"


def _accuracy(evaluation: Mapping[str, Any]) -> str:
    share, windows = evaluation["accuracy"]["value"], evaluation["windows"]
    if share is None:
        return f"{windows} windows were tested."
    return f"Of {windows} windows tested, {share:.1%} were assigned to the class of their label."


def _notes(evaluation: Mapping[str, Any]) -> str:
    untested = [f"{name} was not tested: {why}." for name, why in evaluation["untestable"].items()]
    return "\n".join([*evaluation["notes"], *untested])


def _paragraph(name: str, text: str) -> QLabel:
    label = named(note(name), name, "")
    show_note(label, text)
    return label


def _heading(text: str) -> QLabel:
    label = plain_label(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setContentsMargins(0, 8, 0, 0)
    return label
