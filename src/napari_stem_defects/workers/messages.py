"""Jobs that a worker process runs, and the events that it sends back.

A job names its function as ``"package.module:function"``, so that the client never imports
what the function needs (torch, microscope parsers). Arguments and results cross the process
boundary, so they are JSON-safe values, paths, arrays and frozen dataclasses of them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from napari_stem_defects.base.progress import Progress


@dataclass(frozen=True)
class Job:
    """One call to be made in a worker process.

    Attributes
    ----------
    function : str
        ``"package.module:function"``. It is called with ``report=...`` and ``arguments``.
    arguments : mapping
        Keyword arguments.
    subject : str
        What the work is about, named first in messages about a dead worker: a file name,
        "training".
    time_limit_s : float or None
        The worker is ended and the job fails after this many seconds.
    memory_limit : int or None
        The same where its process holds more than this many bytes.
    attempts : int
        How often the job may be started: again where its process dies, because a user or the
        operating system ended it. Only for work that does no harm when done twice.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "the job"
    time_limit_s: float | None = None
    memory_limit: int | None = None
    attempts: int = 1


@dataclass(frozen=True)
class JobStarted:
    """The process starts the job; a job without this message can safely run again elsewhere."""


@dataclass(frozen=True)
class Progressed:
    """The job reported its progress."""

    progress: Progress


@dataclass(frozen=True)
class Finished:
    """The job returned ``result``."""

    result: Any


FailureReason = Literal["died", "time", "memory"]
"""Why a process was lost in the middle of a job: by itself, or by the limits of the job."""


@dataclass(frozen=True)
class Failed:
    """The job failed.

    Attributes
    ----------
    message : str
        One line for the user.
    details : str
        Traceback of a programming error; empty where the input is at fault.
    lost : {"died", "time", "memory"} or None
        Why the job's process was lost, where it was.
    """

    message: str
    details: str = ""
    lost: FailureReason | None = None


@dataclass(frozen=True)
class Stopped:
    """The job was cancelled before it finished."""


JobEvent = Progressed | Finished | Failed | Stopped
Listener = Callable[[JobEvent], None]


def resolve(function: str) -> Callable[..., Any]:
    """Import and return the function a job names."""
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def unexpected_failure(error: Exception) -> Failed:
    """Describe an exception that is not the fault of the input: one line and the traceback."""
    lines = str(error).strip().splitlines() or ["no message"]
    return Failed(
        f"unexpected {type(error).__name__}: {lines[0][:160]}",
        "".join(traceback.format_exception(error)),
    )
