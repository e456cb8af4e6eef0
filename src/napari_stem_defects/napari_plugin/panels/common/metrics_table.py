"""Figures per class as a table: precision, recall, F1, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.swatch import ink_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    SplitEvaluation = Mapping[str, Any]

_ROW_PX, _LINE_PX = 22, 17
_RATES = (
    ("precision", "P", "Precision: share of the windows called this class that are of it"),
    ("recall", "R", "Recall: share of the windows of this class that are called so"),
    ("f1", "F1", "Harmonic mean of precision and recall"),
)
_COUNTS = (
    ("fp", "false", "Windows called this class that are not of it"),
    ("fn", "missed", "Windows of this class that are not called so"),
)


class Column(NamedTuple):
    """A column: heading, explanation and a value for each class."""

    heading: str
    tooltip: str
    values: Mapping[str, float | int | None]
    intervals: Mapping[str, str] = {}


class FiguresTable(QTableWidget):
    """Shows columns of figures, a row for each class in the class's colour.

    Parameters
    ----------
    name : str
    fits_dock : bool
        Columns share the width there is, and the table is as high as its rows.
    """

    def __init__(self, name: str, fits_dock: bool = False) -> None:
        super().__init__()
        named(self, name, "Each class against all others, on windows held out from training")
        self._fits_dock = fits_dock
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.horizontalHeader(), self.verticalHeader()
        if across is not None and down is not None:
            across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            across.setMinimumSectionSize(20)
            down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            down.setDefaultSectionSize(_ROW_PX)

    def put(self, columns: Sequence[Column]) -> None:
        """Show these columns."""
        names = list(columns[0].values)
        self.setRowCount(len(names))
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels([column.heading for column in columns])
        self.setVerticalHeaderLabels(names)
        for row, name in enumerate(names):
            if (header := self.verticalHeaderItem(row)) is not None:
                header.setForeground(ink_of(name, self.palette()))
        for place, column in enumerate(columns):
            self._put_column(place, column, names)
        lines = max(column.heading.count("\n") for column in columns) + 1
        self.setFixedHeight(10 + _LINE_PX * lines + _ROW_PX * len(names) + 4)

    def _put_column(self, place: int, column: Column, names: Sequence[str]) -> None:
        if (heading := self.horizontalHeaderItem(place)) is not None:
            heading.setToolTip(column.tooltip)
        for row, name in enumerate(names):
            item = QTableWidgetItem(_text(column.values[name]))
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(column.intervals.get(name, ""))
            self.setItem(row, place, item)


def short_columns(measurements: Sequence[SplitEvaluation]) -> list[Column]:
    """Return the columns that a narrow dock can hold: the model's own, and the F1 of others."""
    own, *others = measurements
    if not others:
        return [*_rates(own), *_counts(own)]
    beside = [(each, _rates(each)[-1]) for each in others]
    return [
        column._replace(heading=f"{each['split']}\n{column.heading}")
        for each, column in (*((own, column) for column in _rates(own)), *beside)
    ]


def full_columns(measurement: SplitEvaluation) -> list[Column]:
    """Return all columns of one measurement, headings in full."""
    classes = measurement["classes"]
    tested = {name: found["tp"] + found["fn"] for name, found in classes.items()}
    trained = measurement["counts"].get("training", {})
    return [
        Column("learned\nfrom", "Labels learned from", {n: trained.get(n) for n in classes}),
        Column("tested\non", "Windows of this class that were held out", tested),
        *(
            column._replace(heading=key.capitalize())
            for column, (key, *_) in zip(_rates(measurement), _RATES, strict=True)
        ),
        *_counts(measurement),
    ]


def _rates(measurement: SplitEvaluation) -> list[Column]:
    classes = measurement["classes"]
    return [
        Column(
            heading,
            tooltip,
            {name: found[key] for name, found in classes.items()},
            {name: _interval(found, key) for name, found in classes.items()},
        )
        for key, heading, tooltip in _RATES
    ]


def _counts(measurement: SplitEvaluation) -> list[Column]:
    return [
        Column(heading, tooltip, {name: f[key] for name, f in measurement["classes"].items()})
        for key, heading, tooltip in _COUNTS
    ]


def _interval(figures: Mapping[str, Any], key: str) -> str:
    if figures[key] is None:
        return "not tested"
    low, high = figures[f"{key}_interval"]
    return f"{figures[key]:.3f}, 95 % interval {low:.3f} to {high:.3f}"


def _text(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
