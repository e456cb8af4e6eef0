"""Confusion matrix: what windows of each label are called, tinted by their share of the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QRectF, QSize, Qt
from qtpy.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_stem_defects.napari_plugin.panels.common.swatch import ink_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROW_PX, _SLANT_DEG, _GAP_PX = 26, -40, 8
_WIDEST_CELL_PX = 62
_TINT = (76, 141, 246)
_STRONGEST = 190


class ConfusionPlot(QWidget):
    """Paints counts with all names in full; the tooltip of a cell says it in words."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip("Windows by label (row) and by the most probable class that claims them")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.rows: Sequence[str] = ()
        self.columns: Sequence[str] = ()
        self.counts: Sequence[Sequence[int]] = ()

    def put(self, measurement: Mapping[str, Any]) -> None:
        """Show the confusion of a measurement, as in a report."""
        self.rows, self.columns = measurement["rows"], measurement["columns"]
        self.counts = measurement["confusion"]
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for room for all names."""
        return QSize(440, round(self._head) + _ROW_PX * len(self.rows) + 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw names and cells."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for column, name in enumerate(self.columns):
            self._paint_column_name(painter, column, name)
        for row, name in enumerate(self.rows):
            self._paint_row(painter, row, name)

    def event(self, event: QEvent | None) -> bool:
        """Tell about the cell under the mouse."""
        if isinstance(event, QHelpEvent) and (text := self._words(event)):
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    @property
    def _names_px(self) -> float:
        return self._widest(self.rows) + _GAP_PX

    @property
    def _head(self) -> float:
        return 0.64 * self._widest(self.columns) + 20  # of the slant's sine

    @property
    def _cell(self) -> float:
        room = self.width() - self._names_px - 0.77 * self._widest(self.columns[-1:])
        return min(_WIDEST_CELL_PX, max(18.0, room / max(len(self.columns), 1)))

    def _widest(self, names: Sequence[str]) -> float:
        metrics = QFontMetricsF(self.font())
        return max((metrics.horizontalAdvance(name) for name in names), default=0.0)

    def _box(self, row: int, column: int) -> QRectF:
        left = self._names_px + column * self._cell
        return QRectF(left, self._head + row * _ROW_PX, self._cell - 2, _ROW_PX - 2)

    def _paint_column_name(self, painter: QPainter, column: int, name: str) -> None:
        box = self._box(0, column)
        painter.save()
        painter.translate(box.center().x() - 2, self._head - 5)
        painter.rotate(_SLANT_DEG)
        painter.setPen(ink_of(name, self.palette()))
        painter.drawText(0, 0, name)
        painter.restore()

    def _paint_row(self, painter: QPainter, row: int, name: str) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        counts, middle = self.counts[row], Qt.AlignmentFlag.AlignVCenter
        painter.setPen(ink_of(name, self.palette()))
        place = QRectF(0, self._box(row, 0).top(), self._names_px - _GAP_PX, _ROW_PX - 2)
        painter.drawText(place, middle | Qt.AlignmentFlag.AlignRight, name)
        for column, count in enumerate(counts):
            share = count / max(sum(counts), 1)
            painter.fillRect(self._box(row, column), QColor(*_TINT, 18 + round(_STRONGEST * share)))
            painter.setPen(text)
            painter.setOpacity(1.0 if count else 0.45)
            painter.drawText(
                self._box(row, column), middle | Qt.AlignmentFlag.AlignHCenter, str(count)
            )
            painter.setOpacity(1.0)

    def _words(self, event: QHelpEvent) -> str:
        for row, name in enumerate(self.rows):
            for column, called in enumerate(self.columns):
                if self._box(row, column).contains(event.pos().toPointF()):
                    counts = self.counts[row]
                    return f"{counts[column]} of {sum(counts)} windows labelled {name}: {called}"
        return ""
