"""Ctrl-C as the exception of Python, and whether it was pressed.

Some extension modules raise another error where the key press interrupts their import, as numpy
does. What follows a key press is therefore no fault.
"""

from __future__ import annotations

import signal
from typing import Any

_pressed: list[int] = []


def take_key_presses() -> None:
    """Raise `KeyboardInterrupt` at Ctrl-C from now on, and note it."""
    signal.signal(signal.SIGINT, _note)


def was_pressed() -> bool:
    """Return whether Ctrl-C was pressed."""
    return bool(_pressed)


def _note(number: int, frame: Any) -> None:
    _pressed.append(number)
    signal.default_int_handler(number, frame)
