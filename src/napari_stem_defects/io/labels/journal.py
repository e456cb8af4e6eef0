"""Append-only journal of a label project; survives crashes and full disks.

The journal holds one JSON record per line, each with a checksum of the text before it. The first
record is the version of the format. A record is saved once it is flushed to the disk, and nothing
written is changed later; damage to the file therefore costs at most the damaged lines, which are
skipped and reported. There is no database, memory map or write-ahead log, so the journal works on
network drives. One process can write, held by a lock of the operating system or, on drives
without locks, by a lock file; other processes can read. A note names the computer, process and
start of the writer: the locks of some network drives end at the computer, and the note of another
one is then a warning. A record is refused once another program has written one.
"""

from __future__ import annotations

import json
import os
import socket
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.atomic import append_line, replacing, write_bytes
from napari_stem_defects.io.folder_kinds import JOURNAL
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.write_lock import (
    NO_LOCKS,
    read_holder,
    remove_holder,
    write_holder,
)

FORMAT = 1
JOURNAL_NAME = JOURNAL
LOCK_NAME, SOFT_LOCK_NAME, HOLDER_NAME = "labels.lock", "labels.open", "labels.holder"

_HEADER_OP = "journal"
_SUM_KEY = b',"sum":"'
_SUM_LENGTH = len(_SUM_KEY) + 8 + len(b'"}')

Record = Mapping[str, Any]


@dataclass(frozen=True)
class JournalContents:
    """Decoded content of a journal.

    Attributes
    ----------
    records : tuple of dict
        All records with a correct checksum, in order, without the header.
    format : int or None
        Version in the header; None if the first line is damaged.
    damaged : tuple of int
        Numbers (from 1) of the lines with a wrong checksum.
    torn : bytes
        Unfinished last line, left by a crash while a record was written; empty if there is none.
    """

    records: tuple[dict[str, Any], ...]
    format: int | None
    damaged: tuple[int, ...]
    torn: bytes


def encode_line(record: Record) -> str:
    """Encode a record as one line of JSON with a checksum.

    Parameters
    ----------
    record : mapping
        JSON-safe, without NaN.

    Returns
    -------
    str
        The line, without its line end; its last value is the CRC-32 of the text before it.
    """
    body = json.dumps(record, separators=(",", ":"), allow_nan=False)
    return f'{body[:-1]}{_SUM_KEY.decode()}{zlib.crc32(body.encode()):08x}"}}'


def decode_line(line: bytes) -> dict[str, Any] | None:
    """Decode a line of a journal.

    Parameters
    ----------
    line : bytes
        The line, without its line end.

    Returns
    -------
    dict or None
        The record; None if the checksum is wrong.
    """
    line = line.rstrip(b"\r")  # some synchronisation tools rewrite line ends
    body, tail = line[:-_SUM_LENGTH] + b"}", line[-_SUM_LENGTH:]
    if tail != b'%s%08x"}' % (_SUM_KEY, zlib.crc32(body)):
        return None
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def parse(data: bytes) -> JournalContents:
    """Decode every complete line of a journal; accepts any bytes.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    JournalContents
        The records, and what is damaged.
    """
    *lines, torn = data.split(b"\n")
    if decode_line(torn):  # only the line end is missing
        lines, torn = [*lines, torn], b""
    decoded = [decode_line(line) for line in lines]
    damaged = tuple(n for n, record in enumerate(decoded, 1) if record is None)
    records = [record for record in decoded if record is not None]
    header = records.pop(0) if records and records[0].get("op") == _HEADER_OP else {}
    version = header.get("format")
    known = version if isinstance(version, int) else None
    return JournalContents(tuple(records), known, damaged, torn)


class LabelJournal:
    """The journal of one project folder, opened for writing if possible.

    Parameters
    ----------
    folder : Path
        The folder of the project.
    read_only : bool
        Take no lock and change nothing.

    Attributes
    ----------
    contents : JournalContents
        Content of the journal when it was opened.
    read_only : bool
        Whether `append` is refused: because read-only access was requested, another process has
        the lock, permissions are missing, or a newer version wrote the journal.
    count : int
        Number of records in the file.
    warnings : tuple of str
        Problems found while opening, one sentence each.

    Raises
    ------
    LabelError
        There is no readable journal.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.path = folder / JOURNAL_NAME
        self.warnings: tuple[str, ...] = ()
        self.read_only = read_only
        self._holder = folder / HOLDER_NAME
        self._lock: BaseFileLock = FileLock(folder / LOCK_NAME, timeout=0, thread_local=False)
        if not self.path.is_file():
            fault = f"is not a label project ({JOURNAL_NAME} is missing)"
            raise LabelError(one_line(folder, fault, "give the folder that holds it"))
        if not read_only:
            self._take_lock()
        try:
            data = self._read()
            self.contents = parse(data)
            self._report()
            if not self.read_only:
                self._repair_end(data)
            self._size = len(data) if self.read_only else self.path.stat().st_size
            self.count = len(self.contents.records)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def create(folder: Path, records: Sequence[Record]) -> None:
        """Write a new journal in one atomic step.

        Parameters
        ----------
        folder : Path
            The folder of the project.
        records : sequence of mapping
            Its first records.

        Raises
        ------
        OutputError
            The disk is full or not writable.
        """
        write_bytes(folder / JOURNAL_NAME, _journal_bytes(records))

    def append(self, records: Sequence[Record]) -> None:
        """Append records; they are on the disk when this returns and absent if it raises.

        Parameters
        ----------
        records : sequence of mapping
            JSON-safe records.

        Raises
        ------
        LabelError
            The journal is read-only or was changed by another program.
        OutputError
            The disk is full or gone; the journal is unchanged.
        """
        self.check_writable()
        if not records:
            return
        append_line(self.path, "\n".join(encode_line(record) for record in records))
        self._size = self.path.stat().st_size
        self.count += len(records)

    def rewrite(self, records: Sequence[Record]) -> None:
        """Replace all records in one atomic step.

        A journal with damaged lines is first copied to a file in the same folder.

        Parameters
        ----------
        records : sequence of mapping
            The new records.

        Raises
        ------
        LabelError
            The journal is read-only or was changed by another program.
        OutputError
            The disk is full or gone; the journal is unchanged.
        """
        self.check_writable()
        if self.contents.damaged:
            self._save_copy(self._read(), "damaged")
        with replacing(self.path) as temporary:
            temporary.write_bytes(_journal_bytes(records))
        self._size = self.path.stat().st_size
        self.count = len(records)

    def become_read_only(self, reason: str) -> None:
        """Release the lock, refuse further changes and add a warning with the reason.

        Parameters
        ----------
        reason : str
            Start of the warning.
        """
        self.read_only = True
        self._lock.release()
        self._warn(f"{reason}; nothing can be changed")

    def close(self) -> None:
        """Release the lock, so that other processes can write."""
        if self._lock.is_locked and not self.read_only:
            remove_holder(self._holder)
        self._lock.release()

    def _take_lock(self) -> None:
        try:
            self._acquire()
        except Timeout:
            left = self._lock.lock_file if isinstance(self._lock, SoftFileLock) else ""
            more = f", or a crash left {Path(left).name} there: then remove it" if left else ""
            held = read_holder(self._holder)
            where = f" ({_describe(held)})" if held else ""
            self.become_read_only(f"another panel or process has the project open{where}{more}")
        except OSError as error:
            self.become_read_only(f"the folder cannot be written ({error.strerror})")
        else:
            if not os.access(self.path, os.W_OK):
                self.become_read_only(f"{JOURNAL_NAME} is write-protected")
            else:
                self._note_holder()

    def _note_holder(self) -> None:
        """Leave a note that this process writes; warn about a writer on another computer."""
        held = read_holder(self._holder)
        if held and held["host"] != socket.gethostname():
            self._warn(
                f"opened on another computer, too, or not closed there ({_describe(held)});"
                " close it there before labelling here"
            )
        write_holder(self._holder, "labelling")

    def _acquire(self) -> None:
        """Take the lock; on drives without locks, create a lock file instead."""
        try:
            self._lock.acquire()
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in NO_LOCKS:
                raise
            lock = self.path.with_name(SOFT_LOCK_NAME)
            self._lock = SoftFileLock(lock, timeout=0, thread_local=False)
            self._lock.acquire()

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise LabelError(f"{self.path}: cannot be read ({error.strerror})") from error

    def _report(self) -> None:
        found = self.contents
        if found.format is not None and found.format > FORMAT:
            self.become_read_only(f"a newer version wrote it (format {found.format})")
        if found.damaged:
            some = ", ".join(map(str, found.damaged[:5])) + (", ..." * (len(found.damaged) > 5))
            self._warn(f"{len(found.damaged)} damaged lines were skipped (line {some})")
        if found.torn and self.read_only:
            self._warn(f"an unfinished last line of {len(found.torn)} bytes was ignored")

    def _repair_end(self, data: bytes) -> None:
        """Move an unfinished last line to a file of its own, or complete its line end."""
        torn = self.contents.torn
        if torn:
            kept = self._save_copy(torn, "torn")
            os.truncate(self.path, len(data) - len(torn))
            self._warn(f"a crash or a cut copy left an unfinished last line, now in {kept}")
        elif data and not data.endswith(b"\n"):
            append_line(self.path, "")

    def _save_copy(self, data: bytes, kind: str) -> str:
        kept = self.path.with_name(f"labels.{kind}-{zlib.crc32(data):08x}.jsonl")
        write_bytes(kept, data)
        return kept.name

    def check_writable(self) -> None:
        """Check that records can be appended.

        Raises
        ------
        LabelError
            The journal is read-only, closed or was changed by another program.
        OutputError
            The file is gone, for instance with its drive.
        """
        if self.read_only:
            why = self.warnings[-1] if self.warnings else "opened read-only"
            raise LabelError(f"{self.path.parent}: cannot be changed ({why})")
        if not self._lock.is_locked:
            raise LabelError(f"{self.path.parent}: the project is closed; open it again")
        if self._on_disk() != self._size:
            raise LabelError(f"{self.path}: changed by another program; reopen the project")

    def _on_disk(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise OutputError(
                f"{self.path}: gone ({error.strerror}); reconnect the drive and try again"
            ) from error

    def _warn(self, text: str) -> None:
        self.warnings = (*self.warnings, f"{self.path.parent.name}: {text}")


def _describe(held: Mapping[str, Any]) -> str:
    since = str(held["since"])[:19].replace("T", " ")
    return f"process {held['process']} on {held['host']} since {since}"


def _journal_bytes(records: Sequence[Record]) -> bytes:
    header = {"op": _HEADER_OP, "format": FORMAT}
    return "".join(f"{encode_line(record)}\n" for record in [header, *records]).encode()
