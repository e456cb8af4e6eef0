"""Pixel sizes in nm from the values and units in image files."""

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

# Pixel sizes outside this range do not come from a microscope: 72 dots per inch, for instance,
# are 353 µm per pixel.
_PLAUSIBLE_NM = (1e-4, 1e3)
_SQUARE_WITHIN = 0.01


def length_in_nm(value: Any, unit: Any) -> float | None:
    """Convert a length to nm.

    Parameters
    ----------
    value : number or str
        May be negative: some programs mark a flipped axis this way.
    unit : str
        As spelled in the file; anything but text counts as an unknown unit.

    Returns
    -------
    float or None
        Length in nm; None if the unit is not a length, or the value is zero or not finite.
    """
    factor = _NM.get(_spelling(unit)) if isinstance(unit, str) else None
    if factor is None:
        return None
    try:
        length = abs(float(value)) * factor
    except (TypeError, ValueError, OverflowError):
        return None
    return length if length > 0 and math.isfinite(length) else None


def pixel_size_in_nm(sizes: Sequence[Any], units: Sequence[Any]) -> tuple[float, float] | None:
    """Convert the height and width of a pixel to nm.

    Parameters
    ----------
    sizes, units : sequence of two values
        Height and width, and the unit of each; see `length_in_nm`.

    Returns
    -------
    (height, width) : tuple of float, or None
        None unless both lie between 1e-4 and 1e3 nm.
    """
    height, width = (length_in_nm(*pair) for pair in zip(sizes, units, strict=True))
    if height is None or width is None:
        return None
    low, high = _PLAUSIBLE_NM
    return (height, width) if low <= min(height, width) and max(height, width) <= high else None


def square_pixel(pixel_nm: tuple[float, float] | None) -> tuple[float | None, str]:
    """Reduce the height and width of a pixel to one edge.

    A pixel that is not square distorts the lattice that detection measures, and no single number
    describes it: if height and width differ by more than 1 %, the pixel size is unknown.

    Parameters
    ----------
    pixel_nm : tuple of float, or None
        Height and width in nm.

    Returns
    -------
    edge : float or None
        Pixel size in nm (geometric mean of height and width).
    note : str
        Why the pixel size is unknown; empty if it is known or was not given.
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
