"""Small bars: what the ensemble says about the window under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.core.classes import colour_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROW_PX = 13
_NAME_PX, _VALUE_PX = 96, 34
_BAR_PX = 7


class ProbabilityBars(QWidget):
    """One bar per class in its colour, a tick at its threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("probability_bars")
        self.setToolTip(
            "Probability of every class for the window under the cursor; the tick is its threshold"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._thresholds: Mapping[str, float] = {}
        self.values: Mapping[str, float] = {}
        """What is shown; empty where the cursor is over nothing that was asked about."""

    def put_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """Show these classes."""
        self._thresholds = dict(thresholds)
        self.updateGeometry()
        self.update()

    def put(self, values: Mapping[str, float] | None) -> None:
        """Show these probabilities, or none."""
        if values != self.values:
            self.values = values or {}
            self.update()

    def sizeHint(self) -> QSize:
        """Ask for a line per class."""
        return QSize(320, max(1, len(self._thresholds)) * _ROW_PX + 2)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw names, bars, ticks and figures."""
        painter = QPainter(self)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.88)
        painter.setFont(font)
        for row, (name, threshold) in enumerate(self._thresholds.items()):
            self._draw(painter, row * _ROW_PX, name, threshold)

    def _draw(self, painter: QPainter, top: int, name: str, threshold: float) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        faint = QColor(text)
        faint.setAlpha(45)
        bar = QRectF(
            _NAME_PX, top + (_ROW_PX - _BAR_PX) / 2, self.width() - _NAME_PX - _VALUE_PX, _BAR_PX
        )
        value = self.values.get(name)
        left, middle = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter
        painter.setPen(text)
        painter.drawText(QRectF(0, top, _NAME_PX - 4, _ROW_PX), left | middle, name)
        painter.fillRect(bar, faint)
        if value is not None:
            filled = QRectF(bar)
            filled.setWidth(bar.width() * value)
            painter.fillRect(filled, QColor(colour_of(name)))
            beside = QRectF(bar.right() + 2, top, _VALUE_PX - 2, _ROW_PX)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | middle, f"{value:.2f}")
        at = bar.left() + bar.width() * threshold
        painter.fillRect(QRectF(at - 1, bar.top() - 2, 2, bar.height() + 4), text)
