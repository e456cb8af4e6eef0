"""How well each member does: the figures of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLUMNS = (
    ("precision", "precision", "Share of the windows called this class that are"),
    ("recall", "recall", "Share of the windows of this class that are called so"),
    ("f1", "F1", "Harmonic mean of precision and recall"),
    ("tp", "right +", "Windows of this class called so"),
    ("fp", "false +", "Windows of other classes called this class"),
    ("fn", "missed", "Windows of this class not called so"),
    ("tn", "right −", "Windows of other classes not called so"),
)


class ReportTable(QTableWidget):
    """One row per class."""

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        self.setObjectName("report")
        self.setToolTip("Figures on the windows held out by the split")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setHorizontalHeaderLabels([title for _, title, _ in _COLUMNS])
        for column, (_, _, tooltip) in enumerate(_COLUMNS):
            if (item := self.horizontalHeaderItem(column)) is not None:
                item.setToolTip(tooltip)
        across, down = self.horizontalHeader(), self.verticalHeader()
        if across is not None and down is not None:
            across.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            down.setDefaultSectionSize(22)
        self.hide()

    def put(self, figures: Mapping[str, Mapping[str, Any]]) -> None:
        """Show figures by class; nothing where there are none."""
        self.setRowCount(len(figures))
        self.setVerticalHeaderLabels(list(figures))
        for row, values in enumerate(figures.values()):
            for column, (key, _, _) in enumerate(_COLUMNS):
                item = QTableWidgetItem(_text(values.get(key)))
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, item)
        self.setVisible(bool(figures))
        self.setFixedHeight(40 + 22 * len(figures))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
