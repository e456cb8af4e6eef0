"""Lengths as microscopes and image programs spell them, in nm."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Keys are NFKC-normalised and case-folded, which merges the two micro and the two Å signs.
_NM = {
    "pm": 1e-3,
    "picometer": 1e-3,
    "å": 0.1,
    "ang": 0.1,
    "angstrom": 0.1,
    "ångström": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "μm": 1e3,
    "um": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "mm": 1e6,
    "cm": 1e7,
    "m": 1e9,
    "meter": 1e9,
}

# Outside this range a number is no calibration of a microscope: 72 dots per inch, for instance,
# are 353 µm per pixel.
_PLAUSIBLE_NM = (1e-4, 1e3)
_SQUARE_WITHIN = 0.01


def length_in_nm(value: Any, unit: Any) -> float | None:
    """Convert a length to nm; None where the unit is no length or the value no positive number.

    Parameters
    ----------
    value : number or text
        May be negative, as some programs mark a flipped axis.
    unit : text or anything else
        Spelled as found in the file; anything but text counts as no unit.
    """
    factor = _NM.get(_spelling(unit)) if isinstance(unit, str) else None
    if factor is None:
        return None
    try:
        length = abs(float(value)) * factor
    except (TypeError, ValueError, OverflowError):
        return None
    return length if length > 0 and math.isfinite(length) else None


def pixel_in_nm(sizes: Sequence[Any], units: Sequence[Any]) -> tuple[float, float] | None:
    """Convert the height and width of a pixel to nm; None unless both are plausible lengths."""
    height, width = (length_in_nm(*pair) for pair in zip(sizes, units, strict=True))
    if height is None or width is None:
        return None
    low, high = _PLAUSIBLE_NM
    return (height, width) if low <= min(height, width) and max(height, width) <= high else None


def square_pixel(pixel_nm: tuple[float, float] | None) -> tuple[float | None, str]:
    """Reduce height and width of a pixel to one edge, or to None with a note why not.

    Detection measures lattices, and a pixel that is not square bends them; no single number is
    right for it, so a difference above 1 % leaves the size unknown.
    """
    if pixel_nm is None:
        return None, ""
    height, width = pixel_nm
    if abs(height - width) <= _SQUARE_WITHIN * max(height, width):
        return math.sqrt(height * width), ""
    return None, (
        f"The file gives pixels of {height:.4g} x {width:.4g} nm (height x width), which are not"
        " square: resample the image, or give the pixel size yourself."
    )


def _spelling(unit: str) -> str:
    plain = unit.replace("\\u00B5", "µ").replace("\\u00C5", "Å").strip(" \0[]")
    folded = unicodedata.normalize("NFKC", plain).casefold().replace("metre", "meter")
    if folded in _NM:
        return folded
    return folded.removesuffix("s")
