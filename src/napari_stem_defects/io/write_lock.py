"""Lock of a folder or file that one program at a time may write, and a line about its holder.

The lock is one of the operating system, which ends with the process that holds it, however that
ends. On drives without such locks a lock file takes its place. Beside it lies a note about the
holder, its computer, process and start, which is for messages only: clocks are not compared.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from napari_stem_defects.errors import InUseError, OutputError
from napari_stem_defects.io.atomic import output_error
from napari_stem_defects.io.messages import one_line

# Error numbers of network drives without locks.
NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
_held: WeakSet[WriteLock] = WeakSet()
"""All locks that this process holds."""
LOCK_SUFFIX, SOFT_SUFFIX, HOLDER_SUFFIX = ".lock", ".open", ".holder"


class WriteLock:
    """Lock of a folder; its files lie beside the folder and are removed with it.

    A lock that is taken twice by one object is released twice.

    Parameters
    ----------
    folder : Path
        The folder, which need not exist; ``.<name>.lock`` beside it is the lock.
    task : str
        What the holder does, for the message of others, such as "search".
    kind : {"folder", "file"}
        What is written; a file is locked in the same way.
    """

    def __init__(self, folder: Path, task: str, kind: str = "folder") -> None:
        self._folder, self._task, self._kind = folder, task, kind
        self._holder = self._beside(HOLDER_SUFFIX)
        path = self._beside(LOCK_SUFFIX)
        self._lock: BaseFileLock = FileLock(path, timeout=0, thread_local=False)

    @property
    def is_held(self) -> bool:
        """Whether this object has the lock."""
        return self._lock.is_locked

    @property
    def has_files(self) -> bool:
        """Whether there are files of the lock, held or not."""
        return any(self._beside(each).exists() for each in (LOCK_SUFFIX, HOLDER_SUFFIX))

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        InUseError
            Another program has it; the line names it and its start.
        OutputError
            The folder cannot be written.
        """
        if self._lock.is_locked:
            self._lock.acquire()
            return
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._take()
            _held.add(self)
            write_holder(self._holder, self._task)
        except Timeout:
            held = describe_holder(self._holder)
            advice = f"wait for it, or choose another {self._kind}"
            raise InUseError(one_line(self._folder, held, advice)) from None
        except OSError as error:
            raise output_error(self._folder, error) from error

    def release(self) -> None:
        """Give the lock back; does nothing if it is not held."""
        if not self._lock.is_locked:
            return
        if self._lock.lock_counter == 1:
            # Removed before the release, so that no program holds a lock on a removed file.
            for path in (self._holder, Path(self._lock.lock_file)):
                with contextlib.suppress(OSError):
                    path.unlink()
            _held.discard(self)
        self._lock.release()

    def __enter__(self) -> WriteLock:
        """Take the lock."""
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        self.release()

    def _take(self) -> None:
        try:
            self._lock.acquire()
        except (OSError, NotImplementedError) as error:
            if isinstance(error, Timeout):
                raise
            if isinstance(error, OSError) and error.errno not in NO_LOCKS:
                raise
            self._lock = SoftFileLock(self._beside(SOFT_SUFFIX), timeout=0, thread_local=False)
            self._lock.acquire()

    def _beside(self, suffix: str) -> Path:
        return self._folder.with_name(f".{self._folder.name}{suffix}")


class FolderLocks:
    """The locks of the folders that one program writes; all are given back at the end.

    Parameters
    ----------
    task : str
        What the program does, for the message of others.
    """

    def __init__(self, task: str) -> None:
        self._task = task
        self._locks: dict[Path, WriteLock] = {}

    def take(self, folder: Path) -> None:
        """Take the lock of a folder, once more if it is held already.

        Raises
        ------
        InUseError
            Another program has it.
        OutputError
            The folder cannot be written.
        """
        self._locks.setdefault(folder, WriteLock(folder, self._task)).acquire()

    def give_back(self, folder: Path) -> None:
        """Give the lock of a folder back as often as it was taken; others are ignored."""
        if folder in self._locks:
            self._locks[folder].release()

    def __enter__(self) -> FolderLocks:
        """Return the locks; none is taken yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give all locks back."""
        for lock in self._locks.values():
            while lock.is_held:
                lock.release()


def give_back_all() -> None:
    """Give back all locks of this process, which is about to end without its usual steps."""
    for lock in list(_held):
        while lock.is_held:
            lock.release()


def remove_free_lock(folder: Path) -> None:
    """Remove the files of a lock that no process holds: one that was killed leaves them.

    Parameters
    ----------
    folder : Path
        The folder or file that was locked.
    """
    lock = WriteLock(folder, "removal")
    if not lock.has_files:
        return
    with contextlib.suppress(InUseError, OutputError):
        lock.acquire()
        lock.release()


def write_holder(path: Path, task: str) -> None:
    """Write the note about this process; without one, messages are less precise.

    Parameters
    ----------
    path : Path
        The note.
    task : str
        What this process does.
    """
    note = {
        "task": task,
        "host": socket.gethostname(),
        "process": os.getpid(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    with contextlib.suppress(OSError):
        path.write_text(json.dumps(note), encoding="utf-8")


def remove_holder(path: Path) -> None:
    """Remove the note, if this process wrote it.

    Parameters
    ----------
    path : Path
        The note.
    """
    note = read_holder(path)
    if (note.get("host"), note.get("process")) == (socket.gethostname(), os.getpid()):
        with contextlib.suppress(OSError):
            path.unlink()


def read_holder(path: Path) -> dict[str, Any]:
    """Read the note about the holder of a lock.

    Parameters
    ----------
    path : Path
        The note.

    Returns
    -------
    dict
        ``task``, ``host``, ``process`` and ``since``; empty if there is no readable note.
    """
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    is_note = isinstance(note, dict) and {"task", "host", "process", "since"} <= set(note)
    return note if is_note else {}


def describe_holder(path: Path) -> str:
    """Describe the holder of a lock for a message.

    Parameters
    ----------
    path : Path
        The note about it.

    Returns
    -------
    str
        Such as "another search writes here since 2026-05-04 10:31:00 (process 4711 on host)".
    """
    note = read_holder(path)
    if not note:
        return "another program writes here"
    since = str(note["since"])[:19].replace("T", " ")
    where = f"process {note['process']} on {note['host']}"
    return f"another {note['task']} writes here since {since} ({where})"
