"""Both sides of a planar defect as weighted parts of the image."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.planar_geometry.side_lattice import Array, Patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GAP_PERIODS = 1.5
"""Distance from the centre line, in lattice periods, up to which the defect itself is left out."""
DEPTH_PERIODS = 10.0
"""Depth of the sides in lattice periods, from which the lattices are measured."""
NEAR_PERIODS = 4.0
"""Depth in lattice periods from which the shift is measured: what is near the plane."""
_TAPER_PERIODS = 1.5
_MOST_PERIODS = 60.0
"""Length along the defect that is compared, in lattice periods."""
_PX_PER_PERIOD = 9.0
"""Images of more px per period are averaged over squares first."""
_LEAST_FILLED = 0.3
"""Least share of a side that lies in the image and belongs to no other defect."""


class Sides(NamedTuple):
    """Both sides of a defect.

    Attributes
    ----------
    first, second : Patch
        The side towards ``across`` and the other one; places in px of the image relative to the
        middle of the line.
    near_first, near_second : Patch
        What of them is near the plane.
    along : ndarray of float64, shape (2,)
        Unit vector (y, x) along the line.
    across : ndarray of float64, shape (2,)
        Unit vector (y, x) from the second side to the first.
    length_px : float
        Length of the part that is compared.
    """

    first: Patch
    second: Patch
    near_first: Patch
    near_second: Patch
    along: Array
    across: Array
    length_px: float


def cut_sides(
    pixels: NDArray[np.float32],
    line: Array,
    period_px: float,
    others: Sequence[Array] = (),
    invalid: NDArray[np.bool_] | None = None,
) -> Sides | None:
    """Cut both sides of a straight defect out of an image.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
    line : ndarray of float64, shape (2, 2)
        Both ends (y, x) in px.
    period_px : float
        Lattice period in px.
    others : sequence of ndarray of float64, shape (n, 2)
        Centre lines of other planar defects; what lies beyond them is left out.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.

    Returns
    -------
    Sides or None
        None where too little of one side is left.
    """
    start, end = line[0], line[-1]
    length = float(np.hypot(*(end - start)))
    along = (end - start) / max(length, 1e-9)
    across = np.array([-along[1], along[0]])
    middle = (start + end) / 2
    used = min(length, _MOST_PERIODS * period_px)
    reach = (GAP_PERIODS + DEPTH_PERIODS) * period_px
    corners = np.array(
        [middle + a * used / 2 * along + b * reach * across for a in (-1, 1) for b in (-1, 1)]
    )
    size = np.array(pixels.shape)
    low = np.clip(np.floor(corners.min(axis=0)), 0, size - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 1, size).astype(int)
    part = np.asarray(pixels[low[0] : high[0], low[1] : high[1]], np.float64)
    good: Array = np.ones(part.shape)
    if invalid is not None:
        good = np.asarray(1.0 - invalid[low[0] : high[0], low[1] : high[1]], np.float64)
    factor = max(1, int(period_px / _PX_PER_PERIOD))
    part, good = _binned(part * good, factor), _binned(good, factor)
    part = np.divide(part, good, out=np.zeros_like(part), where=good > 0)
    if min(part.shape) < 2:
        return None
    y, x = (
        low[axis] + np.arange(part.shape[axis]) * factor + (factor - 1) / 2 - middle[axis]
        for axis in (0, 1)
    )
    s = y[:, None] * along[0] + x * along[1]
    t = y[:, None] * across[0] + x * across[1]
    weight = good * _taper(used / 2 - np.abs(s), _TAPER_PERIODS * period_px)
    leave_out(weight, s, t, seen_from(others, middle, along, across), (used / 2, reach), period_px)
    patches: list[Patch] = []
    for depth in (DEPTH_PERIODS, NEAR_PERIODS):
        for sign in (1, -1):
            inside = sign * t - GAP_PERIODS * period_px
            inner = _taper(inside, _TAPER_PERIODS * period_px)
            outer = _taper(depth * period_px - inside, _TAPER_PERIODS * period_px)
            patches.append(Patch(part, weight * inner * outer, y, x).cropped())
    whole = used * (NEAR_PERIODS - _TAPER_PERIODS) * period_px / factor**2
    if min(float(patch.weights.sum()) for patch in patches[2:]) < _LEAST_FILLED * whole:
        return None
    first, second, near_first, near_second = patches
    return Sides(first, second, near_first, near_second, along, across, used)


def seen_from(others: Sequence[Array], middle: Array, along: Array, across: Array) -> list[Array]:
    """Return other lines in the frame of a line.

    Parameters
    ----------
    others : sequence of ndarray of float64, shape (n, 2)
        Points (y, x) in px.
    middle, along, across : ndarray of float64, shape (2,)
        Middle of the line, and unit vectors (y, x) along it and across.

    Returns
    -------
    list of ndarray of float64, shape (n, 2)
        Points along the line and across it in px.
    """
    if not others:
        return []
    points = (np.concatenate(others) - middle) @ np.stack([along, across], 1)
    return np.split(points, np.cumsum([len(other) for other in others])[:-1])


def _binned(values: Array, factor: int) -> Array:
    """Return the means of squares; a rest at the lower and right border is left out."""
    if factor == 1:
        return values
    rows, columns = (n // factor for n in values.shape)
    squares = values[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(squares.mean(axis=(1, 3)))


def _taper(depth: Array, width: float) -> Array:
    """Return a weight that rises from 0 at depth 0 to 1 at a depth of the width (half a cosine)."""
    weight = np.clip(depth / width, 0, 1)
    rising = (weight > 0) & (weight < 1)  # most of a side is beyond
    weight[rising] = 0.5 - 0.5 * np.cos(np.pi * weight[rising])
    return np.asarray(weight)


def leave_out(
    weight: Array,
    s: Array,
    t: Array,
    others: Sequence[Array],
    extent: tuple[float, float],
    period_px: float,
) -> None:
    """Set the weight of what lies beyond other lines, or near them, to zero, in place.

    Only segments that hide a part of the sides are compared with their pixels: of an image with a
    hundred lines, few lie beside each other.

    Parameters
    ----------
    weight : ndarray of float64, shape (Y, X)
        Changed.
    s, t : ndarray of float64, shape (Y, X)
        Places along this line and across it in px.
    others : sequence of ndarray of float64, shape (n, 2)
        Points (s, t) of other lines.
    extent : (float, float)
        How far the sides extend from the middle of this line along and across it.
    period_px : float
        Lattice period in px.
    """
    segments = [each for other in others for each in pairwise(other.tolist())]
    near = [each for each in segments if _may_hide(*each, extent, period_px)]
    if not near:
        return
    used = np.flatnonzero((weight > 0) & (np.abs(t) < extent[1]))
    s, t = s.ravel()[used], t.ravel()[used]
    hidden = np.zeros(used.shape, bool)
    for start, end in near:
        beyond = _beyond(t, start[1], end[1], period_px)
        hidden[beyond] |= _behind(s[beyond], t[beyond], start, end, period_px)
    weight.ravel()[used[hidden]] = 0


def _may_hide(
    start: Sequence[float], end: Sequence[float], extent: tuple[float, float], period_px: float
) -> bool:
    """Return whether a segment can be near a place of the sides, or between one and the line."""
    (s0, t0), (s1, t1) = start, end
    margin = (1 + GAP_PERIODS) * period_px  # of a place near it, along and across
    beside = min(s0, s1) < extent[0] + margin and max(s0, s1) > -extent[0] - margin
    depth = 0.0 if t0 * t1 < 0 else min(abs(t0), abs(t1))
    return beside and depth < extent[1] + margin


def _beyond(t: Array, t0: float, t1: float, period_px: float) -> NDArray[np.intp] | slice:
    """Return the places that lie as far across as a segment, on its side, or can be near it."""
    if t0 * t1 <= 0:
        return slice(None)
    depth = min(abs(t0), abs(t1)) - (1 + GAP_PERIODS) * period_px
    return np.flatnonzero(t >= depth if t0 > 0 else t <= -depth)


def _behind(
    s: Array, t: Array, start: Sequence[float], end: Sequence[float], period_px: float
) -> NDArray[np.bool_]:
    """Return which places lie beyond a segment, seen from the foot on this line, or near it."""
    (s0, t0), (s1, t1) = start, end
    length = float(np.hypot(s1 - s0, t1 - t0))
    if length < 1e-9:
        return np.zeros(s.shape, bool)
    position = ((s - s0) * (s1 - s0) + (t - t0) * (t1 - t0)) / length
    distance = np.abs((s - s0) * (t1 - t0) - (t - t0) * (s1 - s0)) / length
    beside = (position > -period_px) & (position < length + period_px)
    hidden = beside & (distance < GAP_PERIODS * period_px)
    if abs(s1 - s0) > 1e-9:
        share = (s - s0) / (s1 - s0)
        crossing = t0 + share * (t1 - t0)
        inside = (share >= 0) & (share <= 1)
        hidden |= inside & (np.abs(t) > np.abs(crossing)) & (t * crossing > 0)
    return np.asarray(hidden)
