"""Thumbnails of the five stages of the patch at the cursor, with their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.napari_plugin.layers.stage_layers import STAGE_TITLES
from napari_stem_defects.napari_plugin.panels.common.grey_image import grey_image
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.pipeline import Stages

_GAP_PX = 4
_CAPTION_SCALE = 0.78
_CAPTION_FLAGS = (
    Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
)


class StageThumbnails(QWidget):
    """Shows the stages side by side; a click selects the one visible as a layer."""

    stage_selected = Signal(str)
    """The user has clicked a stage."""
    stage_enlarged = Signal(str)
    """The user has double-clicked a stage."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage_strip")
        set_tooltip(
            self,
            "Stages of the patch at the cursor; click one to show its layer, double-click to"
            " see it large",
        )
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._pictures: list[QImage] = []
        self._selected = "background_removed"

    def set_stages(self, stages: Stages) -> None:
        """Show the stages of a patch."""
        self._pictures = [grey_image(values) for values in stages]
        self.update()

    def select(self, stage: str) -> None:
        """Highlight a stage."""
        self._selected = stage
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of five pictures at about the size of a patch."""
        return QSize(340, self.heightForWidth(340))

    def hasHeightForWidth(self) -> bool:
        """Return True: the pictures are square at every width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of square pictures and two lines of text."""
        return round(self._edge(width)) + self._caption_px()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the pictures and their names."""
        painter = QPainter(self)
        painter.setFont(self._caption_font())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for index, stage in enumerate(STAGE_TITLES):
            frame = self._frame(index)
            if index < len(self._pictures):
                painter.drawImage(frame, self._pictures[index])
            else:
                painter.fillRect(frame, QColor(128, 128, 128, 60))
            if stage == self._selected:
                painter.setPen(QColor("#4c8df6"))
                painter.drawRect(frame.adjusted(0, 0, -1, -1))
            painter.setPen(text)
            painter.drawText(self._caption(index), _CAPTION_FLAGS, STAGE_TITLES[stage])

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Select the stage clicked."""
        if stage := self._stage_at(event):
            self.select(stage)
            self.stage_selected.emit(stage)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Request a large picture of the stage double-clicked."""
        if stage := self._stage_at(event):
            self.stage_enlarged.emit(stage)

    def captions_fit(self) -> bool:
        """Return whether every name lies within its column and the widget."""
        metrics = QFontMetricsF(self._caption_font())
        return all(
            (room := self._caption(index).intersected(QRectF(self.rect()))).contains(
                metrics.boundingRect(room, int(_CAPTION_FLAGS), title)
            )
            for index, title in enumerate(STAGE_TITLES.values())
        )

    def _caption(self, index: int) -> QRectF:
        column = self._edge(self.width()) + _GAP_PX
        top = self._frame(index).bottom()
        return QRectF(index * column - _GAP_PX / 2, top, column, self._caption_px())

    def _stage_at(self, event: QMouseEvent | None) -> str:
        position = None if event is None else event.position()
        for index, stage in enumerate(STAGE_TITLES):
            if position is not None and self._frame(index).contains(position):
                return stage
        return ""

    def _caption_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * _CAPTION_SCALE)
        return font

    def _caption_px(self) -> int:
        return round(2 * QFontMetricsF(self._caption_font()).lineSpacing()) + 2

    def _edge(self, width: int) -> float:
        count = len(STAGE_TITLES)
        return (width - (count - 1) * _GAP_PX) / count

    def _frame(self, index: int) -> QRectF:
        """Return the place of a picture, smaller where the layout leaves too little height."""
        column = self._edge(self.width())
        edge = max(1.0, min(column, self.height() - self._caption_px()))
        return QRectF(index * (column + _GAP_PX) + (column - edge) / 2, 0, edge, edge)
