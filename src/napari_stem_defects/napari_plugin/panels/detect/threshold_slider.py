"""Slider for a probability threshold whose groove shows the probability at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette
from qtpy.QtWidgets import QAbstractSlider, QSizePolicy

if TYPE_CHECKING:
    from qtpy.QtGui import QMouseEvent, QPaintEvent, QWheelEvent

STEPS = 100
"""Slider steps per unit of probability; an arrow key moves the threshold by one step."""
_HEIGHT_PX, _GROOVE_PX, _HANDLE_PX = 18, 12, 5
_DARK, _BRIGHT = QColor("#14161a"), QColor("#ffffff")


class ThresholdSlider(QAbstractSlider):
    """Threshold of a class as the handle, and its probability at the cursor as the bar.

    Parameters
    ----------
    colour : str
        Colour of the class, ``#rrggbb``.

    Attributes
    ----------
    probability : float or None
        Probability shown; None if the position of the cursor was not searched.
    """

    def __init__(self, colour: str) -> None:
        super().__init__()
        self._colour = QColor(colour)
        self.probability: float | None = None
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(1, STEPS)  # with 0 every window would be classified as this class
        self.setPageStep(STEPS // 10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_probability(self, probability: float | None) -> None:
        """Show a probability; None shows none."""
        if probability != self.probability:
            self.probability = probability
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size of one line."""
        return QSize(110, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """Return a size that is easy to hit with the mouse."""
        return QSize(44, _HEIGHT_PX)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Move the threshold to the mouse."""
        self._move_to(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the threshold."""
        self._move_to(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Leave the wheel to the scroll area."""
        if event is not None:
            event.ignore()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw groove, probability bar, probability value and threshold."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        groove = QRectF(0, (self.height() - _GROOVE_PX) / 2, self.width(), _GROOVE_PX)
        faint = QColor(text)
        faint.setAlpha(45)
        painter.setBrush(faint)
        painter.drawRoundedRect(groove, 3, 3)
        if self.probability is not None:
            filled = QRectF(groove)
            filled.setWidth(groove.width() * self.probability)
            painter.setBrush(self._colour)
            painter.drawRoundedRect(filled, 3, 3)
            self._draw_value(painter, groove, self.probability, text)
        self._draw_handle(painter, text)

    def _draw_value(self, painter: QPainter, groove: QRectF, value: float, text: QColor) -> None:
        """Write the probability beside the handle and the end of the bar."""
        inside = value > 0.5
        on_colour = _DARK if self._colour.lightness() > 110 else _BRIGHT
        side = Qt.AlignmentFlag.AlignLeft if inside else Qt.AlignmentFlag.AlignRight
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.82)
        painter.setFont(font)
        painter.setPen(on_colour if inside else text)
        end = groove.width() * value
        low, high = (5.0, end) if inside else (end + 3, groove.width() - 5)
        handle = self._handle_x()
        if low - _HANDLE_PX < handle < high + _HANDLE_PX:  # the wider part beside the handle
            parts = (low, handle - _HANDLE_PX), (handle + _HANDLE_PX, high)
            low, high = max(parts, key=lambda part: part[1] - part[0])
        room = QRectF(low, groove.top() - 2, high - low, groove.height() + 4)
        painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, f"{value:.2f}")
        painter.setPen(Qt.PenStyle.NoPen)

    def _draw_handle(self, painter: QPainter, text: QColor) -> None:
        """Draw the threshold, thicker while the slider has the keyboard focus."""
        width = _HANDLE_PX + 2 * self.hasFocus()
        handle = QRectF(self._handle_x() - width / 2, 0, width, self.height())
        painter.setBrush(text)
        painter.setPen(self.palette().color(QPalette.ColorRole.Window))
        painter.drawRoundedRect(handle.adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)

    def _handle_x(self) -> float:
        """Return the position of the threshold in px from the left."""
        edge = _HANDLE_PX / 2 + 1
        return edge + (self.width() - 2 * edge) * self.value() / STEPS

    def _move_to(self, event: QMouseEvent | None) -> None:
        if event is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        edge = _HANDLE_PX / 2 + 1
        share = (event.position().x() - edge) / max(self.width() - 2 * edge, 1)
        self.setValue(round(share * STEPS))
