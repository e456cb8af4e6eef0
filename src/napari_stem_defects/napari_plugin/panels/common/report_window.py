"""The whole report on a model, in a window of its own: large, resizable, beside the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from napari_stem_defects.io.models.report_folder import read_report
from napari_stem_defects.napari_plugin.panels.common.confusion_plot import ConfusionPlot
from napari_stem_defects.napari_plugin.panels.common.loss_plot import LossPlot
from napari_stem_defects.napari_plugin.panels.common.metrics_table import FiguresTable, full_columns
from napari_stem_defects.napari_plugin.panels.common.panel import named, note, show_note
from napari_stem_defects.napari_plugin.panels.common.reliability_plot import ReliabilityPlot
from napari_stem_defects.napari_plugin.panels.train.report_summary import title
from napari_stem_defects.reporting.losses import epoch_losses

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLUMN_PX = 470
_LOSSES_PX = 240


class ReportWindow(QDialog):
    """Shows one column per measurement, the model's own first.

    Parameters
    ----------
    report : mapping
        What ``report.json`` holds.
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
        self._grid.addWidget(_small("remarks", " ".join(report["remarks"])), 0, 0, 1, -1)
        for column, measurement in enumerate(evaluations):
            self._add(column, measurement)
        self._add_losses(report, len(evaluations))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(area)
        self.resize(max(760, 80 + (_COLUMN_PX + 60) * len(evaluations)), 740)

    def _add(self, column: int, measurement: Mapping[str, Any]) -> None:
        split = measurement["split"] or "all"
        figures = FiguresTable(f"figures_{split}")
        figures.put(full_columns(measurement))
        confusion = ConfusionPlot(f"confusion_{split}")
        confusion.put(measurement)
        reliability = ReliabilityPlot(f"reliability_{split}")
        reliability.put(measurement["classes"])
        for row, widget in enumerate(
            (
                _heading(title(measurement["split"])),
                _small(f"meaning_{split}", _sentence(measurement)),
                figures,
                _heading("What windows of each label (row) are called"),
                confusion,
                _heading("What a probability is worth"),
                reliability,
                _small(f"notes_{split}", _notes(measurement)),
            ),
            start=1,
        ):
            self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignTop)
        self._grid.setColumnMinimumWidth(column, _COLUMN_PX)
        self._grid.setColumnStretch(column, 1)

    def _add_losses(self, report: Mapping[str, Any], columns: int) -> None:
        losses = LossPlot("report_losses", _LOSSES_PX)
        row = self._grid.rowCount()
        self._grid.addWidget(_heading("Losses of the model's members"), row, 0, 1, columns)
        self._grid.addWidget(losses, row + 1, 0, 1, columns)
        losses.put(epoch_losses(report["history"]))


def show_report(model: Path, parent: QWidget) -> None:
    """Open the report that lies beside a model's file; without one nothing happens."""
    if (report := read_report(model)) is not None:
        ReportWindow(report, parent).show()


def _sentence(measurement: Mapping[str, Any]) -> str:
    meaning = measurement["meaning"]
    return f"{meaning[:1].upper()}{meaning[1:]}. {_accuracy(measurement)}"


def _accuracy(measurement: Mapping[str, Any]) -> str:
    share, windows = measurement["accuracy"]["value"], measurement["windows"]
    if share is None:
        return f"{windows} windows were tested."
    return f"Of {windows} windows tested, {share:.1%} got their own name first."


def _notes(measurement: Mapping[str, Any]) -> str:
    untested = [f"{name} was not tested: {why}." for name, why in measurement["untestable"].items()]
    return "\n".join([*measurement["notes"], *untested])


def _small(name: str, text: str) -> QLabel:
    label = named(note(name), name, "")
    show_note(label, text)
    return label


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setContentsMargins(0, 8, 0, 0)
    return label
