"""Terminal output: results, errors, one progress bar, and a prompt end on Ctrl-C."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_stem_defects.cli.key_press import end_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from tqdm import tqdm

    from napari_stem_defects.base.progress import Progress

STOPPED_LINE = "stopped; what was finished is kept"

_LAYOUT = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"
_PATIENCE_S = 0.7
_MOST_NAMES = 10
_IN_SIGHT = 10
"""Files whose lines are all in sight at the end."""


def print_error(line: str) -> None:
    """Print one line of error above the progress bar."""
    _write(f"stem-defects: {line}", sys.stderr)


def print_left_out(images: Sequence[str | Path], searched: int, faulty: Sequence[str]) -> None:
    """State what of many images was not searched, after all others: errors scroll away.

    Parameters
    ----------
    images : sequence of str or Path
        What the user has named.
    searched : int
        Number of images with a result.
    faulty : sequence of str
        Names of the files without one.
    """
    from napari_stem_defects.io.images.find import skipped_folders

    if faulty and searched + len(faulty) > _IN_SIGHT:
        names = ", ".join(faulty[:_MOST_NAMES]) + (", ..." if faulty[_MOST_NAMES:] else "")
        total = searched + len(faulty)
        print_error(f"{len(faulty)} of {total} files have no result: {names}")
    for folder in skipped_folders(images):
        print_result(f"not searched: images in the folder {folder}; give it by its name")


def print_result(line: str) -> None:
    """Print one line of result above the progress bar."""
    _write(line, sys.stdout)


def _write(line: str, stream: TextIO) -> None:
    try:
        if "tqdm" in sys.modules:  # a bar may be shown
            sys.modules["tqdm"].tqdm.write(line, file=stream)
        else:
            print(line, file=stream)
        # A log shows at once what is finished, and keeps it where the process is ended.
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError:  # no fault of an image: the line stays in the buffer, and `main` states it
        pass


@contextmanager
def long_work() -> Iterator[Bar]:
    """Yield a bar to pass as ``report``; Ctrl-C ends the work within a second."""
    bar = Bar()
    with _prompt_end():
        try:
            yield bar
        finally:
            bar.close()


class Bar:
    """A progress bar on standard error, silent where that is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._is_shown = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        """Show the progress; a stage with another number of units gets a new bar."""
        if not self._is_shown:
            return
        if self._bar is None or progress.total != self._bar.total:
            from tqdm import tqdm  # slow to import, and of no use without a terminal

            self.close()
            self._bar = tqdm(
                total=progress.total,
                file=sys.stderr,
                leave=False,
                dynamic_ncols=True,
                bar_format=_LAYOUT,
            )
        self._bar.set_description(progress.stage, refresh=False)
        self._bar.update(max(progress.done - self._bar.n, 0))

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextmanager
def _prompt_end() -> Iterator[None]:
    """End the process on Ctrl-C even during one long call of a library.

    Python raises KeyboardInterrupt only between its own instructions. Files are written
    atomically, so a process that does not react in time can simply be ended.
    """
    finished = threading.Event()
    here, there = socket.socketpair()
    there.setblocking(False)
    threading.Thread(target=_watch, args=(here, finished), daemon=True).start()
    before = signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        finished.set()
        signal.set_wakeup_fd(before)
        there.close()


def _watch(arrivals: socket.socket, finished: threading.Event) -> None:
    """Read the numbers of arriving signals until the socket is closed."""
    with arrivals:
        while number := arrivals.recv(1):
            if number[0] == signal.SIGINT and not finished.wait(_PATIENCE_S):
                print(f"\nstem-defects: {STOPPED_LINE}", file=sys.stderr, flush=True)
                end_process()
