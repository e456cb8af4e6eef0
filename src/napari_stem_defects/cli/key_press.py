"""Ctrl-C as the exception of Python, but not within an import.

Where a key press interrupts the import of an extension module, numpy raises another error, and
torch ends the process with a list of functions. The exception is therefore raised after the import,
and a long import ends the process. An error that follows a key press is no fault.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

STOPPED = 130
"""Exit code after Ctrl-C."""

_LOCKS = "napari_stem_defects.io.write_lock"
_IMPORT = "<frozen importlib._bootstrap>"
_STEP_S, _PATIENCE_S = 0.05, 0.6
_pressed: list[float] = []


def take_key_presses() -> None:
    """Raise `KeyboardInterrupt` at Ctrl-C from now on, after the import that it interrupts."""
    signal.signal(signal.SIGINT, _interrupt)


def was_pressed() -> bool:
    """Return whether Ctrl-C was pressed."""
    return bool(_pressed)


def end_process(*_: object) -> NoReturn:
    """End the process with exit code 130, without waiting for its threads; locks are given back."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError, RuntimeError):
            pass  # closed, absent, or in use where the signal has arrived
    if _LOCKS in sys.modules:
        # In a thread of its own: what the signal interrupts may be in the middle of a lock.
        finished = _thread.allocate_lock()
        finished.acquire()
        with suppress(RuntimeError):  # Python is ending, nothing is locked
            _thread.start_new_thread(_give_back_locks, (finished,))
            finished.acquire(timeout=_PATIENCE_S / 2)
    os._exit(STOPPED)


def _give_back_locks(finished: _thread.LockType) -> None:
    with suppress(Exception):
        sys.modules[_LOCKS].give_back_all()
    finished.release()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _pressed.append(time.monotonic())
    if not _is_importing(frame):
        signal.default_int_handler(number, frame)
    if _pressed[-1] - _pressed[0] > _PATIENCE_S:
        end_process()
    _thread.start_new_thread(_press_later, ())


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


def _press_later() -> None:
    time.sleep(_STEP_S)
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # which also ends a wait of the main thread
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
