"""Helpers of the tests of all panels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QLineEdit, QMenu, QWidget

from napari_stem_defects.napari_plugin.panels.common.docking import find_dock

if TYPE_CHECKING:
    from collections.abc import Callable

NARROWEST_PX = 300
"""Width to which every panel can be made narrow: a third of what a small laptop leaves."""
FROZEN_S = 3.0
"""Computing time between two events, in s, beyond which napari counts as frozen."""


def crystal(size: int) -> np.ndarray:
    """Return columns 13.9 px apart with a little noise."""
    y, x = np.mgrid[:size, :size]
    waves = np.cos(2 * np.pi * x / 13.9) + np.cos(2 * np.pi * y / 13.9)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return (100 * (waves + 0.2 * noise + 4)).astype(np.uint16)


def docked(viewer: Any, panel: type) -> Any:
    """Open a panel in the viewer and return it."""
    widget = panel(viewer)
    viewer.window.add_dock_widget(widget, name="STEM Defects", area="right")
    QTest.qWait(100)
    return widget


def narrowest(widget: Any) -> int:
    """Return how narrow a panel can be made in px, in the font of the tests' theme."""
    QTest.qWait(50)
    return int(find_dock(widget).minimumSizeHint().width())


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Process events until a condition is met."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        QTest.qWait(20)


def press(widget: QWidget, name: str) -> None:
    """Scroll a control into view and click it."""
    control = widget.findChild(QWidget, name)
    assert control is not None, name
    assert control.isEnabled(), name
    widget.body.ensureWidgetVisible(control)
    QTest.qWait(20)
    QTest.mouseClick(control, Qt.MouseButton.LeftButton)
    QTest.qWait(20)


def choose_in_list(box: QComboBox, text: str) -> None:
    """Select an entry of a drop-down list by typing it.

    Keys that follow each other within Qt's interval continue one search, however much happened
    between them, so that a new search begins after a pause.
    """
    QTest.qWait(QApplication.keyboardInputInterval() + 50)
    QTest.keyClicks(box, text)
    assert box.currentText() == text


def choose_in_menu(menu: QMenu, text: str) -> None:
    """Select an action of an open menu by keys and press Enter."""
    QTest.qWait(50)
    for _ in menu.actions():
        QTest.keyClick(menu, Qt.Key.Key_Down)
        active = menu.activeAction()
        if active is not None and active.text().startswith(text):
            break
    QTest.keyClick(menu, Qt.Key.Key_Return)
    QTest.qWait(50)


def type_into_dialog(text: str) -> None:
    """Type a text into the next dialog with a line edit and accept the dialog.

    On a busy machine the dialog opens late; one that nobody accepts would stay open for ever.
    """
    until = time.monotonic() + 60

    def typed() -> None:
        dialog = QApplication.activeModalWidget()
        line = None if dialog is None else dialog.focusWidget()
        if not isinstance(line, QLineEdit):
            assert time.monotonic() < until
            QTimer.singleShot(50, typed)
            return
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)

    QTimer.singleShot(200, typed)


class Heartbeat:
    """Measures the longest pause of the event loop, in wall-clock and in computing time.

    Other work on the machine increases only the wall-clock time.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.longest_busy_s = 0.0
        self._last = time.monotonic(), time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(20)

    def check(self) -> None:
        """Print the pauses and assert that napari was not frozen.

        The target is 200 ms. Software rendering on a busy machine has taken 0.9 s of computing,
        which is no fault of the panel.
        """
        print(f"longest gap {self.longest_s:.3f} s, computing {self.longest_busy_s:.3f} s")
        assert 0 < self.longest_busy_s < FROZEN_S
        assert self.longest_s < 3 * FROZEN_S

    def _beat(self) -> None:
        now = time.monotonic(), time.thread_time()
        self.longest_s = max(self.longest_s, now[0] - self._last[0])
        self.longest_busy_s = max(self.longest_busy_s, now[1] - self._last[1])
        self._last = now
