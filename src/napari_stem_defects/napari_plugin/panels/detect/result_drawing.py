"""Drawing of results in turns, so that napari stays responsive meanwhile."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_stem_defects.napari_plugin.layers.result_layers import ResultLayers
from napari_stem_defects.napari_plugin.panels.common.preload import preload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_stem_defects.detection.frame_result import FrameResult

_PAUSE_MS = 15
"""Pause between two turns of drawing, in which napari processes events."""
_TURN_S = 0.02
"""Duration of a turn of drawing; a single layer may take longer."""


class ResultDrawing(QObject):
    """Adds and fills the layers of results, one turn after another.

    Parameters
    ----------
    viewer : ViewerModel
    parent : QObject

    Attributes
    ----------
    layers : ResultLayers
        The layers drawn.
    """

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self.layers = ResultLayers(viewer)
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self.draw)

    @property
    def is_active(self) -> bool:
        """Whether something waits to be drawn."""
        return self._timer.isActive()

    def start(self) -> None:
        """Draw what waits, turn by turn."""
        self._timer.start()

    def show(self, result: FrameResult) -> None:
        """Draw the result of a frame."""
        self.layers.show(result)
        self._timer.start()

    def restore(self, class_name: str, results: Iterable[FrameResult]) -> None:
        """Draw the layer of a class again if the user has deleted it.

        Parameters
        ----------
        class_name : str
        results : iterable of FrameResult
            The results of all frames.
        """
        if self.layers.restore(class_name):
            for result in results:
                self.show(result)

    def draw(self) -> None:
        """Add and fill layers for one turn; the timer continues with the rest."""
        if preload().is_alive():
            return
        if gc.isenabled():
            # Garbage collection takes as long as adding a layer, so it gets a turn of its own.
            gc.disable()
            QTimer.singleShot(0, gc.enable)
        until = time.perf_counter() + _TURN_S
        while self.layers.step():
            if time.perf_counter() > until:
                return
        self._timer.stop()

    def clear(self, source: Image | None) -> None:
        """Remove the layers of earlier results of an image, in which nothing is named now.

        Parameters
        ----------
        source : Image or None
            The image; None if it was deleted.
        """
        self._timer.stop()
        if source is not None:
            self.layers.begin(source, ())

    def discard(self) -> None:
        """Remove the layers of a run that ended without a result."""
        self._timer.stop()
        self.layers.discard()
