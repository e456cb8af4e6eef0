"""Lengths and densities for the user: in px and, where the pixel size is known, in nm."""

from __future__ import annotations


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
    in_px = f"{length_px:g} px"
    return in_px if pixel_size_nm is None else f"{in_px} ({length_px * pixel_size_nm:.3g} nm)"


def format_density(count: int, area_nm2: float | None) -> str:
    """Return a number of defects and their density.

    Parameters
    ----------
    count : int
        Number of defects.
    area_nm2 : float or None
        The area they were searched in, nm².

    Returns
    -------
    str
        Such as "12 (0.031 per nm²)"; only the number if the area is not known.
    """
    return f"{count}" if not area_nm2 else f"{count} ({count / area_nm2:.2g} per nm²)"
