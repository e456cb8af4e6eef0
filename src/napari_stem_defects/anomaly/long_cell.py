"""What a survey states of crystals that repeat far less often along one direction.

Twins or faults at regular distances are a larger cell to any measurement of the lattice, and what
repeats is usual. Only a user knows whether this is the cell of the material.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.lengths import list_in_both_units

if TYPE_CHECKING:
    from napari_stem_defects.lattice.unit_cell import UnitCell

_RATIO = 2.5
"""Least ratio of the two periods."""


def long_cell_statement(cell: UnitCell, pixel_size_nm: float | None) -> str:
    """Return the sentence about a cell that is far longer than wide.

    Parameters
    ----------
    cell : UnitCell
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    str
        Empty for other cells.
    """
    short, long = sorted(cell.lengths_px)
    if long < _RATIO * short:
        return ""
    period = list_in_both_units([round(long, 1)], pixel_size_nm)
    return (
        f"The crystal repeats every {period} along one direction, {long / short:.1f} times as far"
        " as along the other: if this is not its cell, planar defects at regular distances are"
        " usual here and not listed."
    )
