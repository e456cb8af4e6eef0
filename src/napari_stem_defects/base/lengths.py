"""Lengths, densities and shares for the user; in px and, where the pixel size is known, in nm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.defect_classes import BULK, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def both_units(length_px: float, pixel_size_nm: float | None) -> str:
    """Return a length in px and in nm.

    Parameters
    ----------
    length_px : float
        Length in px.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    str
        Such as "8 px (0.216 nm)"; without the nm if the pixel size is not known.

    Examples
    --------
    >>> from napari_stem_defects.base.lengths import both_units
    >>> both_units(8, 0.027)
    '8 px (0.216 nm)'
    >>> both_units(8, None)
    '8 px'
    """
    return list_in_both_units((length_px,), pixel_size_nm)


def list_in_both_units(
    lengths_px: Sequence[float], pixel_size_nm: float | None, between: str = " x "
) -> str:
    """Return lengths, such as the sides of an image, in px and in nm.

    Parameters
    ----------
    lengths_px : sequence of float
        Lengths in px.
    pixel_size_nm : float or None
        Edge of a pixel in nm.
    between : str
        Text between two of them.

    Returns
    -------
    str
        Such as "512 x 256 px (13.8 x 6.91 nm)"; without the nm if the pixel size is not known.
    """
    in_px = f"{between.join(f'{length:g}' for length in lengths_px)} px"
    if pixel_size_nm is None:
        return in_px
    in_nm = between.join(f"{length * pixel_size_nm:.3g}" for length in lengths_px)
    return f"{in_px} ({in_nm} nm)"


def format_density(count: int, area_nm2: float | None) -> str:
    """Return the density of defects.

    Parameters
    ----------
    count : int
        Number of defects.
    area_nm2 : float or None
        The area they were searched in, nm².

    Returns
    -------
    str
        Such as "0.031 per nm²"; "" if the area is not known.
    """
    return f"{count / area_nm2:.2g} per nm²" if area_nm2 else ""


def density_of_kind(
    count: int, kind: str, area_nm2: float | None, length_nm: float | None = None
) -> str:
    """Return the density of defects that suits their kind.

    Parameters
    ----------
    count : int
        Number of defects.
    kind : {"point", "line", "area"}
        Points have a number per area, lines a length per area, areas neither.
    area_nm2 : float or None
        The area they were searched in, nm².
    length_nm : float, optional
        Total length of lines.

    Returns
    -------
    str
        Such as "0.031 per nm²" or "0.12 nm per nm²"; "" if it is not known.
    """
    if kind == "point":
        return format_density(count, area_nm2)
    if kind != "line" or not area_nm2 or length_nm is None:
        return ""
    return f"{length_nm / area_nm2:.2g} nm per nm²"


def format_found(
    count: int,
    name: str,
    kind: str,
    area_nm2: float | None,
    length_nm: float | None = None,
) -> str:
    """Return a number of defects with the density that suits their kind.

    Parameters
    ----------
    count : int
        Number of defects.
    name : str
        What is counted; may be "".
    kind : {"point", "line", "area"}
        See `density_of_kind`.
    area_nm2 : float or None
        The area they were searched in, nm².
    length_nm : float, optional
        Total length of lines.

    Returns
    -------
    str
        Such as "12 Vac (0.031 per nm²)" or "2 SF1 (0.12 nm per nm²)".
    """
    counted = f"{count} {name}".rstrip()
    density = density_of_kind(count, kind, area_nm2, length_nm)
    return f"{counted} ({density})" if density else counted


def format_none(names: Iterable[str]) -> str:
    """Return what to state where no defect of some classes was found.

    Parameters
    ----------
    names : iterable of str
        Classes that were searched for; Bulk and ``unknown`` are left out.

    Returns
    -------
    str
        The classes, because the crystal may have defects of other kinds.

    Examples
    --------
    >>> from napari_stem_defects.base.lengths import format_none
    >>> format_none(["Bulk", "SF1", "Twin_Bound", "LC"])
    'no SF1, Twin_Bound or LC'
    """
    *others, last = [name for name in names if name not in (BULK, UNKNOWN)] or ["defects"]
    return f"no {', '.join(others)} or {last}" if others else f"no {last}"


def format_share(share: float) -> str:
    """Return the share of an image in percent.

    Parameters
    ----------
    share : float
        More than 0 and less than 1.

    Returns
    -------
    str
        Such as "47 %"; neither "0 %" nor "100 %", because it is a part.
    """
    if share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if share > 0.99 else f"{100 * share:.0f} %"
