"""Tasks and jobs of the worker processes, and the events that they send back.

A task is a function that a worker process can run; a job is one call of it. Both name the
function as ``"package.module:function"``, so that the client never imports what the function
needs (torch, microscope parsers). Arguments and results cross the process boundary, so they
are JSON-safe values, paths, arrays and frozen dataclasses of them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.progress import Progress

WorkerName = Literal["quick", "long"]
"""The two workers of an application; see `pool.get_worker`."""


class _Dataclass(Protocol):
    """Any instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Arguments = TypeVar("Arguments", bound=_Dataclass)
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True)
class Job(Generic[Result_co]):
    """One call to be made in a worker process; its type parameter is the type of the result.

    Attributes
    ----------
    entry_point : str
        ``"package.module:function"``. It is called with ``report=...`` and ``arguments``.
    arguments : mapping
        Keyword arguments.
    subject : str
        What the work is about, named first in messages about a dead worker: a file name,
        "training".
    time_limit_s : float or None
        The worker is ended and the job fails after this many seconds of processor time, or after
        `client.WAITING_FACTOR` times as many seconds in all.
    memory_limit : int or None
        The same where its process holds more than this many bytes.
    attempts : int
        How often the job may be started: again where its process dies, because a user or the
        operating system ended it. Only for work that does no harm when done twice.
    worker : {"quick", "long"}
        The worker that the job belongs to.
    locked : Path or None
        The file or folder whose `WriteLock` the function holds: an ended process leaves its files.
    """

    entry_point: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "the job"
    time_limit_s: float | None = None
    memory_limit: int | None = None
    attempts: int = 1
    worker: WorkerName = "quick"
    locked: Path | None = None


@dataclass(frozen=True)
class Task(Generic[Arguments, Result]):
    """A function that a worker process can run, with the types of its arguments and result.

    Attributes
    ----------
    entry_point : str
        ``"package.module:function"``, imported in the worker process only.
    worker : {"quick", "long"}
        The worker that runs it: "long" for work that takes minutes or needs torch.
    arguments : type
        Frozen dataclass whose fields are the keyword arguments of the function.
    locks : str
        The argument that is the path which the function locks; empty where it locks none.
    """

    entry_point: str
    worker: WorkerName
    arguments: type[Arguments]
    locks: str = ""

    def job(
        self,
        arguments: Arguments,
        *,
        subject: str,
        time_limit_s: float | None = None,
        memory_limit: int | None = None,
        attempts: int = 1,
    ) -> Job[Result]:
        """Return a job that calls the function once.

        Parameters
        ----------
        arguments : dataclass
            Instance of the ``arguments`` class of this task; arrays in it are not copied.
        subject : str
            What the work is about: a file name, "training".
        time_limit_s : float or None
            Longest processor time in s.
        memory_limit : int or None
            Most memory of the worker process in bytes.
        attempts : int
            How often the job may be started if its process dies.

        Returns
        -------
        Job
        """
        keywords = {each.name: getattr(arguments, each.name) for each in fields(arguments)}
        return Job(
            self.entry_point,
            keywords,
            subject,
            time_limit_s=time_limit_s,
            memory_limit=memory_limit,
            attempts=attempts,
            worker=self.worker,
            locked=keywords[self.locks] if self.locks else None,
        )


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


def resolve(entry_point: str) -> Callable[..., Any]:
    """Import and return the function that a task or job names.

    Parameters
    ----------
    entry_point : str
        ``"package.module:function"``.

    Returns
    -------
    callable

    Raises
    ------
    ImportError, AttributeError
        There is no such module or function.
    """
    module, _, name = entry_point.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def unexpected_failure(error: Exception) -> Failed:
    """Describe an exception that is not the fault of the input: one line and the traceback."""
    lines = str(error).strip().splitlines() or ["no message"]
    return Failed(
        f"unexpected {type(error).__name__}: {lines[0][:160]}",
        "".join(traceback.format_exception(error)),
    )
