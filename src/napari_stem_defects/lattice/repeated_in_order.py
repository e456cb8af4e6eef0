"""Whether a place repeats in the order of a larger cell: it is one of its columns, no point defect.

An ordered alloy, or a perovskite of which every second cell differs, has a larger cell than its
strongest reflections show, and where its domains are in anti-phase not even its weak ones do. What
every second or third cell has, in two directions, is no defect.
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

_REACH = 3
"""Cells on each side that are compared."""
_ORDERS = np.array(
    [
        (h, k)
        for h in range(-_REACH, _REACH + 1)
        for k in range(-_REACH, _REACH + 1)
        if (h, k) != (0, 0)
    ]
)
_LARGER = tuple(
    (np.array(factors), divisor)
    for divisor, every in (
        (2, (((1, 0),), ((0, 1),), ((1, 1),), ((1, 0), (0, 1)))),
        (3, (((1, 0),), ((0, 1),), ((1, 1),), ((1, -1),))),
    )
    for factors in every
)
"""Larger cells: vectors (h, k) of one of them have factors times (h, k) divisible by the number."""
_FEWEST = 5
"""Least places of each kind in the image."""
_MOST = 0.7
"""Share of the places of each kind of which both conditions hold: some may be defects or belong to
another domain."""
_LIKE = 3.0
"""Times the difference of like places from each other up to which a place is one of them."""
_OTHERS = 2.5
"""Times its difference from them by which it differs, at least, from the other places."""


def repeats_in_order(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], position: tuple[float, float]
) -> bool:
    """Return whether a place looks like those of a larger cell, and unlike the other ones.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The image.
    cells : sequence of UnitCell
        Its lattices, of which the cell is two, three or four times as large.
    position : (float, float)
        y and x in px.

    Returns
    -------
    bool
        False where too few places are in the image.
    """
    return any(_repeats(pixels, np.array(cell.vectors_px), np.array(position)) for cell in cells)


def _repeats(
    pixels: NDArray[np.float32], vectors: NDArray[np.float64], position: NDArray[np.float64]
) -> bool:
    period = float(np.hypot(*vectors.T).min())
    radius = compared_radius(pixels.shape, position, period)
    if radius is None:
        return False
    places, last = position + _ORDERS @ vectors, np.array(pixels.shape) - 1
    inside = ((places >= radius) & (places <= last - radius)).all(axis=1)
    orders = _ORDERS[inside]
    own, *others = like_windows(pixels, np.vstack([position, places[inside]]), radius, period)
    windows = np.array(others)
    if not len(windows):
        return False
    away = differences(own[None], windows)[0]
    for factors, divisor in _LARGER:
        like = ((orders @ factors.T) % divisor == 0).all(axis=1)
        if min(like.sum(), (~like).sum()) < _FEWEST:
            continue
        from_like = float(np.quantile(away[like], _MOST))
        from_others = float(np.quantile(away[~like], 1 - _MOST))
        is_apart = from_others >= _OTHERS * from_like
        if is_apart and from_like <= _LIKE * usual_difference(windows[like]):
            return True
    return False
