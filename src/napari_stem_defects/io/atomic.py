"""Files that are on the disk whole or not at all, whatever stops the writing."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Lend a temporary path; what was written to it becomes ``path`` in one step on success.

    The folder is made where it is missing. The temporary file lies in it under a name that
    starts with a dot and ends like the target's, so that a writer which judges by the ending
    (``.npz``, ``.ome.tif``) does the same as for the target. If the block raises, `Cancelled`
    included, the temporary file is removed and an earlier ``path`` stays as it was.

    Raises
    ------
    OutputError
        The disk is full, the folder may not be written to, or the target is open elsewhere.
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
        raise _output_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file at once, whole or not at all; see `replacing` for the errors."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def move_into_place(source: Path, target: Path) -> None:
    """Put a whole file where it belongs, in one step; both lie on one drive.

    Raises
    ------
    OutputError
        The target is open elsewhere or its folder may not be written to.
    """
    try:
        os.replace(source, target)
        _flush_folder(target.parent)
    except OSError as error:
        raise _output_error(target, error) from error


def append_line(path: str | Path, text: str) -> None:
    """Append ``text`` and a line end; on the disk when this returns, absent if it raises.

    Raises
    ------
    OutputError
        The disk is full or the file may not be written to.
    """
    path = Path(path)
    try:
        # Unbuffered: after a full disk nothing may be left that closing would write again.
        with open(path, "ab", buffering=0) as file:
            _append_or_restore(file, f"{text}\n".encode())
    except OSError as error:
        raise _output_error(path, error) from error


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
        # fsync on macOS leaves the data in the drive's cache.
        import fcntl

        with contextlib.suppress(OSError):  # network drives know no F_FULLFSYNC
            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
            return
    os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    # A rename is lost in a power cut unless the folder is flushed; Windows cannot open folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _output_error(path: Path, error: OSError) -> OutputError:
    # The user gave the folder; the file in it is ours.
    for folder in path.parents:
        if folder.exists() and not folder.is_dir():
            advice = "move it away or choose another folder"
            return OutputError(one_line(folder, "is a file, not a folder", advice))
    fault = f"cannot be written ({error.strerror or error})"
    advice = "check free space and permissions, or choose another folder"
    return OutputError(one_line(path, fault, advice))
