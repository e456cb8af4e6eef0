"""Both sides of a planar defect as weighted parts of the image."""

from __future__ import annotations

from dataclasses import replace
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
    good: Array | float = 1.0
    factor = max(1, int(period_px / _PX_PER_PERIOD))
    if invalid is None:
        part = _binned(part, factor)
    else:
        known = np.asarray(1.0 - invalid[low[0] : high[0], low[1] : high[1]], np.float64)
        part, good = _binned(part * known, factor), _binned(known, factor)
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
    first, near_first = _patches(Patch(part, weight, y, x), t, period_px)
    second, near_second = _patches(Patch(part, weight, y, x), -t, period_px)
    whole = used * (NEAR_PERIODS - _TAPER_PERIODS) * period_px / factor**2
    filled = (float(patch.weights.sum()) for patch in (near_first, near_second))
    if min(filled) < _LEAST_FILLED * whole:
        return None
    return Sides(first, second, near_first, near_second, along, across, used)


def _patches(whole: Patch, t: Array, period_px: float) -> tuple[Patch, Patch]:
    """Return the deep and the near part of the side at positive places ``t`` (Y, X) across."""
    width, inside = _TAPER_PERIODS * period_px, t.ravel() - GAP_PERIODS * period_px
    weight = whole.weights.ravel()
    # The box of a slanting line is mostly empty: only the pixels of the side are computed with.
    used = np.flatnonzero((inside > 0) & (inside < DEPTH_PERIODS * period_px) & (weight > 0))
    inside = inside[used]
    rising = weight[used] * _taper(inside, width)
    patches = []
    for depth in (DEPTH_PERIODS, NEAR_PERIODS):
        weights = np.zeros(t.size)
        weights[used] = rising * _taper(depth * period_px - inside, width)
        patches.append(replace(whole, weights=weights.reshape(t.shape)).cropped())
    return patches[0], patches[1]


def seen_from(others: Sequence[Array], middle: Array, along: Array, across: Array) -> Array:
    """Return the segments of other lines in the frame of a line.

    Parameters
    ----------
    others : sequence of ndarray of float64, shape (n, 2)
        Points (y, x) in px.
    middle, along, across : ndarray of float64, shape (2,)
        Middle of the line, and unit vectors (y, x) along it and across.

    Returns
    -------
    ndarray of float64, shape (N, 2, 2)
        Both ends of each segment: places along the line and across it in px.
    """
    if not others:
        return np.zeros((0, 2, 2))
    points = (np.concatenate(others) - middle) @ np.stack([along, across], 1)
    last = np.cumsum([len(other) for other in others]) - 1
    segments = np.stack([points[:-1], points[1:]], axis=1)
    return np.delete(segments, last[:-1], axis=0)  # from one line to the next


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
    others: Array,
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
    others : ndarray of float64, shape (N, 2, 2)
        Segments of other lines, both ends (s, t).
    extent : (float, float)
        How far the sides extend from the middle of this line along and across it.
    period_px : float
        Lattice period in px.
    """
    near = others[_may_hide(others, extent, period_px)]
    if not len(near):
        return
    used = np.flatnonzero((weight > 0) & (np.abs(t) < extent[1]))
    s, t = s.ravel()[used], t.ravel()[used]
    hidden = np.zeros(used.shape, bool)
    for start, end in near.tolist():
        beyond = _beyond(s, t, start, end, period_px)
        hidden[beyond] |= _behind(s[beyond], t[beyond], start, end, period_px)
    weight.ravel()[used[hidden]] = 0


def _may_hide(segments: Array, extent: tuple[float, float], period_px: float) -> NDArray[np.bool_]:
    """Return which segments can be near a place of the sides, or between one and the line."""
    s, t = segments[..., 0], segments[..., 1]
    margin = (1 + GAP_PERIODS) * period_px  # of a place near it, along and across
    beside = (s.min(axis=1) < extent[0] + margin) & (s.max(axis=1) > -extent[0] - margin)
    depth = np.where(t.prod(axis=1) < 0, 0.0, np.abs(t).min(axis=1))
    return np.asarray(beside & (depth < extent[1] + margin))


def _beyond(
    s: Array, t: Array, start: Sequence[float], end: Sequence[float], period_px: float
) -> NDArray[np.intp]:
    """Return the places beside a segment and as far across, on its side, or that can be near it."""
    (s0, t0), (s1, t1) = start, end
    margin = (1 + GAP_PERIODS) * period_px
    found = (s >= min(s0, s1) - margin) & (s <= max(s0, s1) + margin)
    if t0 * t1 > 0:
        depth = min(abs(t0), abs(t1)) - margin
        found &= t >= depth if t0 > 0 else t <= -depth
    return np.flatnonzero(found)


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
