"""Whether a pixel size gives the lattice of an image a spacing that crystals have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_stem_defects.lattice.unit_cell import UnitCell

LIMITS_NM = (0.05, 5.0)
"""Spacings of resolved planes: below the first no microscope resolves them, above the second are
periods of superstructures rather than of columns."""


def implausible_scale(cell: UnitCell | None, pixel_size_nm: float | None) -> str:
    """Return a warning where the measured lattice and a pixel size do not go together.

    Parameters
    ----------
    cell : UnitCell or None
        The strongest lattice of the image.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    str
        One sentence with the pixel size, the spacing and what to do; "" where nothing is odd.
    """
    if cell is None or pixel_size_nm is None:
        return ""
    spacing = cell.spacing_px * pixel_size_nm
    if LIMITS_NM[0] <= spacing <= LIMITS_NM[1]:
        return ""
    return (
        f"warning: with {pixel_size_nm:.4g} nm per px the planes would be {spacing:.3g} nm apart,"
        " which no crystal shows; check the pixel size and its unit (nm)"
    )
