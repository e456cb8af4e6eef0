"""Atomic file writes: after a crash or on a full disk, a file is complete or absent."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADVICE = "check free space and permissions, or choose another folder"
_NUMPY_SHORT = re.compile(r"\d+ requested and \d+ written")
"""What NumPy states where the disk is full."""
_BLOCKED = "move it away or choose another folder"


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` in one step when the block succeeds.

    The temporary file lies in the same folder; its name starts with a dot and has the same
    suffixes as the target, for writers that depend on the suffix (``.npz``, ``.ome.tif``). If
    the block raises, `Cancelled` included, the temporary file is removed and an earlier ``path``
    is unchanged.

    Parameters
    ----------
    path : str or Path
        The target; its folder is created if necessary.

    Yields
    ------
    Path
        Where to write the file.

    Raises
    ------
    OutputError
        The disk is full, the folder is not writable, or the target is open elsewhere.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(4)}.part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            _flush_to_disk(file)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file in one atomic step.

    Parameters
    ----------
    path : str or Path
        The target; its folder is created if necessary.
    data : bytes
        Content of the file.

    Raises
    ------
    OutputError
        The disk is full, the folder is not writable, or the target is open elsewhere.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def move_into_place(source: Path, target: Path) -> None:
    """Rename a finished file to its target in one step, replacing an earlier one.

    Parameters
    ----------
    source, target : Path
        On the same drive.

    Raises
    ------
    OutputError
        The target is open elsewhere or its folder is not writable.
    """
    try:
        os.replace(source, target)
        _flush_folder(target.parent)
    except OSError as error:
        raise output_error(target, error) from error


def append_line(path: str | Path, text: str) -> None:
    """Append a line; it is on the disk when this returns and absent if it raises.

    Parameters
    ----------
    path : str or Path
        The file; it is created if necessary.
    text : str
        The line, without its line end.

    Raises
    ------
    OutputError
        The disk is full or the file is not writable.
    """
    path = Path(path)
    try:
        # Unbuffered: after an error, closing the file must not write the rest again.
        with open(path, "ab", buffering=0) as file:
            _append_or_restore(file, f"{text}\n".encode())
    except OSError as error:
        raise output_error(path, error) from error


def output_error(path: Path, error: OSError, advice: str = _ADVICE) -> OutputError:
    """Return the one-line error about what cannot be written.

    Parameters
    ----------
    path : Path
        File or folder that was to be written.
    error : OSError
        What the operating system states.
    advice : str
        What to do; of a file that blocks the folder, always to move it away.

    Returns
    -------
    OutputError
    """
    # The user chose the folder, not the file name in it: report a file that blocks the folder.
    for folder in path.parents:
        if folder.exists() and not folder.is_dir():
            return OutputError(one_line(folder, "is a file, not a folder", _BLOCKED))
    reason = str(error.strerror or error)
    if _NUMPY_SHORT.fullmatch(reason):
        reason = "only a part of it could be"
    return OutputError(one_line(path, f"cannot be written ({reason})", advice))


def _append_or_restore(file: BinaryIO, data: bytes) -> None:
    length = file.seek(0, os.SEEK_END)
    try:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        _flush_to_disk(file)
    except BaseException:
        with contextlib.suppress(OSError):
            file.truncate(length)
        raise


def _flush_to_disk(file: BinaryIO) -> None:
    file.flush()
    if sys.platform == "darwin":
        # fsync on macOS leaves the data in the cache of the drive.
        import fcntl

        with contextlib.suppress(OSError):  # network drives know no F_FULLFSYNC
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
            return
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    # A power cut undoes a rename unless the folder is flushed; Windows cannot open folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
