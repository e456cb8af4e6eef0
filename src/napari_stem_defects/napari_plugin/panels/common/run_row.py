"""Run and Cancel with progress, time left and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout

from napari_stem_defects.napari_plugin.panels.common.panel import button, note, say

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.common.job_state import Run

_STEPS = 1000


class RunRow(QFrame):
    """Draws a `Run`; asks for a start through `run_clicked`.

    Parameters
    ----------
    run : Run
    text : str
        What the start button says.
    tooltip : str
        What it does.
    """

    run_clicked = Signal()

    def __init__(self, run: Run, text: str, tooltip: str) -> None:
        super().__init__()
        self._run = run
        self.start = button(text, "run", tooltip)
        self.start.clicked.connect(self.run_clicked)
        self.cancel = button("Cancel", "cancel", "Stop; what is finished so far is kept")
        self.cancel.clicked.connect(run.cancel)
        self.bar = QProgressBar()
        self.bar.setObjectName("progress")
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.message = note("message")
        self._lay_out()
        run.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.start, 2)
        buttons.addWidget(self.cancel, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.bar)
        layout.addLayout(buttons)
        layout.addWidget(self.message)

    def refresh(self) -> None:
        """Show the run as it stands."""
        run = self._run
        self.start.setEnabled(not run.busy)
        self.cancel.setEnabled(run.phase in ("waiting", "running"))
        self.bar.setValue(round(run.fraction * _STEPS) if run.busy else 0)
        say(self.message, _sentence(run))
        colour = "#ff6b5e" if run.phase == "failed" else ""
        self.message.setStyleSheet(f"color: {colour};" if colour else "")
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)


def _sentence(run: Run) -> str:
    left = run.seconds_left
    return run.message if left is None else f"{run.message} · {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 10 else f"{minutes} min"
