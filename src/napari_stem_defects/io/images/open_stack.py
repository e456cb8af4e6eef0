"""Stacks that are opened instead of read: their frames are converted one at a time.

Small files are read as a whole, by the functions and with the result of `read`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.io.images.convert import to_pixels
from napari_stem_defects.io.images.frames_on_disk import in_memory, is_on_disk
from napari_stem_defects.io.images.library_faults import in_one_line
from napari_stem_defects.io.images.limits import check_memory
from napari_stem_defects.io.images.signal_micrograph import chosen_image, stored_signals
from napari_stem_defects.io.images.signals import SignalChoice, choose_signal
from napari_stem_defects.io.images.stack_conversion import StackConversion, measure_conversion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.images.frames_on_disk import FramesOnDisk

WHOLE_BYTES = 2**26
"""Images and stacks of at most so many bytes as float32 are read as a whole."""
# Packed files hold up to four times as much.
_LISTED_WHOLE = 4


@dataclass(frozen=True)
class OpenedStack:
    """A stack whose frames are still in the file.

    Attributes
    ----------
    micrograph : Micrograph
        All but the pixels: they are an empty array, shape (0, Y, X).
    count : int
        Number of frames.
    conversion : StackConversion
        How a frame is converted.
    state : (int, int)
        Time of change in ns and size of the file.
    """

    micrograph: Micrograph
    count: int
    conversion: StackConversion
    state: tuple[int, int]


@dataclass(frozen=True)
class StackFrame:
    """One frame of a stack.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
    invalid : ndarray of bool, shape (Y, X), or None
    """

    pixels: NDArray[np.float32]
    invalid: NDArray[np.bool_] | None


def open_micrograph(
    path: str | Path, signal: SignalChoice = None, whole_bytes: int = WHOLE_BYTES
) -> Micrograph | OpenedStack:
    """Read an image or a small stack; open a large stack.

    Parameters
    ----------
    path : str or Path
    signal : str, int or None
        See `read`.
    whole_bytes : int
        Images and stacks of at most so many bytes as float32 are read.

    Returns
    -------
    Micrograph or OpenedStack
        An image of any size, and a stack whose format holds all frames together, is read.

    Raises
    ------
    ReadError
        As of `read`.
    """
    path = Path(path)

    def load(messages: list[str]) -> Micrograph | OpenedStack:
        state = file_state(path) if path.exists() else (0, 0)
        is_small = path.is_file() and path.stat().st_size * _LISTED_WHOLE <= whole_bytes
        signals = stored_signals(path, by_frame=not is_small)
        chosen = chosen_image(path, signals, signal, messages)
        raw = chosen.raw
        size = 4 * math.prod(raw.array.shape)
        if not is_on_disk(raw.array) or size <= whole_bytes:
            check_memory(path, math.prod(raw.array.shape) * raw.array.dtype.itemsize, size)
            raw = replace(raw, array=in_memory(raw.array))
            pixels, invalid, conversions = to_pixels(raw, copy=False)
            return chosen.micrograph(pixels, invalid, conversions, messages)
        conversion, conversions = measure_conversion(raw.array)
        nothing = np.empty((0, *raw.array.shape[1:]), np.float32)
        micrograph = chosen.micrograph(nothing, None, conversions, messages)
        return OpenedStack(micrograph, raw.array.shape[0], conversion, state)

    return in_one_line(path, load)


def file_state(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written: its time of change in ns and its size.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of int
    """
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def open_frames(path: str | Path, signal: SignalChoice = None) -> FramesOnDisk:
    """Open the frames of a stack that `open_micrograph` has opened.

    Parameters
    ----------
    path : str or Path
    signal : str, int or None

    Returns
    -------
    FramesOnDisk
        Not converted.

    Raises
    ------
    ReadError
        As of `read`.
    """
    path = Path(path)

    def load(messages: list[str]) -> FramesOnDisk:
        signals = stored_signals(path, by_frame=True)
        number = choose_signal(path, [each.info for each in signals], signal).number
        return signals[number].load().array

    return in_one_line(path, load)


def read_stack_frame(
    path: str | Path, frames: FramesOnDisk, frame: int, conversion: StackConversion
) -> StackFrame:
    """Read and convert one frame.

    Parameters
    ----------
    path : str or Path
        The file, for messages.
    frames : FramesOnDisk
        Of `open_frames`.
    frame : int
    conversion : StackConversion
        Of `open_micrograph`.

    Returns
    -------
    StackFrame

    Raises
    ------
    ReadError
        The frame is damaged.
    """
    return in_one_line(Path(path), lambda _: StackFrame(*conversion.convert(frames[frame])))
