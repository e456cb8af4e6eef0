"""Conversion of stored numbers to the float32 pixels of a `Micrograph`.

A loader returns a `RawImage`, the numbers as stored; `to_pixels` converts them. Each conversion
that changes values or selects a part of the data adds a sentence to the notes for the user.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.io.images.burned_in_marks import mask_marks
from napari_stem_defects.io.images.frames_on_disk import FramesOnDisk, in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# ITU-R BT.601, the weights inside JPEG: for a grey picture stored as JPEG they give back exactly
# the stored brightness and leave out the colour noise.
_LUMINANCE = (0.299, 0.587, 0.114)
# Beyond this, squares and sums in float32 overflow or vanish.
_SAFE_PEAK = (1e-15, 1e15)
# Fewer levels between the lowest and the highest number would be seen as steps.
_LEAST_LEVELS = 2**11
# From so many bytes per number float32 holds less, by the kind of the type.
_WIDE_BYTES = {"b": 2, "i": 4, "u": 4, "f": 8}
_SATURATED_SHARE = 0.01
_COLOURFUL, _GREYISH, _MOST_COLOURED = 0.2, 0.08, 0.1
_BLOCK_ROWS = 512
NOTE_COMPLEX = "Complex values were replaced by their magnitude."
# Full scale of the usual 8- to 16-bit detectors, which software also stores in wider types.
_FULL_SCALES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)


class NotAnImage(ValueError):
    """The array cannot be a micrograph; the message is ``fault; advice``."""


Converted = tuple[NDArray[np.float32], NDArray[np.bool_] | None, tuple[str, ...]]


@dataclass(frozen=True)
class RawImage:
    """An image or stack as it is stored in a file; the result of every loader.

    Attributes
    ----------
    array : ndarray of any numeric dtype and byte order, or FramesOnDisk
        Shape (Y, X), (T, Y, X), (Y, X, S) or (T, Y, X, S); (T, Y, X) of a stack that stays in
        its file.
    colour : bool
        Whether the last axis holds red, green, blue and possibly alpha.
    pixel_nm : tuple of float, or None
        Height and width of one pixel in nm as given in the file.
    metadata : mapping
        Metadata of the file; not necessarily JSON-safe yet.
    notes : tuple of str
        What was selected or left out while reading, one sentence each.
    """

    array: NDArray[Any] | FramesOnDisk
    colour: bool = False
    pixel_nm: tuple[float, float] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def to_pixels(raw: RawImage, *, copy: bool = True) -> Converted:
    """Convert to finite, contiguous float32 in native byte order.

    Parameters
    ----------
    raw : RawImage
        The stored numbers, shape (Y, X) or (T, Y, X), with a last axis of samples if ``colour``.
    copy : bool
        If False and nothing has to be converted, the pixels are the array of ``raw`` itself.

    Returns
    -------
    pixels : ndarray of float32, shape (Y, X) or (T, Y, X)
        Never a view of a memory-mapped file.
    invalid : ndarray of bool, same shape, or None
        True where the array holds NaN or infinity, or a mark burned into the image; those pixels
        get the median of their frame. None if all pixels are valid.
    notes : tuple of str
        The conversions applied, one sentence each.

    Raises
    ------
    NotAnImage
        The array is empty, not numeric, has no finite pixel, or has fewer than two or more than
        three axes.
    """
    notes: list[str] = []
    array = in_memory(raw.array)
    _check_numbers(array)
    coloured = None
    if raw.colour:
        array, coloured = _grey(array, notes)
    _check_shape(array)
    with np.errstate(over="ignore", invalid="ignore"):
        if array.dtype.kind == "c":
            array = np.abs(array)
            notes.append(NOTE_COMPLEX)
        finite = _finite(array)
        pixels = _as_float32(array, finite, notes, copy=copy)
    invalid = None if finite is None else _fill(pixels, ~finite, notes)
    if coloured is not None:
        invalid = _without_colour(pixels, coloured, invalid, notes)
    pixels, invalid, note = mask_marks(pixels, invalid)
    notes += [note] if note else []
    _note_saturation(pixels, array.dtype, notes)
    return pixels, invalid, tuple(notes)


def _check_numbers(array: NDArray[Any]) -> None:
    if array.dtype.kind not in "biufc":
        raise NotAnImage(f"holds {array.dtype} instead of numbers; export the image as TIFF")


def _check_shape(array: NDArray[Any]) -> None:
    if array.size == 0:
        raise NotAnImage("holds no pixels; record or export it again")
    if array.ndim < 2:
        raise NotAnImage("is a single row of numbers (a spectrum?); give an image")
    if array.ndim > 3:
        shape = " x ".join(map(str, array.shape))
        raise NotAnImage(f"has {array.ndim} axes ({shape}); save one image or one stack of frames")


def _grey(array: NDArray[Any], notes: list[str]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Reduce samples (..., S) to one: equal channels exactly, others to their luminance.

    The mask is that of coloured marks on a grey picture; None where there are none.
    """
    samples = array.shape[-1]
    if samples == 4:
        notes.append("The alpha channel was left out.")
    if samples not in (3, 4):
        raise NotAnImage(f"has {samples} colour channels; save it as greyscale")
    red, green, blue = (array[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        notes.append("Three equal colour channels were read as grey.")
        return red, None
    notes.append("Colour was reduced to its luminance (0.299 R + 0.587 G + 0.114 B).")
    weights = np.array(_LUMINANCE, dtype=np.result_type(array.dtype, np.float32))
    # Infinite samples give NaN here; such pixels are found and marked as invalid later.
    with np.errstate(invalid="ignore", over="ignore"):
        luminance: NDArray[Any] = np.dot(array[..., :3], weights)
    return luminance, _coloured_marks(array[..., :3])


def _coloured_marks(samples: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return where a picture that is grey elsewhere has colours: arrows, outlines, text."""
    if samples.dtype.kind not in "iu":
        return None
    full = np.iinfo(samples.dtype).max
    spread = samples.max(axis=-1) - samples.min(axis=-1)
    coloured = spread > _COLOURFUL * full
    share = float(coloured.mean())
    # The noise of colours that JPEG leaves is in a tinted picture as well, marks are not.
    is_grey = float(np.median(spread)) < _GREYISH * full
    if not (is_grey and 0 < share < _MOST_COLOURED):
        return None
    from scipy import ndimage

    around = np.ones((1,) * (coloured.ndim - 2) + (5, 5), bool)
    marks: NDArray[np.bool_] = ndimage.binary_dilation(coloured, around)
    return marks


def _without_colour(
    pixels: NDArray[np.float32],
    coloured: NDArray[np.bool_],
    invalid: NDArray[np.bool_] | None,
    notes: list[str],
) -> NDArray[np.bool_]:
    """Fill coloured marks and add them to the invalid pixels."""
    merged = coloured if invalid is None else coloured | invalid
    _fill(pixels, merged, [])
    notes.append(
        f"Coloured marks on {coloured.mean():.1%} of the image were left out of the analysis."
    )
    return merged


def _finite(array: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return a mask of the finite pixels, None if all are finite."""
    if array.dtype.kind != "f":
        return None
    if all(np.isfinite(block).all() for block in _blocks(array)):
        return None
    finite: NDArray[np.bool_] = np.isfinite(array)
    if not finite.any():
        raise NotAnImage("holds no finite pixel, only NaN or infinity; export it again")
    return finite


def _blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array of two or more axes in row blocks, so that temporary arrays stay small."""
    for frame in array if array.ndim > 2 else [array]:
        for top in range(0, len(frame), _BLOCK_ROWS):
            yield frame[top : top + _BLOCK_ROWS]


def _as_float32(
    array: NDArray[Any], finite: NDArray[np.bool_] | None, notes: list[str], *, copy: bool
) -> NDArray[np.float32]:
    where: Any = True if finite is None else finite
    first = array.flat[0 if finite is None else int(np.argmax(finite))]
    lowest = np.min(array, where=where, initial=first)
    highest = np.max(array, where=where, initial=first)
    offset = common_offset(lowest, highest, array.dtype)
    if offset:
        notes.append(note_reduced(offset))
        array = array - offset
        lowest, highest = lowest - offset, highest - offset
    peak = max(float(highest), -float(lowest), 0.0)
    if not is_safe(peak):
        notes.append(note_divided(peak))
        array = array / peak
    if not copy and _is_in_memory(array):
        return np.ascontiguousarray(array, dtype=np.float32)
    return np.array(array, dtype=np.float32, order="C")


def _is_in_memory(array: NDArray[Any]) -> bool:
    """Return whether numpy owns the memory of an array, and not a mapped file or a library."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return type(array) is np.ndarray and array.base is None


def _fill(
    pixels: NDArray[np.float32], invalid: NDArray[np.bool_], notes: list[str]
) -> NDArray[np.bool_]:
    """Fill invalid pixels with the median of their frame, or zeros if no pixel is valid."""
    invalid = np.ascontiguousarray(invalid)
    frames = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    masks = invalid[np.newaxis] if invalid.ndim == 2 else invalid
    for frame, mask in zip(frames, masks, strict=True):
        if mask.any():
            frame[mask] = 0 if mask.all() else np.median(frame[~mask])
    notes.append(note_filled(int(invalid.sum())))
    return invalid


def common_offset(lowest: Any, highest: Any, stored: np.dtype[Any]) -> Any:
    """Return what all numbers of an image have in common, where float32 would lose the rest.

    Parameters
    ----------
    lowest, highest : number of the stored type
    stored : dtype
        Type of the stored numbers.

    Returns
    -------
    number of the stored type
        0 where at least `_LEAST_LEVELS` levels between the lowest and the highest number remain.
    """
    peak = max(abs(float(lowest)), abs(float(highest)))
    if stored.itemsize < _WIDE_BYTES[stored.kind] or not np.isfinite(peak) or lowest == highest:
        return 0
    step = peak * float(np.finfo(np.float32).eps)
    # Integers up to 2**24 are exact.
    is_exact = stored.kind in "iu" and peak < 1 / float(np.finfo(np.float32).epsneg)
    levels = (float(highest) - float(lowest)) / step
    return 0 if is_exact or levels >= _LEAST_LEVELS else lowest


def note_reduced(offset: Any) -> str:
    """Return the note about numbers that differ too little; ``offset`` was subtracted."""
    return f"Intensities were reduced by {offset:.7g}: their differences would be lost in 32 bit."


def is_safe(peak: float) -> bool:
    """Return whether sums and squares of numbers up to a peak fit 32-bit numbers.

    Parameters
    ----------
    peak : float
        The largest magnitude.

    Returns
    -------
    bool
    """
    return peak <= 0 or _SAFE_PEAK[0] <= peak <= _SAFE_PEAK[1]


def saturation_limit(highest: float, stored: np.dtype[Any]) -> float | None:
    """Return the value from which pixels are saturated.

    Parameters
    ----------
    highest : float
        The highest value of all pixels.
    stored : dtype
        Type of the stored numbers.

    Returns
    -------
    float or None
        None where the highest value is no full scale of a detector.
    """
    if stored.kind == "b":
        return None
    own = float(np.iinfo(stored).max) if stored.kind in "iu" else 1.0
    if not any(np.isclose(highest, scale, rtol=1e-6) for scale in (own, *_FULL_SCALES)):
        return None
    return highest * (1 - 1e-6)


def note_divided(peak: float) -> str:
    """Return the note about numbers that do not fit 32 bit; ``peak`` is their divisor."""
    return f"Intensities were divided by {peak:.4g} to fit 32-bit numbers."


def note_filled(count: int) -> str:
    """Return the note about a number of pixels without a value."""
    return (
        f"{count} pixels were not finite; they are filled with the median"
        " and left out of the analysis."
    )


def note_saturated(share: float, highest: float) -> str:
    """Return the note about a share of saturated pixels; "" where they are few."""
    if share <= _SATURATED_SHARE:
        return ""
    return (
        f"{share:.0%} of the pixels are saturated (at {highest:g}); intensities there are clipped."
    )


def _note_saturation(pixels: NDArray[np.float32], stored: np.dtype[Any], notes: list[str]) -> None:
    highest = float(pixels.max())
    limit = saturation_limit(highest, stored)
    if limit is None:
        return
    share = sum(np.count_nonzero(block >= limit) for block in _blocks(pixels)) / pixels.size
    note = note_saturated(share, highest)
    notes += [note] if note else []
