"""Conversion of a stack frame by frame, with the result that `convert.to_pixels` has for the whole.

What depends on all frames (whether any pixel is not finite, the largest number, whether marks are
burned in, how much is saturated) is measured once, in passes that hold one frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.images.burned_in_marks import find_marks, note_masked
from napari_stem_defects.io.images.convert import (
    NOTE_COMPLEX,
    NotAnImage,
    common_offset,
    is_safe,
    note_divided,
    note_filled,
    note_reduced,
    note_saturated,
    saturation_limit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.io.images.frames_on_disk import FramesOnDisk

Frame = tuple["NDArray[np.float32]", "NDArray[np.bool_] | None"]


@dataclass(frozen=True)
class StackConversion:
    """How the frames of a stack are converted.

    Attributes
    ----------
    divisor : float
        What the numbers are divided by; 1 if they fit 32 bit.
    has_gaps : bool
        Whether any pixel of any frame is NaN or infinite.
    has_marks : bool
        Whether marks are burned into the first frame, and therefore looked for in all.
    offset : number of the stored type
        What is subtracted before; see `convert.common_offset`.
    """

    divisor: float = 1.0
    has_gaps: bool = False
    has_marks: bool = False
    offset: Any = 0

    @property
    def has_invalid(self) -> bool:
        """Whether there is a mask of invalid pixels."""
        return self.has_gaps or self.has_marks

    def convert(self, stored: NDArray[Any]) -> Frame:
        """Convert one frame.

        Parameters
        ----------
        stored : ndarray of any numeric type, shape (Y, X)

        Returns
        -------
        pixels : ndarray of float32, shape (Y, X)
            Finite.
        invalid : ndarray of bool, shape (Y, X), or None
            None where no frame has invalid pixels.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            frame = np.abs(stored) if stored.dtype.kind == "c" else stored
            gaps = ~np.isfinite(frame) if self.has_gaps else None
            if self.offset:
                frame = frame - self.offset
            if self.divisor != 1:
                frame = frame / self.divisor
            pixels = np.array(frame, dtype=np.float32, order="C")
        if gaps is not None:
            _fill(pixels, gaps, gaps)
        marks = find_marks(pixels) if self.has_marks else None
        if not self.has_invalid:
            return pixels, None
        invalid = np.zeros(pixels.shape, bool) if gaps is None else gaps
        if marks is not None:
            invalid = invalid | marks
            _fill(pixels, marks, invalid)
        return pixels, invalid


def _fill(
    pixels: NDArray[np.float32], filled: NDArray[np.bool_], invalid: NDArray[np.bool_]
) -> None:
    """Fill pixels with the median of the valid ones, or zeros if none is valid."""
    if filled.any():
        pixels[filled] = 0 if invalid.all() else np.median(pixels[~invalid])


def measure_conversion(frames: FramesOnDisk) -> tuple[StackConversion, tuple[str, ...]]:
    """Measure how a stack is converted.

    Parameters
    ----------
    frames : FramesOnDisk

    Returns
    -------
    conversion : StackConversion
    notes : tuple of str
        The conversions, one sentence each.

    Raises
    ------
    NotAnImage
        The stack is empty, not numeric, or has no finite pixel.
    """
    if frames.dtype.kind not in "biufc":
        raise NotAnImage(f"holds {frames.dtype} instead of numbers; export the image as TIFF")
    if 0 in frames.shape:
        raise NotAnImage("holds no pixels; record or export it again")
    notes = [NOTE_COMPLEX] if frames.dtype.kind == "c" else []
    missing, lowest, highest, tops = _extremes(frames)
    if missing == np.prod(frames.shape):
        raise NotAnImage("holds no finite pixel, only NaN or infinity; export it again")
    real = np.empty(0, frames.dtype).real.dtype
    offset = common_offset(lowest, highest, real)
    notes += [note_reduced(offset)] if offset else []
    peak = max(float(highest - offset), -float(lowest - offset), 0.0)
    divisor = 1.0 if is_safe(peak) else peak
    notes += [note_divided(peak)] if divisor != 1 else []
    notes += [note_filled(missing)] if missing else []
    unmarked = StackConversion(divisor, missing > 0, offset=offset)
    first, _ = unmarked.convert(frames[0])
    conversion = replace(unmarked, has_marks=find_marks(first) is not None)
    marked = 0
    if conversion.has_marks or divisor != 1 or offset:
        marked, tops = _marked_and_tops(frames, conversion)
    notes += [note_masked(marked / np.prod(frames.shape))] if conversion.has_marks else []
    note = _saturation(frames, conversion, tops)
    return conversion, (*notes, note) if note else tuple(notes)


def _extremes(frames: FramesOnDisk) -> tuple[int, Any, Any, list[float]]:
    """Return how many pixels are not finite, the lowest and highest number, the top of each frame.

    A frame without a finite pixel has the top 0.
    """
    missing, tops = 0, []
    lowest, highest = None, None
    for number in range(frames.shape[0]):
        with np.errstate(over="ignore", invalid="ignore"):
            frame = np.abs(frames[number]) if frames.dtype.kind == "c" else frames[number]
            if frame.dtype.kind == "f":
                finite = np.isfinite(frame)
                missing += frame.size - int(np.count_nonzero(finite))
                frame = frame if finite.all() else frame[finite]
            tops.append(float(np.float32(frame.max())) if frame.size else 0.0)
        if frame.size:
            lowest = frame.min() if lowest is None else min(lowest, frame.min())
            highest = frame.max() if highest is None else max(highest, frame.max())
    return missing, lowest, highest, tops


def _marked_and_tops(frames: FramesOnDisk, conversion: StackConversion) -> tuple[int, list[float]]:
    """Return the number of pixels under marks, and the highest value of each frame."""
    unmarked = replace(conversion, has_marks=False)
    marked, tops = 0, []
    for number in range(frames.shape[0]):
        pixels, _ = conversion.convert(frames[number])
        tops.append(float(pixels.max()))
        if conversion.has_marks:
            marks = find_marks(unmarked.convert(frames[number])[0])
            marked += 0 if marks is None else int(marks.sum())
    return marked, tops


def _saturation(frames: FramesOnDisk, conversion: StackConversion, tops: list[float]) -> str:
    """Return the note about saturated pixels; only frames that reach the limit are read."""
    highest = max(tops)
    kind = np.dtype(frames.dtype)
    stored = np.empty(0, kind).real.dtype if kind.kind == "c" else kind
    limit = saturation_limit(highest, stored)
    if limit is None:
        return ""
    saturated = sum(
        int(np.count_nonzero(conversion.convert(frames[number])[0] >= limit))
        for number, top in enumerate(tops)
        if top >= limit
    )
    return note_saturated(saturated / float(np.prod(frames.shape)), highest)
