"""Progress and cancellation of long-running functions.

A long-running function takes a callback ``report``, calls it after every batch and lets the
exceptions of the callback propagate. The caller decides what the callback does: draw a progress
bar, send an event to a panel, or raise `Cancelled` because the user pressed Cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Cancelled(Exception):
    """The user cancels the work; raised by the callback, never caught by the work itself."""


class StopAndKeep(Exception):
    """The user stops the training and keeps the result so far; raised by the callback."""


@dataclass(frozen=True)
class Progress:
    """One step of a long-running function.

    Attributes
    ----------
    stage : str
        Name of the stage, as shown to the user ("scanning", "training SF1").
    done, total : int
        Finished and planned units of this stage.
    detail : mapping
        Figures of the step (losses of an epoch, a coarse probability map), JSON-safe values only so
        that it crosses a process boundary.
    saving : bool
        Whether the work has stopped early and saves its result; a cancellation waits for it.
    """

    stage: str
    done: int
    total: int
    detail: Mapping[str, Any] = field(default_factory=dict)
    saving: bool = False


ProgressCallback = Callable[[Progress], None]
"""Function that is called with the progress of a long-running function."""


def silent(progress: Progress) -> None:
    """Ignore the progress; the default callback.

    Parameters
    ----------
    progress : Progress
        Step to ignore.
    """
