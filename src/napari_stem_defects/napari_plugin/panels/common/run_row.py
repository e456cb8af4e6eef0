"""Row with Run and Cancel buttons, progress bar, time left and message."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.panel import ScrolledNote, button, note
from napari_stem_defects.napari_plugin.panels.common.swatch import readable_colour
from napari_stem_defects.napari_plugin.panels.common.wrapping_row import WrappingRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.napari_plugin.panels.common.job_state import JobState

_STEPS = 1000
_FAILED = "#ff6b5e"


class RunRow(QFrame):
    """Shows a `JobState`; `run_clicked` requests a start.

    Parameters
    ----------
    run : JobState
    text : str
        Text of the start button.
    tooltip : str
        Tooltip of the start button.
    """

    run_clicked = Signal()
    """The user has clicked the start button."""

    def __init__(self, run: JobState, text: str, tooltip: str) -> None:
        super().__init__()
        self._run = run
        self._starts: list[QPushButton] = []
        self.start = button(text, "run", tooltip)
        self.start.clicked.connect(self.run_clicked)
        self.cancel = button("Cancel", "cancel", "Stop and keep finished results")
        self.cancel.clicked.connect(run.cancel)
        self.bar = QProgressBar()
        self.bar.setObjectName("progress")
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.message = note("message")
        self._scrolled = ScrolledNote(self.message)
        self._lay_out()
        run.changed.connect(self.refresh)
        self.refresh()

    def add_start(self, start: QPushButton, action: Callable[[], None]) -> None:
        """Add a button for other work, left of Cancel.

        Parameters
        ----------
        start : QPushButton
            Disabled while work is running.
        action : callable
            Called when it is clicked.
        """
        start.clicked.connect(lambda: action())
        self._buttons.insert_before_last(start, 2)
        self._starts.append(start)
        for before, after in pairwise([self.start, *self._starts, self.cancel]):
            QWidget.setTabOrder(before, after)

    def _lay_out(self) -> None:
        buttons = self._buttons = WrappingRow()
        buttons.add(self.start, 2)
        buttons.add(self.cancel, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.bar)
        layout.addLayout(buttons)
        layout.addWidget(self._scrolled)

    def refresh(self) -> None:
        """Show the current state."""
        run = self._run
        for each in (self.start, *self._starts):
            enable(each, not run.busy, "Wait until the present run has ended, or cancel it.")
        enable(self.cancel, run.phase in ("waiting", "running"), "Nothing is running.")
        self.bar.setValue(round(run.fraction * _STEPS) if run.busy else 0)
        self._scrolled.show_text(_status_line(run))
        is_failed = run.phase == "failed"
        colour = readable_colour(_FAILED, self.palette()).name() if is_failed else ""
        self.message.setStyleSheet(f"color: {colour};" if colour else "")
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)


def _status_line(run: JobState) -> str:
    left = run.seconds_left
    return run.message if left is None else f"{run.message} · {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 10 else f"{minutes} min"
