"""How long work reports where it is and learns that it should stop.

A verb takes ``report``, calls it after every batch, and lets whatever it raises pass through.
The caller decides what a report does: draw a bar, send an event to a window, or raise
`Cancelled` because the user pressed Cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Cancelled(Exception):
    """The user asked to stop; raised by a report, never caught by the work itself."""


class Enough(Exception):
    """The user asked to stop and to keep what there is; raised by a report while fitting."""


@dataclass(frozen=True)
class Progress:
    """One step of a longer job.

    Attributes
    ----------
    stage : str
        What is being done, in words a user understands ("scanning", "training SF1").
    done, total : int
        Finished and planned units of this stage.
    detail : mapping
        Figures of the step (losses of an epoch, a coarse probability map), plain data only so
        that it crosses a process boundary.
    saving : bool
        The work has stopped as it was asked to and saves what there is; a cancel waits for it.
    """

    stage: str
    done: int
    total: int
    detail: Mapping[str, Any] = field(default_factory=dict)
    saving: bool = False


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore the report; the default where nobody watches."""
