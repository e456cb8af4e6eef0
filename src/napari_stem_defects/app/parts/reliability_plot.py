"""Reliability diagram: what a probability is worth, one curve per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.core.classes import colour_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARGIN_PX = (42, 8, 8, 20)
"""Left, top, right, bottom."""
# Bins of fewer windows say more about chance than about the model.
_FEWEST = 5


class ReliabilityPlot(QWidget):
    """Paints, over the probability, the share of windows that really are of the class."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("reliability")
        self.setToolTip(
            "Of the windows given a probability p, how many are of the class; on the diagonal p"
            " means what it says. Bins of fewer than 5 windows are left out"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.curves: dict[str, list[tuple[float, float]]] = {}

    def put(self, classes: Mapping[str, Mapping[str, Any]]) -> None:
        """Show these classes' figures, as in a report."""
        self.curves = {
            name: [
                (each["probability"], each["share"])
                for each in figures["reliability"]
                if each["count"] >= _FEWEST
            ]
            for name, figures in classes.items()
        }
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a square that a narrow dock can hold."""
        return QSize(320, 190)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the diagonal and the curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, top, right, bottom = _MARGIN_PX
        frame = QRectF(self.rect()).adjusted(left, top, -right, -bottom)
        self._axes(painter, frame)
        for name, points in self.curves.items():
            painter.setPen(QPen(QColor(colour_of(name)), 1.6))
            painter.setBrush(QColor(colour_of(name)))
            spots = [_at(frame, *point) for point in points]
            painter.drawPolyline(QPolygonF(spots))
            for spot in spots:
                painter.drawEllipse(spot, 2.5, 2.5)

    def _axes(self, painter: QPainter, frame: QRectF) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        faint = QColor(text)
        faint.setAlpha(70)
        painter.setPen(faint)
        painter.drawRect(frame)
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
        painter.drawLine(frame.bottomLeft(), frame.topRight())
        painter.setPen(text)
        right, middle = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
        beside = QRectF(0, frame.top(), frame.left() - 4, frame.height())
        painter.drawText(beside, right | Qt.AlignmentFlag.AlignTop, "1")
        painter.drawText(beside, right | Qt.AlignmentFlag.AlignVCenter, "share")
        painter.drawText(beside, right | Qt.AlignmentFlag.AlignBottom, "0")
        below = QRectF(frame.left(), frame.bottom() + 2, frame.width(), _MARGIN_PX[3])
        painter.drawText(below, middle, "probability, 0 to 1")


def _at(frame: QRectF, x: float, y: float) -> QPointF:
    return QPointF(frame.left() + frame.width() * x, frame.bottom() - frame.height() * y)
