"""Whether a place repeats along one lattice row only: it is part of a line, and no point defect.

At the interface of two crystals, each column of the last row looks weaker or stronger than its like
beside it, and its neighbours in the row look just the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.spline_windows import spline_windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell

_WAYS = (1, 0), (0, 1), (1, 1), (1, -1)
_STEPS = -3, -2, -1, 1, 2, 3
"""Like places along a row, in lattice vectors."""
_FEWEST = 3
_WINDOW, _SMALLEST, _SMOOTH = 0.62, 0.3, 0.13
"""Half width of the compared windows, and beside the border, and standard deviation of their blur
in lattice periods."""
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
    last = np.array(pixels.shape) - 1
    radius = int(min(round(_WINDOW * period), *position, *(last - position)))
    if radius < max(2.0, _SMALLEST * period):
        return False
    shifts = np.array([[step * (np.array(way) @ vectors) for step in _STEPS] for way in _WAYS])
    places = position + shifts
    inside = ((places >= radius) & (places <= last - radius)).all(axis=-1)
    usable = inside.sum(axis=1) >= _FEWEST
    if usable.sum() < 2:
        return False
    centres = np.vstack(
        [position, *(p[i] for p, i in zip(places[usable], inside[usable], strict=True))]
    )
    own, *others = _windows(pixels, centres, radius, _SMOOTH * period)
    rows = np.split(np.array(others), np.cumsum(inside[usable].sum(axis=1))[:-1])
    away = np.array([np.median(_differences(own[None], row)) for row in rows])
    along = int(np.argmin(away))
    every = _differences(rows[along], rows[along])
    usual = float(np.median(every[np.triu_indices(len(every), 1)]))
    across = float(np.delete(away, along).min())
    return bool(away[along] <= _LIKE * usual and across >= _ACROSS * away[along])


def _windows(
    pixels: NDArray[np.float32], centres: NDArray[np.float64], radius: int, blur: float
) -> NDArray[np.float64]:
    """Return blurred windows (N, 2 R + 1, 2 R + 1) around places (N, 2) of an image."""
    margin = radius + 4 * blur + 4
    low = np.maximum(np.floor(centres.min(axis=0) - margin), 0).astype(int)
    high = (np.ceil(centres.max(axis=0) + margin) + 1).astype(int)
    part = pixels[low[0] : high[0], low[1] : high[1]].astype(np.float64)
    blurred = ndimage.gaussian_filter(part, blur)
    return spline_windows(ndimage.spline_filter(blurred, mode="nearest"), centres - low, radius)


def _differences(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean square difference (N, M) of N windows from M others."""
    squares: NDArray[np.float64] = ((first[:, None] - second) ** 2).mean(axis=(-2, -1))
    return squares
