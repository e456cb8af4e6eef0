"""Slider for decimal numbers that can be moved by keys."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractSlider
from superqt import QLabeledDoubleSlider

_PAGE = 10
_KEY = Qt.Key
_STEPS = {
    _KEY.Key_Left: -1,
    _KEY.Key_Down: -1,
    _KEY.Key_Right: 1,
    _KEY.Key_Up: 1,
    _KEY.Key_PageDown: -_PAGE,
    _KEY.Key_PageUp: _PAGE,
}


class Slider(QLabeledDoubleSlider):
    """Labelled slider that reacts to arrows, Page Up, Page Down, Home and End.

    superqt's `QLabeledDoubleSlider` ignores these keys.

    Parameters
    ----------
    limits : (float, float)
        Smallest and largest value.
    decimals : int
        Digits after the decimal point; an arrow key changes the last one by 1.
    """

    def __init__(self, limits: tuple[float, float], decimals: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(*limits)
        self.setDecimals(decimals)
        self._step = 10.0**-decimals
        self._decimals = decimals
        for part in self.findChildren(QAbstractSlider):
            part.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Handle keys of the part that has the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._move(event.key())
        return bool(super().eventFilter(watched, event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the slider by keys."""
        if event is None or not self._move(event.key()):
            super().keyPressEvent(event)

    def _move(self, key: int) -> bool:
        if key in (_KEY.Key_Home, _KEY.Key_End):
            self.setValue(self.minimum() if key == _KEY.Key_Home else self.maximum())
        elif steps := next((s for known, s in _STEPS.items() if known == key), 0):
            self.setValue(round(self.value() + steps * self._step, self._decimals))
        else:
            return False
        return True
