"""The queue of windows to label next: find them, answer with one key each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.model_selector import ModelChoice
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, say

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue


class QueueRow(QWidget):
    """Draws a `LabelQueue`."""

    find_clicked = Signal()
    answered = Signal()
    """A button was pressed: keys belong to the image again."""

    def __init__(self, queue: LabelQueue) -> None:
        super().__init__()
        self._queue = queue
        self.ensemble = ModelChoice()
        self.search = button(
            "Find",
            "find_next",
            "Find the windows that the ensemble is least sure of or disagrees on",
        )
        self.search.clicked.connect(self.find_clicked)
        self.back = button("◂ Back", "queue_back", "The window before (Left)")
        self.skip = button("Skip ▸", "queue_skip", "The next window, without a label (Right)")
        self.accept = button("Accept", "queue_accept", "Label it as the ensemble would (Enter)")
        for each, action in (
            (self.back, queue.back),
            (self.skip, queue.skip),
            (self.accept, queue.accept),
        ):
            each.clicked.connect(action)
            each.clicked.connect(self.answered)
        self.statement = note("queue_statement")
        self._lay_out()
        queue.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the queue as it stands."""
        say(self.statement, self._queue.statement())
        asking = self._queue.current is not None
        self.back.setVisible(bool(self._queue.waiting))
        for each in (self.skip, self.accept):
            each.setVisible(asking)

    def _lay_out(self) -> None:
        finding, answering = QHBoxLayout(), QHBoxLayout()
        finding.addWidget(self.ensemble, 1)
        finding.addWidget(self.search)
        for each in (self.back, self.skip, self.accept):
            answering.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(finding)
        layout.addWidget(self.statement)
        layout.addLayout(answering)
