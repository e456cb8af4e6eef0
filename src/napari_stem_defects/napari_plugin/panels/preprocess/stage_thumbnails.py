"""Thumbnails of the five stages, a to e, of the patch at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.napari_plugin.layers.stage_layers import STAGE_TITLES
from napari_stem_defects.napari_plugin.panels.common.grey_image import grey_image
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.pipeline import Stages

_GAP_PX = 4
_CAPTION_PX = 16


class StageThumbnails(QWidget):
    """Shows the stages side by side; a click selects the one visible as a layer."""

    stage_selected = Signal(str)
    """The user has clicked a stage."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage_strip")
        set_tooltip(
            self,
            "Stages of the patch at the cursor: a original, b normalised, c background removed,"
            " d log FFT, e thresholded; click one to show its layer",
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
        """Return the height of square pictures and a line of text."""
        return round(self._edge(width)) + _CAPTION_PX

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the pictures and their letters."""
        painter = QPainter(self)
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
            below = QRectF(frame.left(), frame.bottom(), frame.width(), _CAPTION_PX)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, STAGE_TITLES[stage][0])

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Select the stage clicked."""
        if event is None:
            return
        for index, stage in enumerate(STAGE_TITLES):
            if self._frame(index).contains(event.position()):
                self.select(stage)
                self.stage_selected.emit(stage)

    def _edge(self, width: int) -> float:
        count = len(STAGE_TITLES)
        return (width - (count - 1) * _GAP_PX) / count

    def _frame(self, index: int) -> QRectF:
        edge = self._edge(self.width())
        return QRectF(index * (edge + _GAP_PX), 0, edge, edge)
