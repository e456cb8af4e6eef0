"""Start of the command line, which Ctrl-C ends without a traceback until Python itself ends.

Most of the first half second are imports, in which Python would state where it was interrupted.
Nothing is begun by then, and nothing is open after a command, so the process simply ends.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from napari_stem_defects.cli.key_press import STOPPED, end_process, take_key_presses

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Import and run the command line of `main`; return its exit code."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_ours:  # a shell lets jobs in the background ignore it
        signal.signal(signal.SIGINT, end_process)
    from napari_stem_defects.cli.main import main as run_command

    try:
        return _run(run_command, is_ours)
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, end_process)  # while Python ends


def _run(run_command: Callable[[], int], is_ours: bool) -> int:
    """Run the command, which a key press interrupts as usual, and return its exit code."""
    try:
        if is_ours:
            take_key_presses()
        status = run_command()
    except KeyboardInterrupt:
        status = STOPPED
    if status == STOPPED:
        # Python might end by the signal instead, which has another exit code in Windows, and would
        # wait for its threads.
        end_process()
    return status
