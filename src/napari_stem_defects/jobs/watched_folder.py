"""Files of a watched folder, and which of them are complete.

The folder is polled, because change notifications do not arrive from network drives. No clock of
the drive is compared with that of this computer: a file is complete when its size and its time of
change have stayed the same for a while on this computer's clock. A Zarr folder is one image: its
size is that of all files in it, its time of change the latest of theirs.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_stem_defects.io.images.find import natural_order
from napari_stem_defects.io.images.formats import IMAGE_SUFFIXES
from napari_stem_defects.io.images.zarr_arrays import is_zarr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SETTLE_S = 1.5
"""How long a file must stay the same to be complete."""
RETRIES_S = (2.0, 5.0, 15.0, 60.0)
"""When a complete file that cannot be read is tried again: its writer may have paused."""
_TEMPORARY = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp")
_LOOK_AGAIN = 20
"""Polls between two looks at a file that is finished; it may be recorded again."""


class Stamp(NamedTuple):
    """Size in bytes and time of change in ns; another stamp is another content."""

    size: int
    modified: int


@dataclass
class _Seen:
    stamp: Stamp
    since: float
    tries: int = 0
    not_before: float = 0.0


class WatchedFolder:
    """Finds the complete files of a folder; temporary names and folders but Zarr are ignored.

    Parameters
    ----------
    path : Path
        The folder.
    finished : mapping of str to Stamp
        Files that are finished already, by name; they are found again when they change.
    settle_s : float
        How long a file must stay the same, s.
    clock : callable
        Returns the time in s; only differences count.
    """

    def __init__(
        self,
        path: Path,
        finished: Mapping[str, Stamp],
        *,
        settle_s: float = SETTLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._settle_s, self._clock = path, settle_s, clock
        self._finished = dict(finished)
        self._seen: dict[str, _Seen] = {}
        self._polls = 0

    def poll(self) -> list[tuple[Path, Stamp]]:
        """Look at the folder once.

        Returns
        -------
        list of (Path, Stamp)
            The files that are complete and not finished, in natural order of their names.

        Raises
        ------
        OSError
            The folder cannot be listed, because its drive is away.
        """
        found = dict(self._look())
        self._polls += 1
        self._seen = {name: seen for name, seen in self._seen.items() if name in found}
        now = self._clock()
        for name, stamp in found.items():
            if self._finished.get(name, stamp) != stamp:
                del self._finished[name]  # recorded again
            if name in self._finished:
                continue
            seen = self._seen.get(name)
            if seen is None or seen.stamp != stamp:
                self._seen[name] = _Seen(stamp, now)
        complete = [
            self._path / name
            for name, seen in self._seen.items()
            if seen.stamp.size > 0 and now >= max(seen.since + self._settle_s, seen.not_before)
        ]
        ordered = sorted(complete, key=natural_order)
        return [(path, self._seen[path.name].stamp) for path in ordered]

    def finish(self, name: str, stamp: Stamp) -> None:
        """Do not find a file again unless its stamp changes."""
        self._finished[name] = stamp
        self._seen.pop(name, None)

    def retry(self, name: str) -> bool:
        """Find a file again after a while.

        Returns
        -------
        bool
            Whether it will be tried again; False after the last of `RETRIES_S`.
        """
        seen = self._seen.get(name)
        if seen is None or seen.tries >= len(RETRIES_S):
            return False
        seen.not_before = self._clock() + RETRIES_S[seen.tries]
        seen.tries += 1
        return True

    def stamp(self, path: Path) -> Stamp | None:
        """Return the stamp of a file now; None if it is gone or its drive is away."""
        try:
            return _stamp_of(path)
        except OSError:
            return None

    def _look(self) -> Iterable[tuple[str, Stamp]]:
        is_thorough = self._polls % _LOOK_AGAIN == 0
        with os.scandir(self._path) as entries:
            for entry in entries:
                if not is_recording(entry.name):
                    continue
                if entry.name in self._finished and not is_thorough:
                    continue
                try:
                    if (stamp := _stamp_of(Path(entry.path))) is not None:
                        yield entry.name, stamp
                except FileNotFoundError:  # renamed or removed meanwhile
                    continue


def is_recording(name: str) -> bool:
    """Return whether a file name is that of an image, and not of one that is being written.

    Parameters
    ----------
    name : str

    Returns
    -------
    bool
    """
    lower = name.lower()
    is_temporary = lower.startswith((".", "~")) or lower.endswith("~")
    stem, dot, _ = lower.rpartition(".")
    inner = any(stem.endswith(mark) or f"{mark}." in lower for mark in _TEMPORARY)
    return bool(dot) and not (is_temporary or inner) and lower.endswith(tuple(IMAGE_SUFFIXES))


def _stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file or a Zarr folder; None for other folders, pipes and devices."""
    if path.is_dir():
        return _stamp_of_folder(path) if is_zarr(path) else None
    about = path.stat()
    return Stamp(about.st_size, about.st_mtime_ns) if stat.S_ISREG(about.st_mode) else None


def _stamp_of_folder(folder: Path) -> Stamp:
    size, modified = 0, 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # replaced meanwhile
                about = os.stat(Path(place, name))
                size, modified = size + about.st_size, max(modified, about.st_mtime_ns)
    return Stamp(size, modified)
