"""Where labels go that stand for an area: well inside it, and apart from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_stem_defects.base.defect_classes import (
    PATCH_PX,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

APART_PX = PATCH_PX / 2
"""Half a patch: neighbours overlap, but none repeats another."""
_MOST = 400


def places_in(
    mask: NDArray[np.bool_], weights: NDArray[Any] | None = None, apart_px: float = APART_PX
) -> list[tuple[float, float]]:
    """Spread points over an area, the best place first.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
    weights : ndarray, shape (Y, X), optional
        How good a place is; by default its distance from the area's border.
    apart_px : float
        Least distance between two points.

    Returns
    -------
    list of (y, x)
        At least one point where the mask holds any, at most 400.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return []
    top, left = rows.min(), columns.min()
    box = np.s_[top : rows.max() + 1, left : columns.max() + 1]
    inside = mask[box]
    good = _depth(inside) if weights is None else weights[box]
    left_over = np.where(inside, good, -np.inf)
    y, x = np.ogrid[: inside.shape[0], : inside.shape[1]]
    found: list[tuple[float, float]] = []
    while len(found) < _MOST and np.isfinite(best := left_over.max()):
        row, column = np.unravel_index(int(np.argmax(left_over == best)), left_over.shape)
        found.append((float(top + row), float(left + column)))
        left_over[(y - row) ** 2 + (x - column) ** 2 < apart_px**2] = -np.inf
    return found


def _depth(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(inside, 1))
    return depth[1:-1, 1:-1]
