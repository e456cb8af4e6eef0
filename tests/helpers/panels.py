"""What the tests of all windows share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

FROZEN_S = 3.0
"""Seconds of computing between two events beyond which a window counts as frozen."""


def crystal(size: int) -> np.ndarray:
    """Return columns 13.9 px apart with a little noise."""
    y, x = np.mgrid[:size, :size]
    waves = np.cos(2 * np.pi * x / 13.9) + np.cos(2 * np.pi * y / 13.9)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return (100 * (waves + 0.2 * noise + 4)).astype(np.uint16)


def docked(viewer: Any, window: type) -> Any:
    """Open a window in the viewer."""
    widget = window(viewer)
    viewer.window.add_dock_widget(widget, name="STEM Defects", area="right")
    QTest.qWait(100)
    return widget


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Let the window live until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        QTest.qWait(20)


def press(widget: QWidget, name: str) -> None:
    """Click a control by the name of its parameter, scrolled into view as a person would."""
    control = widget.findChild(QWidget, name)
    assert control is not None, name
    assert control.isEnabled(), name
    widget.body.ensureWidgetVisible(control)
    QTest.qWait(20)
    QTest.mouseClick(control, Qt.MouseButton.LeftButton)
    QTest.qWait(20)


def choose_in_menu(menu: QMenu, text: str) -> None:
    """Walk down an open menu by keys and press Enter."""
    QTest.qWait(50)
    for _ in menu.actions():
        QTest.keyClick(menu, Qt.Key.Key_Down)
        active = menu.activeAction()
        if active is not None and active.text().startswith(text):
            break
    QTest.keyClick(menu, Qt.Key.Key_Return)
    QTest.qWait(50)


def answer(text: str) -> None:
    """Type into the next dialog with a line to edit, and accept it."""

    def typed() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        line = dialog.focusWidget()
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)

    QTimer.singleShot(200, typed)


class Heartbeat:
    """Measures the longest pause of the event loop: by the clock, and in computing time.

    Other work on the machine stretches the first, not the second.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.longest_busy_s = 0.0
        self._last = time.monotonic(), time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(20)

    def check(self) -> None:
        """Refuse a frozen window; print the pauses.

        200 ms are promised. Drawing by software on a busy machine has taken 0.9 s of computing,
        and a test that fails then says nothing about the window.
        """
        print(f"longest gap {self.longest_s:.3f} s, computing {self.longest_busy_s:.3f} s")
        assert 0 < self.longest_busy_s < FROZEN_S
        assert self.longest_s < 3 * FROZEN_S

    def _beat(self) -> None:
        now = time.monotonic(), time.thread_time()
        self.longest_s = max(self.longest_s, now[0] - self._last[0])
        self.longest_busy_s = max(self.longest_busy_s, now[1] - self._last[1])
        self._last = now
