"""Five small pictures, a to e, of the patch under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPalette
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.napari_plugin.layers.stage_layers import STAGE_TITLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.pipeline import Stages

_GAP_PX = 4
_CAPTION_PX = 16
_SHOWN_PERCENT = (0.5, 99.5)


class StageStrip(QWidget):
    """Paints the stages side by side; a click chooses one to see as a layer."""

    stage_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage_strip")
        self.setToolTip(
            "The stages of the patch under the cursor: a original, b normalised, c background"
            " removed, d log FFT, e thresholded. Click one to see it as a layer"
        )
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._pictures: list[QImage] = []
        self._chosen = "background_removed"

    def put(self, stages: Stages) -> None:
        """Show these stages."""
        self._pictures = [_picture(values) for values in stages]
        self.update()

    def choose(self, stage: str) -> None:
        """Mark a stage."""
        self._chosen = stage
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for five pictures of a patch's own size."""
        return QSize(340, self.heightForWidth(340))

    def hasHeightForWidth(self) -> bool:
        """Say that pictures are square, whatever the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height for square pictures and a line of text."""
        return round(self._edge(width)) + _CAPTION_PX

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the pictures and their letters."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for place, stage in enumerate(STAGE_TITLES):
            frame = self._frame(place)
            if place < len(self._pictures):
                painter.drawImage(frame, self._pictures[place])
            else:
                painter.fillRect(frame, QColor(128, 128, 128, 60))
            if stage == self._chosen:
                painter.setPen(QColor("#4c8df6"))
                painter.drawRect(frame.adjusted(0, 0, -1, -1))
            painter.setPen(text)
            below = QRectF(frame.left(), frame.bottom(), frame.width(), _CAPTION_PX)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, STAGE_TITLES[stage][0])

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the stage that was clicked."""
        if event is None:
            return
        for place, stage in enumerate(STAGE_TITLES):
            if self._frame(place).contains(event.position()):
                self.choose(stage)
                self.stage_chosen.emit(stage)

    def _edge(self, width: int) -> float:
        count = len(STAGE_TITLES)
        return (width - (count - 1) * _GAP_PX) / count

    def _frame(self, place: int) -> QRectF:
        edge = self._edge(self.width())
        return QRectF(place * (edge + _GAP_PX), 0, edge, edge)


def _picture(values: NDArray[np.float32]) -> QImage:
    low, high = np.percentile(values, _SHOWN_PERCENT)
    span = max(float(high - low), 1e-12)
    grey = np.ascontiguousarray(np.clip((values - low) / span, 0, 1) * 255).astype(np.uint8)
    height, width = grey.shape
    return QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
