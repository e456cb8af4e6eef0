"""Start of the command line, which Ctrl-C ends without a traceback from its first moment to its last.

Most of the first second are imports, in which Python would show where it was interrupted, and from
which extension modules may raise another error. Nothing is begun by then, and nothing is open after
a command, so the process simply ends.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from napari_stem_defects.cli.key_press import take_key_presses

if TYPE_CHECKING:
    from collections.abc import Callable

STOPPED = 130


def main() -> int:
    """Import and run the command line of `main`; return its exit code."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:  # a shell lets jobs in the background ignore it
        signal.signal(signal.SIGINT, _end)
    from napari_stem_defects.cli.main import main as run_command

    try:
        return _run(run_command, is_ours)
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, _end)  # while Python ends


def _run(run_command: Callable[[], int], is_ours: bool) -> int:
    """Run the command, which a key press interrupts as usual, and return its exit code."""
    try:
        if is_ours:
            take_key_presses()
        status = run_command()
    except KeyboardInterrupt:
        status = STOPPED
    if status == STOPPED:
        # Python would end by the signal, in Windows with another exit code, where the key press has
        # interrupted an import, and wait for threads that nobody needs any more.
        _end()
    return status


def _end(*_: object) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError, RuntimeError):
            pass  # closed, absent, or in use where the signal has arrived
    os._exit(STOPPED)
