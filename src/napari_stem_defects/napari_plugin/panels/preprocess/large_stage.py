"""Window with one stage of the patch at the cursor, enlarged; it follows the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QDialog, QWidget

from napari_stem_defects.napari_plugin.layers.stage_layers import STAGE_TITLES
from napari_stem_defects.napari_plugin.panels.common.grey_image import grey_image

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.pipeline import Stages

_EDGE_PX = 448


class LargeStage(QDialog):
    """Shows the picture of a stage as large as the window.

    Parameters
    ----------
    parent : QWidget
        The window stays in front of it and closes with it.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("large_stage")
        self.setSizeGripEnabled(True)
        self.resize(_EDGE_PX, _EDGE_PX)
        self.stage = "background_removed"
        self._stages: Stages | None = None
        self._picture: QImage | None = None

    def set_stages(self, stages: Stages) -> None:
        """Show the stages of another patch."""
        self._stages = stages
        if self.isVisible():
            self._draw()

    def open_at(self, stage: str) -> None:
        """Show a stage, a key of `STAGE_TITLES`, and bring the window to the front."""
        self.stage = stage
        self.setWindowTitle(f"{STAGE_TITLES[stage]} (patch at the cursor)")
        self._draw()
        self.show()
        self.raise_()

    def minimumSizeHint(self) -> QSize:
        """Return a size at which columns are still visible."""
        return QSize(160, 160)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the picture with sharp pixels, square and centred."""
        if self._picture is None:
            return
        edge = min(self.width(), self.height())
        target = QRectF((self.width() - edge) / 2, (self.height() - edge) / 2, edge, edge)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(target, self._picture)

    def _draw(self) -> None:
        if self._stages is not None:
            self._picture = grey_image(getattr(self._stages, self.stage))
        self.update()
