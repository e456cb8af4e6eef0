"""Losses over the epochs, one curve per member in its class's colour."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.core.classes import colour_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.app.models.train import Loss

_COMMON_START = "#8888aa"
_MARGIN_PX = (42, 6, 6, 18)
"""Left, top, right, bottom."""


class LossPlot(QWidget):
    """Paints training losses as lines and validation losses as dashes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("loss_plot")
        self.setToolTip("Loss after each epoch: line on training, dashes on held-out windows")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._losses: Sequence[Loss] = ()
        self.hide()

    def put(self, losses: Sequence[Loss]) -> None:
        """Show these losses; nothing where there are none."""
        self._losses = losses
        self.setVisible(bool(losses))
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a flat picture."""
        return QSize(320, 104)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw axes and curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, top, right, bottom = _MARGIN_PX
        frame = QRectF(self.rect()).adjusted(left, top, -right, -bottom)
        highest = max((_highest(loss) for loss in self._losses), default=1.0)
        last = max((loss.epoch for loss in self._losses), default=1)
        self._axes(painter, frame, highest, last)
        for (name, _), member in groupby(self._losses, key=lambda loss: loss[:2]):
            member_losses = list(member)
            trained = [(loss.epoch, loss.training) for loss in member_losses]
            checked = [(loss.epoch, loss.validation) for loss in member_losses]
            self._curve(painter, frame, trained, (highest, last), QPen(_colour(name), 1.6))
            dashes = QPen(_colour(name), 1.2, Qt.PenStyle.DashLine)
            seen = [(epoch, value) for epoch, value in checked if value is not None]
            self._curve(painter, frame, seen, (highest, last), dashes)

    def _axes(self, painter: QPainter, frame: QRectF, highest: float, last: int) -> None:
        text = self.palette().color(QPalette.ColorRole.WindowText)
        faint = QColor(text)
        faint.setAlpha(60)
        painter.setPen(faint)
        painter.drawRect(frame)
        painter.setPen(text)
        beside = QRectF(0, frame.top(), frame.left() - 4, frame.height())
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(beside, right | Qt.AlignmentFlag.AlignTop, f"{highest:.2f}")
        painter.drawText(beside, right | Qt.AlignmentFlag.AlignBottom, "0")
        below = QRectF(frame.left(), frame.bottom() + 1, frame.width(), _MARGIN_PX[3])
        painter.drawText(
            below, Qt.AlignmentFlag.AlignHCenter, f"epoch 1 to {last} (dashes: held out)"
        )

    def _curve(
        self,
        painter: QPainter,
        frame: QRectF,
        points: list[tuple[int, float]],
        reach: tuple[float, int],
        pen: QPen,
    ) -> None:
        highest, last = reach
        painter.setPen(pen)
        spots = [
            QPointF(
                frame.left() + frame.width() * (epoch - 1) / max(last - 1, 1),
                frame.bottom() - frame.height() * min(value / highest, 1.0),
            )
            for epoch, value in points
        ]
        painter.drawPolyline(QPolygonF(spots))
        for spot in spots:
            painter.drawEllipse(spot, 1.5, 1.5)


def _colour(class_name: str) -> QColor:
    return QColor(colour_of(class_name) if class_name else _COMMON_START)


def _highest(loss: Loss) -> float:
    return max(loss.training, loss.validation or 0.0, 1e-6)
