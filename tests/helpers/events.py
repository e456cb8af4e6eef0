"""Real mouse and key events on napari's canvas."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

_KIND, _BUTTON = QEvent.Type, Qt.MouseButton
# napari drops mouse moves less than 5 ms after the previous one.
_PAUSE_MS = 20


def canvas_of(viewer: Any) -> Any:
    """Return the viewer's canvas (private in napari; tests only)."""
    return viewer.window._qt_viewer.canvas


def data_to_pixel(canvas: Any, layer: Any, row: float, column: float) -> QPointF:
    """Return the position of the centre of data pixel (row, column) in the canvas widget."""
    to_canvas = canvas.layer_to_visual[layer].node.get_transform("visual", "canvas")
    x, y, _, w = to_canvas.map((column + 0.5, row + 0.5, 0, 1))
    return QPointF(x / w, y / w)


def drag(canvas: Any, spots: list[QPointF], button: Any = _BUTTON.LeftButton) -> None:
    """Press at the first spot, move through the rest, release at the last."""
    _emit(canvas, _KIND.MouseMove, spots[0], _BUTTON.NoButton, _BUTTON.NoButton)
    _emit(canvas, _KIND.MouseButtonPress, spots[0], button, button)
    for spot in spots[1:]:
        _emit(canvas, _KIND.MouseMove, spot, _BUTTON.NoButton, button)
    _emit(canvas, _KIND.MouseButtonRelease, spots[-1], button, _BUTTON.NoButton)


def click(canvas: Any, spot: QPointF, button: Any = _BUTTON.LeftButton) -> None:
    """Press and release without moving."""
    drag(canvas, [spot], button)


def hover(canvas: Any, spot: QPointF) -> None:
    """Move the mouse without a button."""
    _emit(canvas, _KIND.MouseMove, spot, _BUTTON.NoButton, _BUTTON.NoButton)


def press_key(canvas: Any, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    """Type a key on the canvas."""
    QTest.keyClick(canvas.native, key, modifier)
    QTest.qWait(_PAUSE_MS)


def _emit(canvas: Any, kind: Any, spot: QPointF, changed: Any, held: Any) -> None:
    widget = canvas.native
    screen = QPointF(widget.mapToGlobal(spot.toPoint()))
    modifiers = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(kind, spot, screen, changed, held, modifiers))
    QTest.qWait(_PAUSE_MS)
