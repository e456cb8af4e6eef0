"""Stacks of frames that stay in their file: each frame is read when it is indexed."""

from __future__ import annotations

import bisect
import math
import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Of files whose frames are packed together, as many frames are unpacked at once.
_MOST_BLOCK_BYTES = 2**28


class FramesOnDisk(Protocol):
    """A stack as it is stored, of which single frames are read.

    Attributes
    ----------
    shape : (T, Y, X)
    dtype : dtype
        Of the stored numbers.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, rows, columns."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored numbers."""

    def __getitem__(self, frame: int, /) -> NDArray[Any]:
        """Read a frame, shape (Y, X)."""


class UnpackedFrames:
    """Frames of equal size at equal distances in a file, not packed.

    The file is opened for each frame: it can be renamed and removed meanwhile, and its pages do
    not count as memory of the process, as those of a mapped file do.

    Parameters
    ----------
    path : Path
    dtype : dtype
    shape : (T, Y, X)
    offset : int
        Where the first frame begins, bytes.
    step : int
        Distance of two frames in frames: the number of channels where these alternate.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[Any], shape: Sequence[int], offset: int, step: int = 1
    ) -> None:
        self._path, self._offset, self._step = path, offset, step
        self.dtype = dtype
        self.shape = tuple(map(int, shape))

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """Read a frame."""
        pixels = math.prod(self.shape[1:])
        start = self._offset + frame * self._step * pixels * self.dtype.itemsize
        found = np.fromfile(self._path, self.dtype, pixels, offset=start)
        if found.size < pixels:
            raise ValueError(f"it ends within frame {frame}")
        return found.reshape(self.shape[1:])


class PackedFrames:
    """Frames of which a library unpacks several at once.

    Parameters
    ----------
    read : callable
        Takes the first frame and the one after the last; returns them, shape (count, Y, X).
    dtype : dtype
    shape : (T, Y, X)
    starts : sequence of int
        The first frame of each block that the file stores as one, ascending from 0.
    """

    def __init__(
        self,
        read: Callable[[int, int], NDArray[Any]],
        dtype: np.dtype[Any],
        shape: Sequence[int],
        starts: Sequence[int],
    ) -> None:
        self._read = read
        self.dtype = np.dtype(dtype)
        self.shape = tuple(map(int, shape))
        frame_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._most = max(1, _MOST_BLOCK_BYTES // max(1, frame_bytes))
        self._edges = [*starts, self.shape[0]]
        self._first, self._block = 0, np.empty((0, *self.shape[1:]), self.dtype)
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what `__getstate__` returned."""
        vars(self).update(state, _lock=threading.Lock())

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """Read a frame, with the others of its block: once, however many threads request it."""
        with self._lock:
            return self._frame(frame)

    def _frame(self, frame: int) -> NDArray[Any]:
        if not self._first <= frame < self._first + len(self._block):
            number = bisect.bisect_right(self._edges, frame) - 1
            start, stop = self._edges[number : number + 2]
            start += (frame - start) // self._most * self._most
            self._block = self._read(start, min(stop, start + self._most))
            self._first = start
        found: NDArray[Any] = self._block[frame - self._first]
        return found


def frames_of(array: Any) -> FramesOnDisk:
    """Return the frames of an array of dask; those of one chunk are read together.

    Parameters
    ----------
    array : dask.array.Array
        Shape (T, Y, X).

    Returns
    -------
    FramesOnDisk
    """
    lengths = array.chunks[0]
    starts = [int(start) for start in np.cumsum([0, *lengths[:-1]])]

    def read(start: int, stop: int) -> NDArray[Any]:
        return np.asarray(array[start:stop])

    return PackedFrames(read, array.dtype, array.shape, starts)


def is_on_disk(array: object) -> bool:
    """Return whether a stack was opened rather than read.

    Parameters
    ----------
    array : ndarray or FramesOnDisk

    Returns
    -------
    bool
    """
    return isinstance(array, UnpackedFrames | PackedFrames)


def in_memory(array: NDArray[Any] | FramesOnDisk) -> NDArray[Any]:
    """Return all frames.

    Parameters
    ----------
    array : ndarray or FramesOnDisk

    Returns
    -------
    ndarray
    """
    if not is_on_disk(array):
        return cast("NDArray[Any]", array)
    whole = np.empty(array.shape, array.dtype)
    for number in range(len(whole)):
        whole[number] = array[number]
    return whole
