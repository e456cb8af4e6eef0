"""Curves in a frame with ticks, named in a legend below."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LEFT_PX, _TOP_PX, _RIGHT_PX, _BELOW_PX = 46, 8, 10, 34
_LEGEND_ROW_PX, _MARK_PX, _GAP_PX = 17, 14, 14
_DOT_PX = 2.2
_FAINT = 70


class Curve(NamedTuple):
    """Points to join; with ``dots`` each one is marked."""

    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False
    dots: bool = True


class Axis(NamedTuple):
    """From 0 to ``highest``, the ticks named by their values."""

    title: str
    highest: float
    ticks: Sequence[tuple[float, str]]


class Plot(QWidget):
    """Paints what it was given last.

    Parameters
    ----------
    name, tooltip : str
    width, height : int
        Of the frame with its axes, px; the legend comes below.
    """

    def __init__(self, name: str, tooltip: str, width: int, height: int) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(tooltip)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._size = QSize(width, height)
        self._axes = Axis("", 1, ()), Axis("", 1, ())
        self._drawn: Sequence[Curve] = ()
        self.legend: Sequence[tuple[str, str]] = ()
        """Name and colour of what is drawn."""

    def draw(
        self, x: Axis, y: Axis, curves: Sequence[Curve], legend: Sequence[tuple[str, str]]
    ) -> None:
        """Show curves; values beyond the highest are drawn at the frame."""
        self._axes, self._drawn = (x, y), curves
        grown = len(legend) != len(self.legend)
        self.legend = legend
        if grown:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for the width given and what height the legend needs at it."""
        return QSize(self._size.width(), self.heightForWidth(self._size.width()))

    def hasHeightForWidth(self) -> bool:
        """Say that a narrow legend is a high one."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of frame and legend."""
        rows = max((row for row, *_ in self._places(width)), default=-1) + 1
        return self._size.height() + rows * _LEGEND_ROW_PX

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw axes, curves and legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(
            _LEFT_PX,
            _TOP_PX,
            self.width() - _LEFT_PX - _RIGHT_PX,
            self._size.height() - _TOP_PX - _BELOW_PX,
        )
        self._paint_axes(painter, frame)
        for curve in self._drawn:
            self._paint_curve(painter, frame, curve)
        self._paint_legend(painter)

    def _paint_axes(self, painter: QPainter, frame: QRectF) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        faint = QColor(text)
        faint.setAlpha(_FAINT)
        painter.setPen(faint)
        painter.drawRect(frame)
        x, y = self._axes
        centre, right = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight
        middle = Qt.AlignmentFlag.AlignVCenter
        for value, name in x.ticks:
            at = frame.left() + frame.width() * value / x.highest
            self._grid(painter, faint, QPointF(at, frame.top()), QPointF(at, frame.bottom()))
            painter.setPen(text)
            painter.drawText(QRectF(at - 30, frame.bottom() + 1, 60, 15), centre, name)
        for value, name in y.ticks:
            at = frame.bottom() - frame.height() * value / y.highest
            self._grid(painter, faint, QPointF(frame.left(), at), QPointF(frame.right(), at))
            painter.setPen(text)
            painter.drawText(QRectF(0, at - 8, frame.left() - 5, 16), right | middle, name)
        title = QRectF(frame.left(), frame.bottom() + 16, frame.width(), 16)
        painter.drawText(title, centre, x.title)

    def _grid(self, painter: QPainter, colour: QColor, start: QPointF, end: QPointF) -> None:
        painter.setPen(QPen(colour, 0.6, Qt.PenStyle.DotLine))
        painter.drawLine(start, end)

    def _paint_curve(self, painter: QPainter, frame: QRectF, curve: Curve) -> None:
        x, y = self._axes
        spots = [
            QPointF(
                frame.left() + frame.width() * min(a / x.highest, 1.0),
                frame.bottom() - frame.height() * min(b / y.highest, 1.0),
            )
            for a, b in curve.points
        ]
        style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(curve.colour), 1.3 if curve.dashed else 1.8, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(spots))
        if curve.dots:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(curve.colour))
            for spot in spots:
                painter.drawEllipse(spot, _DOT_PX, _DOT_PX)

    def _paint_legend(self, painter: QPainter) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for (row, x, width), (name, colour) in zip(
            self._places(self.width()), self.legend, strict=True
        ):
            y = self._size.height() + row * _LEGEND_ROW_PX
            painter.setPen(QPen(QColor(colour), 3))
            painter.drawLine(QPointF(x, y + 8), QPointF(x + _MARK_PX, y + 8))
            painter.setPen(text)
            place = QRectF(x + _MARK_PX + 4, y, width, _LEGEND_ROW_PX)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, name)

    def _places(self, width: int) -> Iterator[tuple[int, float, float]]:
        """Yield row, left edge and width of the text of each entry, filling rows."""
        metrics, row, x = QFontMetricsF(self.font()), 0, float(_GAP_PX)
        for name, _ in self.legend:
            needed = metrics.horizontalAdvance(name) + 6
            if x > _GAP_PX and x + _MARK_PX + 4 + needed > width:
                row, x = row + 1, float(_GAP_PX)
            yield row, x, needed
            x += _MARK_PX + 4 + needed + _GAP_PX
