"""Whether a place repeats along one lattice row only: it is part of a line, and no point defect.

At the interface of two crystals, each column of the last row looks weaker or stronger than its like
beside it, and its neighbours in the row look just the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.lattice.like_windows import (
    compared_radius,
    differences,
    like_windows,
    usual_difference,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell

_WAYS = (1, 0), (0, 1), (1, 1), (1, -1)
_STEPS = -3, -2, -1, 1, 2, 3
"""Like places along a row, in lattice vectors."""
_FEWEST = 3
_LIKE = 3.0
"""Times the difference of other places of a row up to which a place is like them."""
_ACROSS = 2.5
"""Times that difference by which it differs, at least, from like places in every other row."""


def repeats_along_row(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], position: tuple[float, float]
) -> bool:
    """Return whether a place looks like the others of one lattice row, and like no others.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The image.
    cells : sequence of UnitCell
        Its lattices.
    position : (float, float)
        y and x in px.

    Returns
    -------
    bool
        False where too few places of the rows are in the image.
    """
    return any(_repeats(pixels, np.array(cell.vectors_px), np.array(position)) for cell in cells)


def _repeats(
    pixels: NDArray[np.float32], vectors: NDArray[np.float64], position: NDArray[np.float64]
) -> bool:
    period = float(np.hypot(*vectors.T).min())
    radius = compared_radius(pixels.shape, position, period)
    if radius is None:
        return False
    last = np.array(pixels.shape) - 1
    shifts = np.array([[step * (np.array(way) @ vectors) for step in _STEPS] for way in _WAYS])
    places = position + shifts
    inside = ((places >= radius) & (places <= last - radius)).all(axis=-1)
    usable = inside.sum(axis=1) >= _FEWEST
    if usable.sum() < 2:
        return False
    centres = np.vstack(
        [position, *(p[i] for p, i in zip(places[usable], inside[usable], strict=True))]
    )
    own, *others = like_windows(pixels, centres, radius, period)
    rows = np.split(np.array(others), np.cumsum(inside[usable].sum(axis=1))[:-1])
    away = np.array([np.median(differences(own[None], row)) for row in rows])
    along = int(np.argmin(away))
    usual = usual_difference(rows[along])
    across = float(np.delete(away, along).min())
    return bool(away[along] <= _LIKE * usual and across >= _ACROSS * away[along])
