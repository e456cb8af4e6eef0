"""Conversion of a stack frame by frame, with the result that `convert.to_pixels` has for the whole.

What depends on all frames (whether any pixel is not finite, the largest number, whether marks are
burned in, how much is saturated) is measured once, in passes that hold one frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.images.burned_in_marks import find_marks, note_masked
from napari_stem_defects.io.images.convert import (
    NOTE_COMPLEX,
    NotAnImage,
    is_safe,
    note_divided,
    note_filled,
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
    """

    divisor: float = 1.0
    has_gaps: bool = False
    has_marks: bool = False

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
    missing, peak, tops = _extremes(frames)
    if missing == np.prod(frames.shape):
        raise NotAnImage("holds no finite pixel, only NaN or infinity; export it again")
    divisor = 1.0 if is_safe(peak) else peak
    notes += [note_divided(peak)] if divisor != 1 else []
    notes += [note_filled(missing)] if missing else []
    unmarked = StackConversion(divisor, missing > 0)
    first, _ = unmarked.convert(frames[0])
    conversion = StackConversion(divisor, missing > 0, find_marks(first) is not None)
    marked = 0
    if conversion.has_marks or divisor != 1:
        marked, tops = _marked_and_tops(frames, conversion)
    notes += [note_masked(marked / np.prod(frames.shape))] if conversion.has_marks else []
    note = _saturation(frames, conversion, tops)
    return conversion, (*notes, note) if note else tuple(notes)


def _extremes(frames: FramesOnDisk) -> tuple[int, float, list[float]]:
    """Return how many pixels are not finite, the largest magnitude, the top of each frame."""
    missing, peak, tops = 0, 0.0, []
    for number in range(frames.shape[0]):
        with np.errstate(over="ignore", invalid="ignore"):
            frame = np.abs(frames[number]) if frames.dtype.kind == "c" else frames[number]
            where: Any = True
            if frame.dtype.kind == "f":
                finite = np.isfinite(frame)
                missing += frame.size - int(np.count_nonzero(finite))
                where = finite
            highest = float(np.max(frame, where=where, initial=0))
            lowest = float(np.min(frame, where=where, initial=0))
            is_empty = where is not True and not where.any()
            top = 0 if is_empty else np.max(frame, where=where, initial=_lowest(frame.dtype))
            tops.append(float(np.float32(top)))
        peak = max(peak, highest, -lowest)
    return missing, peak, tops


def _lowest(kind: np.dtype[Any]) -> Any:
    """Return the lowest number of a type."""
    if kind.kind == "b":
        return False
    return np.iinfo(kind).min if kind.kind in "iu" else -np.inf


def _marked_and_tops(frames: FramesOnDisk, conversion: StackConversion) -> tuple[int, list[float]]:
    """Return the number of pixels under marks, and the highest value of each frame."""
    unmarked = StackConversion(conversion.divisor, conversion.has_gaps)
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
