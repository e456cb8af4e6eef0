"""Icons and titles of the kinds of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

if TYPE_CHECKING:
    from napari_stem_defects.base.defect_classes import Kind

KINDS: tuple[Kind, ...] = ("point", "line", "area")
"""The kinds that a class other than Bulk may have."""

KIND_TITLES: dict[Kind, str] = {
    "bulk": "perfect crystal",
    "point": "at a place, as a vacancy",
    "line": "along a line, as a fault or boundary",
    "area": "over an area, as a precipitate",
}

_EDGE_PX, _INK = 32, QColor("#9aa4b2")


def kind_icon(kind: Kind) -> QIcon:
    """Return the icon of a kind of classes.

    Parameters
    ----------
    kind : {"bulk", "point", "line", "area"}

    Returns
    -------
    QIcon
        A ring, a line, a filled outline, or a lattice of dots for Bulk; readable on dark and
        bright backgrounds.
    """
    pixmap = QPixmap(_EDGE_PX, _EDGE_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_INK, 3.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    if kind == "point":
        painter.drawEllipse(QPointF(16, 16), 7.5, 7.5)
    elif kind == "line":
        painter.drawLine(QPointF(5, 27), QPointF(27, 5))
    elif kind == "area":
        faint = QColor(_INK)
        faint.setAlpha(110)
        painter.setBrush(faint)
        painter.drawRoundedRect(QRectF(5, 7, 22, 18), 6, 6)
    else:
        for x in (8, 16, 24):
            for y in (8, 16, 24):
                painter.drawPoint(QPointF(x, y))
    painter.end()
    return QIcon(pixmap)
