"""Reading of files that may be damaged or hostile, in a separate process with limits.

Some damage crashes the C libraries that parse microscope files, some keeps them busy for ever,
and no ``except`` catches either. Here both become a one-line error about the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from napari_stem_defects.errors import InputError, LabelError, ReadError
from napari_stem_defects.io.images.limits import memory_limit
from napari_stem_defects.io.images.open_stack import WHOLE_BYTES, OpenedStack, StackFrame
from napari_stem_defects.io.images.signals import ChosenSignal, SignalChoice, SignalInfo
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.workers.client import WorkerLostError
from napari_stem_defects.workers.messages import Result, Task
from napari_stem_defects.workers.pool import get_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.images.stack_conversion import StackConversion
    from napari_stem_defects.io.labels.patch_folder import PatchFolder


@dataclass(frozen=True)
class SignalArguments:
    """Arguments of `READ_MICROGRAPH`, `LIST_SIGNALS` and `READ_PATCHES`: path and signal."""

    path: Path
    signal: SignalChoice = None


@dataclass(frozen=True)
class OpenArguments:
    """Arguments of `OPEN_MICROGRAPH`; see `io.images.open_stack.open_micrograph`."""

    path: Path
    whole_bytes: int
    signal: SignalChoice = None


@dataclass(frozen=True)
class FrameArguments:
    """Arguments of `READ_FRAME`: a frame of an opened stack, how it is converted, file state."""

    path: Path
    signal: SignalChoice
    frame: int
    conversion: StackConversion
    state: tuple[int, int]


Signals = tuple[list[SignalInfo], ChosenSignal | str]
"""The signals of a file, and which is read or why none is."""


READ_MICROGRAPH: Task[SignalArguments, Micrograph] = Task(
    "napari_stem_defects.jobs.read_tasks:read_micrograph", "quick", SignalArguments
)
OPEN_MICROGRAPH: Task[OpenArguments, Micrograph | OpenedStack] = Task(
    "napari_stem_defects.jobs.read_tasks:open_micrograph", "quick", OpenArguments
)
READ_FRAME: Task[FrameArguments, StackFrame] = Task(
    "napari_stem_defects.jobs.read_tasks:read_frame", "quick", FrameArguments
)
LIST_SIGNALS: Task[SignalArguments, Signals] = Task(
    "napari_stem_defects.jobs.read_tasks:list_signals", "quick", SignalArguments
)
READ_ALL: Task[SignalArguments, tuple[list[Micrograph], int]] = Task(
    "napari_stem_defects.jobs.read_tasks:read_all", "quick", SignalArguments
)
READ_PATCHES: Task[SignalArguments, PatchFolder] = Task(
    "napari_stem_defects.jobs.read_tasks:read_patches", "quick", SignalArguments
)

Arguments = TypeVar("Arguments", SignalArguments, OpenArguments)

# A slow network drive gives 10 MB a second, a folder on it 100 small files a second. Ending a
# process takes a moment, and what it takes between two looks at it comes on top of its memory: no
# small file takes more than 10 s of processor time or 2 GiB.
_LEAST_TIME_S = 9.0
_SECONDS_PER_BYTE = 1e-7
_SECONDS_PER_FILE = 0.01
_LEAST_MEMORY = 7 * 2**28
_SMALL_FILE = 2**20
_FRAME_S = 120.0
_ADVICE = "export it again from the program that wrote it"


# Micrographs whose reading has begun.
_begun: dict[SignalArguments, Callable[[], Micrograph | OpenedStack]] = {}


def read_ahead(path: Path, signal: SignalChoice = None) -> None:
    """Begin to read a micrograph that `open_micrograph` is about to be called for.

    The file is read in its own process while this one imports what it needs, or searches the image
    before. It is held until it is called for.

    Parameters
    ----------
    path : Path
    signal : str, int or None
        Of a file with several signals, the one to read.
    """
    arguments = SignalArguments(path, signal)
    if arguments not in _begun:
        _begun[arguments] = _begin(OPEN_MICROGRAPH, OpenArguments(path, WHOLE_BYTES, signal))


def open_file(path: Path, signal: SignalChoice = None) -> Micrograph | OpenedStack:
    """Read an image or a small stack; open a large stack.

    `stack_on_demand.open_micrograph` makes a micrograph of either.

    Raises
    ------
    ReadError
        One line; also where the file crashes its library, or wants too much time or memory.
    """
    begun = _begun.pop(SignalArguments(path, signal), None)
    begun = begun or _begin(OPEN_MICROGRAPH, OpenArguments(path, WHOLE_BYTES, signal))
    return _finish(begun, path, ReadError)


def read_frame(arguments: FrameArguments) -> StackFrame:
    """Read a frame of a stack that was opened.

    Raises
    ------
    ReadError
        One line; also where the file crashes its library, wants too much time or memory, or has
        changed since it was opened.
    """
    path = arguments.path
    # The size of the file would be that of all its parts, for each frame again.
    job = READ_FRAME.job(
        arguments,
        subject=path.name,
        time_limit_s=_FRAME_S,
        memory_limit=_LEAST_MEMORY + memory_limit(),
    )
    return _finish(get_worker(job.worker).begin(job), path, ReadError)


def read_micrograph(path: Path, signal: SignalChoice = None) -> Micrograph:
    """Read a micrograph as `io.images.read.read` does.

    Raises
    ------
    ReadError
        One line; also where the file crashes its library, or wants too much time or memory.
    """
    arguments = SignalArguments(path, signal)
    if (begun := _begun.pop(arguments, None)) is not None:
        found = _finish(begun, path, ReadError)
        if not isinstance(found, OpenedStack):
            return found
    return _finish(_begin(READ_MICROGRAPH, arguments), path, ReadError)


def list_signals(path: Path, signal: SignalChoice = None) -> Signals:
    """List the signals of a file as `io.images.read.signals_and_choice` does.

    Raises
    ------
    ReadError
        One line; also where the file crashes its library, or wants too much time or memory.
    """
    return _finish(_begin(LIST_SIGNALS, SignalArguments(path, signal)), path, ReadError)


def read_all(path: Path) -> tuple[list[Micrograph], int]:
    """Read every micrograph of a file as `io.images.read.read_all` does.

    Raises
    ------
    ReadError
        One line; also where the file crashes its library, or wants too much time or memory.
    """
    return _finish(_begin(READ_ALL, SignalArguments(path)), path, ReadError)


def read_patches(path: Path, signal: SignalChoice = None) -> PatchFolder:
    """Read a patch folder as `io.labels.patch_folder.read_patch_folder` does.

    Raises
    ------
    LabelError
        One line; also where a file crashes its library, or wants too much time or memory.
    """
    return _finish(_begin(READ_PATCHES, SignalArguments(path, signal)), path, LabelError)


def time_limit_s(path: Path) -> float:
    """Return the processor time a file or a folder of small files may take: 9 s, more for GBs."""
    sizes = _sizes(path)
    return _LEAST_TIME_S + _SECONDS_PER_BYTE * sum(sizes) + _SECONDS_PER_FILE * len(sizes)


def memory_limit_bytes(path: Path) -> int:
    """Return how much memory its process may hold: 1.75 GiB, more where a file is big."""
    big = max(_sizes(path), default=0) > _SMALL_FILE
    return _LEAST_MEMORY + (memory_limit() if big else 0)


def _begin(task: Task[Arguments, Result], arguments: Arguments) -> Callable[[], Result]:
    path = arguments.path
    job = task.job(
        arguments,
        subject=path.name,
        time_limit_s=time_limit_s(path),
        memory_limit=memory_limit_bytes(path),
    )
    return get_worker(job.worker).begin(job)


def _finish(result: Callable[[], Result], path: Path, fault: type[InputError]) -> Result:
    try:
        return result()
    except InputError as error:
        raise fault(_line(path, error)) from None


def _line(path: Path, error: InputError) -> str:
    if not isinstance(error, WorkerLostError):
        return str(error)
    fault = {
        "died": "crashes the library that reads it, it is damaged",
        "time": f"is not read within {time_limit_s(path):.0f} s, it is damaged or the drive slow",
        "memory": "takes too much memory while it is read, it is damaged",
    }[error.loss]
    return one_line(path, fault, _ADVICE)


def _sizes(path: Path) -> list[int]:
    try:
        files = path.rglob("*") if path.is_dir() else [path]
        return [file.stat().st_size for file in files]
    except OSError:  # reading raises the error with its cause
        return []
