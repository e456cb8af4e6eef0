"""Rows that find places to label next and show them, one of them as the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.model_selector import ModelSelector
from napari_stem_defects.napari_plugin.panels.common.panel import button, note, show_note
from napari_stem_defects.napari_plugin.panels.common.survey_action import survey_button
from napari_stem_defects.napari_plugin.panels.label.place_thumbnails import PlaceThumbnails

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.label.queue import LabelQueue
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel


class QueueRow(QWidget):
    """Shows a `LabelQueue` and moves through it.

    Parameters
    ----------
    queue : LabelQueue
    view_model : LabelViewModel
        Has the labels of the places.
    """

    survey_clicked = Signal()
    """Requests the unusual places of the frame shown."""
    find_clicked = Signal()
    """Requests windows to label."""
    button_clicked = Signal()
    """A queue button was clicked; the panel returns the keyboard focus to the image."""

    def __init__(self, queue: LabelQueue, view_model: LabelViewModel) -> None:
        super().__init__()
        self._queue = queue
        self.survey = survey_button()
        self.survey.clicked.connect(self.survey_clicked)
        self.places = PlaceThumbnails(queue, view_model)
        self.ensemble = ModelSelector()
        self.search = button(
            "Find windows",
            "find_next",
            "Find the windows with the most uncertain predictions of this ensemble",
        )
        self.search.clicked.connect(self.find_clicked)
        self.back = button("◂ Back", "queue_back", "Return to the previous place (Left)")
        self.skip = button("Skip ▸", "queue_skip", "Continue without a label (Right)")
        self.accept = button(
            "Accept class", "queue_accept", "Label the window with the predicted class (Enter)"
        )
        for each, action in (
            (self.back, queue.back),
            (self.skip, queue.skip),
            (self.accept, queue.accept),
        ):
            each.clicked.connect(action)
            each.clicked.connect(self.button_clicked)
        self.statement = note("queue_statement")
        self._lay_out()
        queue.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the current state."""
        show_note(self.statement, self._queue.statement())
        current = self._queue.current
        self.back.setVisible(bool(self._queue.waiting))
        self.skip.setVisible(current is not None)
        self.accept.setVisible(current is not None and bool(current.class_name))

    def _lay_out(self) -> None:
        search_row, queue_buttons = QHBoxLayout(), QHBoxLayout()
        search_row.addWidget(self.ensemble, 1)
        search_row.addWidget(self.search)
        for each in (self.back, self.skip, self.accept):
            queue_buttons.addWidget(each)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.survey)
        layout.addLayout(search_row)
        layout.addWidget(self.places)
        layout.addWidget(self.statement)
        layout.addLayout(queue_buttons)
