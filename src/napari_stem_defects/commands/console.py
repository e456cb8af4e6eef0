"""What a terminal sees of long work: one bar with the time left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType

    from napari_stem_defects.core.progress import Progress

_LAYOUT = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"


class Bar:
    """A progress bar on standard error; silent where that is no terminal.

    Use it as a context manager, and as the ``report`` of the work. Each stage of the work gets
    a bar of its own.
    """

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None
        self._stage = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, progress: Progress) -> None:
        """Show where the work is."""
        if self._bar is None or progress.stage != self._stage:
            self._close()
            self._stage = progress.stage
            self._bar = tqdm(
                desc=progress.stage,
                file=sys.stderr,
                disable=None,  # no bar where standard error is no terminal
                leave=False,
                dynamic_ncols=True,
                bar_format=_LAYOUT,
            )
        self._bar.total = progress.total
        self._bar.update(progress.done - self._bar.n)

    def say(self, line: str) -> None:
        """Print a line of result without tearing the bar."""
        tqdm.write(line, file=sys.stdout)

    def complain(self, line: str) -> None:
        """Print a fault that does not stop the work."""
        tqdm.write(f"stem-defects: {line}", file=sys.stderr)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
