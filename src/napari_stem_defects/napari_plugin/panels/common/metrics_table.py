"""Table of metrics per class: precision, recall, F1, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip
from napari_stem_defects.napari_plugin.panels.common.swatch import ink_of
from napari_stem_defects.reporting.themes import class_colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROW_PX, _LINE_PX = 22, 17
_RATES = (
    ("precision", "P", "Precision: share of the windows assigned to this class that are of it"),
    ("recall", "R", "Recall: share of the windows of this class that are assigned to it"),
    ("f1", "F1", "Harmonic mean of precision and recall"),
)
_COUNTS = (
    ("fp", "false", "Windows assigned to this class that are not of it (false positives)"),
    ("fn", "missed", "Windows of this class that are not assigned to it (false negatives)"),
)


class Column(NamedTuple):
    """A column of the table.

    Attributes
    ----------
    heading, tooltip : str
    values : mapping of str to float, int or None
        One value per class; None is shown as a dash.
    intervals : mapping of str to str
        Tooltip per class.
    """

    heading: str
    tooltip: str
    values: Mapping[str, float | int | None]
    intervals: Mapping[str, str] = {}


class MetricsTable(QTableWidget):
    """Shows one row per class, its name in the colour of the class.

    Parameters
    ----------
    name : str
        Object name.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._colours: Mapping[str, str] = {}
        named(self, name, "Each class against all others, on windows held out from training")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        across, down = self.horizontalHeader(), self.verticalHeader()
        if across is not None and down is not None:
            across.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            across.setMinimumSectionSize(20)
            down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            down.setDefaultSectionSize(_ROW_PX)

    def set_columns(
        self, columns: Sequence[Column], colours: Mapping[str, str] | None = None
    ) -> None:
        """Show columns, at least one; all have the same classes, whose colours may be given."""
        self._colours = colours or {}
        names = list(columns[0].values)
        self.setRowCount(len(names))
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels([column.heading for column in columns])
        self.setVerticalHeaderLabels(names)
        self._colour_names()
        for index, column in enumerate(columns):
            self._set_column(index, column, names)
        lines = max(column.heading.count("\n") for column in columns) + 1
        self.setFixedHeight(10 + _LINE_PX * lines + _ROW_PX * len(names) + 4)

    def changeEvent(self, event: QEvent | None) -> None:
        """Write the names in colours that suit a new theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._colour_names()

    def _colour_names(self) -> None:
        for row in range(self.rowCount()):
            if (header := self.verticalHeaderItem(row)) is not None:
                name = header.text()
                ink = ink_of(name, class_colour(name, self._colours), self.palette())
                header.setForeground(ink)

    def _set_column(self, index: int, column: Column, names: Sequence[str]) -> None:
        if (heading := self.horizontalHeaderItem(index)) is not None:
            set_tooltip(heading, column.tooltip)
        for row, name in enumerate(names):
            item = QTableWidgetItem(_text(column.values[name]))
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            set_tooltip(item, column.intervals.get(name, ""))
            self.setItem(row, index, item)


def short_columns(evaluations: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Return columns that fit a narrow dock.

    Parameters
    ----------
    evaluations : sequence of mapping
        As in ``report.json``; the first is that of the model itself.

    Returns
    -------
    list of Column
        All metrics of the only evaluation; of several the rates of the first and F1 of the others.
    """
    own, *others = evaluations
    if not others:
        return [*_rates(own), *_counts(own)]
    beside = [(each, _rates(each)[-1]) for each in others]
    return [
        column._replace(heading=f"{each['split']}\n{column.heading}")
        for each, column in (*((own, column) for column in _rates(own)), *beside)
    ]


def full_columns(evaluation: Mapping[str, Any]) -> list[Column]:
    """Return all columns of one evaluation, with full headings.

    Parameters
    ----------
    evaluation : mapping
        As in ``report.json``.

    Returns
    -------
    list of Column
    """
    classes = evaluation["classes"]
    tested = {name: found["tp"] + found["fn"] for name, found in classes.items()}
    trained = evaluation["counts"].get("training", {})
    return [
        Column(
            "trained\non",
            "Number of labels in the training set",
            {n: trained.get(n) for n in classes},
        ),
        Column("tested\non", "Windows of this class that were held out from training", tested),
        *(
            column._replace(heading=key.capitalize())
            for column, (key, *_) in zip(_rates(evaluation), _RATES, strict=True)
        ),
        *_counts(evaluation),
    ]


def _rates(evaluation: Mapping[str, Any]) -> list[Column]:
    classes = evaluation["classes"]
    return [
        Column(
            heading,
            tooltip,
            {name: found[key] for name, found in classes.items()},
            {name: _interval(found, key) for name, found in classes.items()},
        )
        for key, heading, tooltip in _RATES
    ]


def _counts(evaluation: Mapping[str, Any]) -> list[Column]:
    return [
        Column(heading, tooltip, {name: f[key] for name, f in evaluation["classes"].items()})
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
