"""How good a trained ensemble is: figures per class, confusion, and what they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_stem_defects.app.parts.dock import named, note, say
from napari_stem_defects.core.classes import colour_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS = (
    ("precision", "precision", "Share of the windows called this class that are of it"),
    ("recall", "recall", "Share of the windows of this class that are called so"),
    ("f1", "F1", "Harmonic mean of precision and recall"),
    ("fp", "false", "Windows called this class that are not of it"),
    ("fn", "missed", "Windows of this class that are not called so"),
)
_ROW_PX, _HEADER_PX = 22, 26


class ReportView(QWidget):
    """Shows one of the measurements that `Measurement.to_dict` describes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("report")
        self._measurements: Sequence[Mapping[str, Any]] = ()
        self.split = named(QComboBox(), "report_split", "Which held-out windows the figures are of")
        self.split.currentIndexChanged.connect(self._show)
        self.meaning = note("report_meaning")
        self.figures = _table("figures", "Each class against all others")
        self.confusion = _table("confusion", "Windows by label (row) and by what they are called")
        self._heading = QLabel("What windows of each label (row) are called")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.split, self.meaning, self.figures, self._heading, self.confusion):
            layout.addWidget(widget)
        self.hide()

    def put(self, measurements: Sequence[Mapping[str, Any]]) -> None:
        """Show measurements, the first one first; nothing where there are none."""
        self._measurements = measurements
        self.split.clear()
        self.split.addItems([f"held out by {each['split']}" for each in measurements])
        self.setVisible(bool(measurements))
        self._show()

    def _show(self) -> None:
        index = self.split.currentIndex()
        if not 0 <= index < len(self._measurements):
            return
        shown = self._measurements[index]
        say(self.meaning, ". ".join([shown["meaning"].capitalize(), *shown["notes"]]))
        classes = shown["classes"]
        self._put_figures(classes, shown["untestable"])
        _fill(self.confusion, shown["columns"], shown["rows"], shown["confusion"])

    def _put_figures(
        self, classes: Mapping[str, Mapping[str, Any]], untestable: Mapping[str, str]
    ) -> None:
        rows = [[values[key] for key, _, _ in _COLUMNS] for values in classes.values()]
        _fill(self.figures, [title for _, title, _ in _COLUMNS], list(classes), rows)
        for column, (_, _, tooltip) in enumerate(_COLUMNS):
            if (item := self.figures.horizontalHeaderItem(column)) is not None:
                item.setToolTip(tooltip)
        for row, name in enumerate(classes):
            if (item := self.figures.verticalHeaderItem(row)) is not None:
                item.setToolTip(untestable.get(name, ""))


def _table(name: str, tooltip: str) -> QTableWidget:
    table = named(QTableWidget(), name, tooltip)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setAlternatingRowColors(True)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    across, down = table.horizontalHeader(), table.verticalHeader()
    if across is not None and down is not None:
        across.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        down.setDefaultSectionSize(_ROW_PX)
    return table


def _fill(
    table: QTableWidget,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | int | None]],
) -> None:
    table.setRowCount(len(rows))
    table.setColumnCount(len(columns))
    table.setHorizontalHeaderLabels(list(columns))
    table.setVerticalHeaderLabels(list(rows))
    for row, name in enumerate(rows):
        if (header := table.verticalHeaderItem(row)) is not None:
            header.setForeground(QColor(colour_of(name)))
        for column, value in enumerate(values[row]):
            item = QTableWidgetItem(_text(value))
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(row, column, item)
    table.setFixedHeight(_HEADER_PX + _ROW_PX * len(rows) + 16)


def _text(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
