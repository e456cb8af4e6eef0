"""Images that scripts give."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.micrograph import Micrograph, check_micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.convert import NotAnImage, RawImage, to_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def frame_of(micrograph: Any, index: int = 0) -> Micrograph:
    """Return one frame of a micrograph, with pixels as `read` makes them.

    Micrographs that a script makes of an array may have other numbers than float32, arrays of
    other libraries, or pixels without a value; these are filled and marked as `read` does.

    Parameters
    ----------
    micrograph : Micrograph
        Image or stack.
    index : int
        Frame of a stack.

    Returns
    -------
    Micrograph
        A single frame, finite, float32.

    Raises
    ------
    InputError
        It is no micrograph, has no such frame, or its pixels cannot be an image.
    """
    checked = check_micrograph(micrograph)
    try:
        number = operator.index(index)
    except TypeError:
        raise InputError(f"frame {index!r} is not a whole number") from None
    shown = checked.frame(number)
    if checked.is_stack and checked.frame_shape[1] in (3, 4):
        raise InputError(f"{checked.name}: a colour image; give one channel, (y, x)")
    return _as_read(shown)


def whole_of(micrograph: Any) -> Micrograph:
    """Return a whole micrograph, with pixels as `read` makes them; see `frame_of`.

    Parameters
    ----------
    micrograph : Micrograph
        Image or stack.

    Returns
    -------
    Micrograph

    Raises
    ------
    InputError
        It is no micrograph, or its pixels cannot be an image.
    """
    return _as_read(check_micrograph(micrograph))


def _as_read(shown: Micrograph) -> Micrograph:
    """Return a micrograph of finite float32 pixels."""
    pixels = shown.pixels
    is_plain = type(pixels) in (np.ndarray, np.memmap)
    if is_plain and pixels.dtype == np.float32 and np.isfinite(pixels).all():
        return shown
    try:
        converted, invalid, notes = to_pixels(RawImage(_array(shown), colour=False))
    except NotAnImage as error:
        raise InputError(f"{shown.name}: {error}") from error
    if shown.invalid is not None:
        invalid = shown.invalid if invalid is None else invalid | shown.invalid
    return replace(shown, pixels=converted, invalid=invalid, notes=(*shown.notes, *notes))


def _array(shown: Micrograph) -> NDArray[Any]:
    """Return the pixels as a plain array; masked ones, and those of other libraries, converted."""
    given: Any = shown.pixels
    try:
        if isinstance(given, np.ma.MaskedArray):  # the mask would be lost
            return np.ma.filled(given.astype(np.result_type(given, np.float32)), np.nan)
        return np.asarray(given)
    # Other libraries raise what they like: torch for tensors with gradients or on a GPU.
    except Exception as error:
        kind = type(given).__name__
        raise InputError(
            f"{shown.name}: the {kind} cannot be converted ({error}); give a NumPy array"
        ) from error
