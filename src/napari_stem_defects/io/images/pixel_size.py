"""Pixel sizes in nm from the values and units in image files: the one place that knows units."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

UnitKind = Literal["length", "reciprocal", "energy", "none", "unknown"]

# Keys as `_spelling` leaves them: one micro sign, one Å, lower case, singular.
_NM = {
    "pm": 1e-3,
    "picometer": 1e-3,
    "å": 0.1,
    "ang": 0.1,
    "ångstrom": 0.1,
    "angstrom": 0.1,
    "angström": 0.1,
    "ångström": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "μm": 1e3,
    "um": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "cm": 1e7,
    "centimeter": 1e7,
    "inch": 2.54e7,
    "inche": 2.54e7,
    "in": 2.54e7,
    "m": 1e9,
    "meter": 1e9,
}
_ANGLES = {"rad", "mrad", "μrad", "urad", "radian", "milliradian", "degree", "deg", "°"}
_ENERGIES = {"ev", "kev", "mev"}
_NO_UNIT = {"", "none", "undefined", "<undefined>", "unknown", "null"}
_NONE = {*_NO_UNIT, "px", "pix", "pixel", "dot"}
_RECIPROCAL = re.compile(r"(?:1/|/|per|inverse)(.+)|(.+?)\^?-1")
_TEX = re.compile(r"\\(?:mathrm|mathring|text|rm|it|,|!|;)")

# Pixel sizes outside this range do not come from a microscope: 72 dots per inch, for instance,
# are 353 µm per pixel.
_PLAUSIBLE_NM = (1e-4, 1e3)
_SQUARE_WITHIN = 0.01


@dataclass(frozen=True)
class FileScale:
    """What a file states about the size of its pixels.

    Attributes
    ----------
    pixel_nm : (height, width), or None
        In nm; None if the file gives none that is understood and plausible.
    note : str
        What was given and not used, and why; empty if nothing was.
    is_reciprocal : bool
        Whether the unit is one of reciprocal space or of an angle, as of diffraction patterns.
    """

    pixel_nm: tuple[float, float] | None = None
    note: str = ""
    is_reciprocal: bool = False


def unit_kind(unit: Any) -> UnitKind:
    """Return what a unit measures.

    Parameters
    ----------
    unit : str
        As spelled in the file; anything but text counts as no unit.

    Returns
    -------
    {"length", "reciprocal", "energy", "none", "unknown"}
        Angles count as reciprocal: scattering angles are as proportional to spatial frequencies.
    """
    if not isinstance(unit, str):
        return "none"
    spelled = _spelling(unit)
    if spelled in _NM:
        return "length"
    if spelled in _NONE:
        return "none"
    if spelled in _ENERGIES:
        return "energy"
    inverse = _RECIPROCAL.fullmatch(spelled)
    if spelled in _ANGLES or (inverse and (inverse[1] or inverse[2]) in (*_NM, "px", "pixel")):
        return "reciprocal"
    return "unknown"


def file_scale(sizes: Sequence[Any], units: Sequence[Any]) -> FileScale:
    """Understand the size of a pixel as a file gives it.

    Parameters
    ----------
    sizes, units : sequence of two values
        Height and width, and the unit of each.

    Returns
    -------
    FileScale
    """
    kinds = [unit_kind(unit) for unit in units]
    if "reciprocal" in kinds:
        return FileScale(is_reciprocal=True)
    if "unknown" in kinds:
        strange = units[kinds.index("unknown")]
        note = f"Its pixel size is given in {strange!r}, which is no known unit, and was ignored."
        return FileScale(note=note)
    pixel_nm = pixel_size_in_nm(sizes, units)
    lengths = [length_in_nm(*pair) for pair in zip(sizes, units, strict=True)]
    if kinds == ["none", "none"] and _are_sizes_without_unit(sizes, units):
        shown = " x ".join(f"{size}"[:30] for size in sizes)
        note = f"Its pixel size of {shown} has no unit and was ignored; give it in nm."
        return FileScale(note=note)
    if pixel_nm is not None or kinds != ["length", "length"]:
        return FileScale(pixel_nm)
    if None in lengths:
        return FileScale(note=f"Its pixel size of {_shown(sizes, units)} is no length.")
    note = f"Its pixel size of {_shown(sizes, units)} is no scale of a microscope and was ignored."
    return FileScale(note=note)


def _are_sizes_without_unit(sizes: Sequence[Any], units: Sequence[Any]) -> bool:
    """Return whether a file states sizes, other than 1 px per px, and lost their units."""
    if any(isinstance(unit, str) and _spelling(unit) not in _NO_UNIT for unit in units):
        return False
    lengths = [length_in_nm(size, "nm") for size in sizes]
    return None not in lengths and lengths != [1.0, 1.0]


def _shown(sizes: Sequence[Any], units: Sequence[Any]) -> str:
    return " x ".join(f"{size} {unit}"[:30] for size, unit in zip(sizes, units, strict=True))


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
    """Return a unit without the marks of TeX, brackets and plurals, in lower case."""
    plain = unit.replace("\\u00B5", "µ").replace("\\u00C5", "Å").replace("\\mu", "µ")
    plain = _TEX.sub("", plain.replace("\\AA", "Å").replace("\\AE", "Å"))
    plain = re.sub(r"[\s\0\[\](){}$_~\\]", "", plain)
    # "A" alone is the ångström of programs without the letter Å; "a" is none.
    plain = re.sub(r"(?<![A-Za-z])A(?![A-Za-z])", "Å", plain)
    folded = unicodedata.normalize("NFKC", plain).casefold().replace("\u2212", "-")
    folded = folded.replace("metre", "meter")
    if folded in _NM or folded in _NONE:
        return folded
    return folded.removesuffix("s") if len(folded) > 2 else folded
