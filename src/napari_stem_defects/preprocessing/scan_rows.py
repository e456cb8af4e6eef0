"""Disturbed scan rows, and lines of a detector across them, taken out of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.unit_cell import lattice_period, units_per_period
from napari_stem_defects.preprocessing.disturbed_rows import disturbed_rows
from napari_stem_defects.preprocessing.repeated_stretches import without_repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.unit_cell import UnitCell

_STRETCH, _LEAST_STRETCH = 2.5, 24
"""Length of a part of a row that is compared, in length units, and the least in px."""
_THINNER, _MOST_TOGETHER = 0.3, 3
"""Rows that are disturbed together, at most, in length units and in px."""
_LEAST_UNIT = 9.0
"""Length unit in px below which rows of columns are as thin as scan rows."""
_WIDE = 0.1
"""Width of a gap in length units beyond which rows beside it do not suffice to fill it."""


@dataclass(frozen=True)
class ScanRows:
    """An image whose disturbed rows are filled.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The image itself where nothing is disturbed.
    mask : ndarray of bool, shape (Y, X)
        Pixels that were replaced.
    wide : ndarray of bool, shape (Y, X)
        Those of them in gaps of more than a tenth of a length unit: what is beside such a gap
        shows too little of what a crystal has in it.
    rows, lines : int
        Disturbed scan rows, and lines across the scan rows.
    """

    pixels: NDArray[np.float32]
    mask: NDArray[np.bool_]
    wide: NDArray[np.bool_]
    rows: int = 0
    lines: int = 0

    def mended(self, micrograph: Micrograph) -> Micrograph:
        """Return the frame that was searched without its disturbed rows."""
        return replace(micrograph, pixels=self.pixels)

    @property
    def statement(self) -> str:
        """What was done, as a sentence; empty if nothing is disturbed."""
        counts = ((self.rows, "scan row"), (self.lines, "vertical line"))
        parts = [f"{n} {name}{'' if n == 1 else 's'}" for n, name in counts if n]
        if not parts:
            return ""
        verb, whose = ("is", "its") if self.rows + self.lines == 1 else ("are", "their")
        return (
            f"{' and '.join(parts)} {verb} disturbed and {verb} replaced by what {whose}"
            " surroundings predict."
        )


def scan_rows_of(micrograph: Micrograph, cells: Sequence[UnitCell]) -> ScanRows:
    """Return a frame without its disturbed rows.

    Parameters
    ----------
    micrograph : Micrograph
        One frame, as recorded.
    cells : sequence of UnitCell
        Its lattices.

    Returns
    -------
    ScanRows
        The image as it is where it shows no lattice.
    """
    if not cells:
        nothing = np.zeros(micrograph.frame_shape, bool)
        return ScanRows(micrograph.pixels, nothing, nothing)
    unit_px = lattice_period(cells[0]) / units_per_period(cells[0])
    lattices = [np.array(cell.vectors_px) for cell in cells]
    return mend_scan_rows(micrograph.pixels, unit_px, micrograph.invalid, lattices)


def mend_scan_rows(
    pixels: NDArray[np.float32],
    unit_px: float,
    invalid: NDArray[np.bool_] | None = None,
    lattices: Sequence[NDArray[np.float64]] = (),
) -> ScanRows:
    """Replace what single rows of an image have that the rows beside them do not.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities, as recorded: rows of a rotated or resampled image are no scan rows.
    unit_px : float
        Length unit in px: the lattice period, unless a cell has many columns.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.
    lattices : sequence of ndarray of float64, shape (2, 2)
        Base vectors (y, x) in px of each lattice, one in a row: what these repeat is not disturbed.

    Returns
    -------
    ScanRows
        Nothing is replaced where a probe of few pixels shows structure as fine as a row.
    """
    if unit_px < _LEAST_UNIT:
        nothing = np.zeros(pixels.shape, bool)
        return ScanRows(pixels, nothing, nothing)
    stretch = max(_LEAST_STRETCH, round(_STRETCH * unit_px))
    most = min(max(1, int(_THINNER * unit_px)), _MOST_TOGETHER)
    across, mended = disturbed_rows(pixels, stretch, most, invalid)
    across, mended = _without_repeated(pixels, across, mended, lattices)
    turned = None if invalid is None else invalid.T
    along, mended_turned = disturbed_rows(mended.T, stretch, most, turned)
    exchanged = [each[:, ::-1] for each in lattices]
    along, mended_turned = _without_repeated(mended.T, along, mended_turned, exchanged)
    rows, lines = (int(each.any(axis=1).sum()) for each in (across, along))
    if not rows + lines:
        return ScanRows(pixels, across, across)
    wide = np.zeros(pixels.shape, bool)
    for mask, found in ((across, wide), (along, wide.T)):
        _mark_gaps(mask, _WIDE * unit_px, found)
    across |= along.T
    return ScanRows(mended_turned.T, across, wide, rows, lines)


def _without_repeated(
    image: NDArray[np.float32],
    mask: NDArray[np.bool_],
    filled: NDArray[np.float32],
    lattices: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return the disturbed pixels and the filled image without what the crystal repeats.

    ``filled`` is changed in place where it is an image of its own.
    """
    if not mask.any():
        return mask, filled
    kept = without_repeated(image, filled, mask, lattices)
    if not kept.any():
        return kept, image
    np.copyto(filled, image, where=mask & ~kept)
    return kept, filled


def _mark_gaps(mask: NDArray[np.bool_], least: float, found: NDArray[np.bool_]) -> None:
    """Mark the pixels of which more than a number are masked together along the first axis."""
    parts, _ = ndimage.label(mask.any(axis=1))
    for (rows,) in ndimage.find_objects(parts):
        if rows.stop - rows.start > least:
            found[rows] |= ndimage.binary_opening(mask[rows], np.ones((int(least) + 1, 1)))
