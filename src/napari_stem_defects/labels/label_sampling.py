"""Label positions inside an area: away from its rim and apart from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_stem_defects.base.defect_classes import PATCH_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_DISTANCE_PX = PATCH_PX / 2
"""Half a patch: neighbouring patches overlap, but none repeats another."""
_MAX_POSITIONS = 400


def sample_positions(
    mask: NDArray[np.bool_],
    weights: NDArray[Any] | None = None,
    min_distance_px: float = MIN_DISTANCE_PX,
) -> list[tuple[float, float]]:
    """Choose positions inside an area, in descending order of weight.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
        The area.
    weights : ndarray, shape (Y, X), optional
        Preference for each pixel; by default its distance from the rim of the area, in px.
    min_distance_px : float
        Smallest distance between two positions.

    Returns
    -------
    list of (y, x)
        Positions in px: at least one if the mask is not empty, at most 400.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return []
    top, left = rows.min(), columns.min()
    box = np.s_[top : rows.max() + 1, left : columns.max() + 1]
    inside = mask[box]
    preference = _distance_from_rim(inside) if weights is None else weights[box]
    remaining = np.where(inside, preference, -np.inf)
    y, x = np.ogrid[: inside.shape[0], : inside.shape[1]]
    found: list[tuple[float, float]] = []
    while len(found) < _MAX_POSITIONS and np.isfinite(best := remaining.max()):
        row, column = np.unravel_index(int(np.argmax(remaining == best)), remaining.shape)
        found.append((float(top + row), float(left + column)))
        remaining[(y - row) ** 2 + (x - column) ** 2 < min_distance_px**2] = -np.inf
    return found


def _distance_from_rim(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(inside, 1))
    return distance[1:-1, 1:-1]
