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
from napari_stem_defects.app.parts.reliability_plot import ReliabilityPlot
from napari_stem_defects.core.classes import colour_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS = (
    ("precision", "P", "Precision: share of the windows called this class that are of it"),
    ("recall", "R", "Recall: share of the windows of this class that are called so"),
    ("f1", "F1", "Harmonic mean of precision and recall"),
)
_COUNTS = (
    ("fp", "false", "Windows called this class that are not of it"),
    ("fn", "missed", "Windows of this class that are not called so"),
)
_ROW_PX, _HEADER_PX = 22, 26
_STRONGEST = 150
_SHORT = 4


class ReportView(QWidget):
    """Shows measurements that `Measurement.to_dict` describes, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("report")
        self._measurements: Sequence[Mapping[str, Any]] = ()
        self.meaning = note("report_meaning")
        self.figures = _table("figures", "Each class against all others, one split beside another")
        self.split = named(QComboBox(), "report_split", "Which held-out windows are shown below")
        self.split.currentIndexChanged.connect(self._show)
        self.notes = note("report_notes")
        self.confusion = _table("confusion", "Windows by label (row) and by what they are called")
        self.reliability = ReliabilityPlot()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self.meaning,
            self.figures,
            self.split,
            self.notes,
            QLabel("What windows of each label (row) are called"),
            self.confusion,
            QLabel("What a probability is worth"),
            self.reliability,
        ):
            layout.addWidget(widget)
        self.hide()

    def put(self, measurements: Sequence[Mapping[str, Any]]) -> None:
        """Show measurements, the first one first; nothing where there are none."""
        self._measurements = measurements
        self.split.clear()
        self.split.addItems([f"held out by {each['split']}" for each in measurements])
        self.split.setVisible(len(measurements) > 1)
        self.setVisible(bool(measurements))
        sentences = [f"{_title(each['split'])}: {each['meaning']}." for each in measurements]
        say(self.meaning, "\n".join(sentences))
        if measurements:
            self._put_figures()
        self._show()

    def _put_figures(self) -> None:
        several = len(self._measurements) > 1
        columns = _COLUMNS if several else (*_COLUMNS, *_COUNTS)
        names = list(self._measurements[0]["classes"])
        titles = [
            f"{each['split']}\n{title}" if several else title
            for each in self._measurements
            for _, title, _ in columns
        ]
        rows = [
            [each["classes"][name][key] for each in self._measurements for key, _, _ in columns]
            for name in names
        ]
        _fill(self.figures, titles, names, rows, tall_header=several)
        tooltips = [tooltip for _ in self._measurements for _, _, tooltip in columns]
        for column, tooltip in enumerate(tooltips):
            if (item := self.figures.horizontalHeaderItem(column)) is not None:
                item.setToolTip(tooltip)

    def _show(self) -> None:
        index = self.split.currentIndex()
        if not 0 <= index < len(self._measurements):
            return
        shown = self._measurements[index]
        say(self.notes, " ".join([*shown["notes"], *_untested(shown["untestable"])]))
        self.notes.setToolTip("\n".join(f"{n}: {why}" for n, why in shown["untestable"].items()))
        _fill(self.confusion, shown["columns"], shown["rows"], shown["confusion"])
        _name_columns(self.confusion, shown["columns"])
        _shade(self.confusion)
        self.reliability.put(shown["classes"])


def _untested(reasons: Mapping[str, str]) -> list[str]:
    return [f"Not tested, for reasons in the tooltip: {', '.join(reasons)}."] if reasons else []


def _title(split: str) -> str:
    return f"Held out by {split}" if split != "random" else "Random split"


def _table(name: str, tooltip: str) -> QTableWidget:
    table = named(QTableWidget(), name, tooltip)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setTextElideMode(Qt.TextElideMode.ElideRight)
    across, down = table.horizontalHeader(), table.verticalHeader()
    if across is not None and down is not None:
        across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        across.setMinimumSectionSize(20)
        down.setDefaultSectionSize(_ROW_PX)
    return table


def _fill(
    table: QTableWidget,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | int | None]],
    tall_header: bool = False,
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
    head = _HEADER_PX * (2 if tall_header else 1)
    table.setFixedHeight(head + _ROW_PX * len(rows) + 4)


def _name_columns(table: QTableWidget, names: Sequence[str]) -> None:
    """Tell narrow columns apart by the colours of their classes; the tooltip names them."""
    for column, name in enumerate(names):
        if (item := table.horizontalHeaderItem(column)) is not None:
            item.setText(name if len(name) <= _SHORT else f"{name[:_SHORT]}…")
            item.setForeground(QColor(colour_of(name)))
            item.setToolTip(f"called {name}")


def _shade(table: QTableWidget) -> None:
    """Tint the cells of a confusion matrix by their share of the row."""
    for row in range(table.rowCount()):
        items = [
            item for c in range(table.columnCount()) if (item := table.item(row, c)) is not None
        ]
        total = sum(int(item.text()) for item in items)
        for item in items:
            share = int(item.text()) / total if total else 0.0
            item.setBackground(QColor(76, 141, 246, round(_STRONGEST * share)))


def _text(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
