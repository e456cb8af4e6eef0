"""Micrographs whose frames are read when they are used, by the process that reads files."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import numpy as np

from napari_stem_defects.io.images.limits import check_memory
from napari_stem_defects.io.images.open_stack import OpenedStack, StackFrame
from napari_stem_defects.workers.isolated_read import FrameArguments, open_file, read_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.images.signals import SignalChoice
    from napari_stem_defects.io.images.stack_conversion import StackConversion

Number = TypeVar("Number", np.float32, np.bool_)

# Frames of which only the pixels, or only the mask, were taken so far.
_MOST_HELD = 4


def open_micrograph(path: Path, signal: SignalChoice = None) -> Micrograph:
    """Read an image or a small stack; open a large stack, whose frames are read on demand.

    Parameters
    ----------
    path : Path
    signal : str, int or None
        Of a file with several signals, the one to read.

    Returns
    -------
    Micrograph
        The pixels and the mask of a large stack are `FramesOnDemand`; everything else is as of
        `isolated_read.read_micrograph`.

    Raises
    ------
    ReadError
        One line; also where the file crashes its library, or wants too much time or memory.
    """
    opened = open_file(path, signal)
    if not isinstance(opened, OpenedStack):
        return opened
    stack = Stack(path, signal, opened.conversion, opened.count, opened.state)
    shape = (opened.count, *opened.micrograph.frame_shape)
    pixels = FramesOnDemand[np.float32](stack, "pixels", shape)
    invalid = FramesOnDemand[np.bool_](stack, "invalid", shape)
    return replace(
        opened.micrograph,
        pixels=cast("NDArray[np.float32]", pixels),
        invalid=cast("NDArray[np.bool_]", invalid) if opened.conversion.has_invalid else None,
    )


def is_on_demand(micrograph: Micrograph) -> bool:
    """Return whether the frames of a micrograph are read on demand.

    Parameters
    ----------
    micrograph : Micrograph

    Returns
    -------
    bool
    """
    return isinstance(micrograph.pixels, FramesOnDemand)


@dataclass(frozen=True)
class Stack:
    """A stack in a file; small, so that it can be sent to any process.

    Attributes
    ----------
    path : Path
    signal : str, int or None
    conversion : StackConversion
    count : int
        Number of frames.
    state : (int, int)
        Time of change in ns and size of the file when it was opened.
    """

    path: Path
    signal: SignalChoice
    conversion: StackConversion
    count: int
    state: tuple[int, int]
    _held: dict[int, StackFrame] = field(default_factory=dict, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": {}}

    def part(self, frame: int, name: str) -> NDArray[Any]:
        """Return the pixels or the mask of a frame; both are read together.

        Parameters
        ----------
        frame : int
        name : {"pixels", "invalid"}

        Returns
        -------
        ndarray, shape (Y, X)

        Raises
        ------
        ReadError
            The frame is damaged, or the file has changed.
        """
        read = self._held.pop(frame, None)
        if read is None:
            arguments = (self.path, self.signal, frame, self.conversion, self.state)
            read = read_frame(FrameArguments(*arguments))
            if read.invalid is not None:
                for oldest in list(self._held)[: 1 - _MOST_HELD]:
                    self._held.pop(oldest, None)  # another thread may have taken it
                self._held[frame] = read
        return cast("NDArray[Any]", getattr(read, name))


@dataclass(frozen=True, eq=False)
class FramesOnDemand(Generic[Number]):
    """An array of frames that are read when they are indexed; `numpy.asarray` reads all.

    Attributes
    ----------
    stack : Stack
    part : {"pixels", "invalid"}
    shape : (T, Y, X)
    """

    stack: Stack
    part: str
    shape: tuple[int, ...]

    ndim = 3

    @property
    def dtype(self) -> np.dtype[Number]:
        """Type of the numbers."""
        return cast("np.dtype[Number]", np.dtype(bool if self.part == "invalid" else np.float32))

    @property
    def size(self) -> int:
        """Number of pixels of all frames."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of all frames in memory, bytes."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[Number]]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, key: Any) -> NDArray[Number]:
        """Index as an array; a first index that is a number reads one frame."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis and len(rest) >= self.ndim:
            first, *rest = rest
        if isinstance(first, slice):
            places = range(len(self))[first]
            chosen = [self[(place, *rest)] for place in places]
            return np.stack(chosen) if chosen else np.empty((0, *self.shape[1:]), self.dtype)
        if not hasattr(first, "__index__") or isinstance(first, np.ndarray):
            return cast("NDArray[Number]", np.asarray(self)[key])
        number = operator.index(first)
        if not -len(self) <= number < len(self):
            raise IndexError(f"there is no frame {number} of {len(self)}")
        frame = self.stack.part(number % len(self), self.part)
        return cast("NDArray[Number]", frame[tuple(rest)] if rest else frame)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all frames, where memory can hold them."""
        check_memory(self.stack.path, 0, self.nbytes)
        whole = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for number, frame in enumerate(self):
            whole[number] = frame
        return whole
