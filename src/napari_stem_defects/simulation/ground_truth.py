"""Ground truth of a simulated image: points, centre lines, distances and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

POINT_RADIUS_NM = 0.2
"""Radius of the disk that represents a point defect in the ground-truth masks."""
CORE_RADIUS_NM = 0.6
"""Radius of the disk that represents the core of a junction."""


class GroundTruthPoint(NamedTuple):
    """A point defect, or the core of a junction (class LC), in px of the image."""

    class_name: str
    y_px: float
    x_px: float


class GroundTruthLine(NamedTuple):
    """The centre line of an extended defect, in px; its ends (y, x) may lie outside the image."""

    class_name: str
    start: tuple[float, float]
    end: tuple[float, float]
    half_width_px: float


def distance_to(
    lines: Sequence[GroundTruthLine],
    points: Sequence[GroundTruthPoint],
    shape: tuple[int, int],
    row_shift: Array,
    step: int = 1,
) -> NDArray[np.float32]:
    """Return the distance in px of pixels to the nearest line or point.

    Parameters
    ----------
    lines : sequence of GroundTruthLine
    points : sequence of GroundTruthPoint
    shape : (int, int)
        Height and width of the image in px.
    row_shift : ndarray, shape (Y,)
        Shift of each scan row along x in px. Points are given as they appear in the image, lines
        as they lie in the specimen, so only lines are shifted.
    step : int
        Compute every ``step``-th pixel along both axes.

    Returns
    -------
    ndarray of float32, shape (ceil(Y / step), ceil(X / step))
        Infinite if there is neither line nor point.
    """
    y = np.arange(0, shape[0], step, dtype=np.float32)[:, None]
    x = np.arange(0, shape[1], step, dtype=np.float32)[None, :]
    straight = x - row_shift[::step, None].astype(np.float32)
    nearest = np.full((y.shape[0], x.shape[1]), np.inf, np.float32)
    for line in lines:
        (y0, x0), (y1, x1) = line.start, line.end
        dy, dx = y1 - y0, x1 - x0
        along = np.clip(((y - y0) * dy + (straight - x0) * dx) / (dy**2 + dx**2), 0, 1)
        away = np.hypot(y - y0 - along * dy, straight - x0 - along * dx)
        np.minimum(nearest, away.astype(np.float32), out=nearest)
    for point in points:
        away = np.hypot(y - point.y_px, x - point.x_px)
        np.minimum(nearest, away.astype(np.float32), out=nearest)
    return nearest


def ground_truth_masks(
    lines: Sequence[GroundTruthLine],
    points: Sequence[GroundTruthPoint],
    shape: tuple[int, int],
    row_shift: Array,
    pixel_size_nm: float,
) -> dict[str, Mask]:
    """Return one mask per class: bands along lines and disks around points.

    Parameters
    ----------
    lines : sequence of GroundTruthLine
    points : sequence of GroundTruthPoint
    shape : (int, int)
        Height and width of the image in px.
    row_shift : ndarray, shape (Y,)
        Shift of each scan row along x in px.
    pixel_size_nm : float
        Edge of one square pixel in nm.

    Returns
    -------
    dict of str to ndarray of bool, shape (Y, X)
    """
    masks: dict[str, Mask] = {}

    def add(class_name: str, hit: Mask) -> None:
        masks[class_name] = masks[class_name] | hit if class_name in masks else hit

    for line in lines:
        add(line.class_name, distance_to([line], [], shape, row_shift) <= line.half_width_px)
    for point in points:
        radius = (CORE_RADIUS_NM if point.class_name == "LC" else POINT_RADIUS_NM) / pixel_size_nm
        add(point.class_name, distance_to([], [point], shape, row_shift) <= radius)
    return masks
