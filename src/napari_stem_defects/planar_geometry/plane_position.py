"""Where a planar defect lies, from how the image passes from one lattice into the other.

Beside a plane the image is a lattice on either side: a sum of plane waves, whose amplitudes and
phases are measured there (`planar_geometry.side_lattice`) and continued to the plane. Across it,
the image is a mixture of both; the share of the second one, by linear least squares over a stretch
of the line, falls from 1 to 0. The plane is in the middle between where it begins and ceases to
fall, also of a defect of several layers. Neither the windows of a scan nor the orientation of the
image count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.rows import dense_rows
from napari_stem_defects.planar_geometry.side_lattice import (
    Array,
    Patch,
    SideLattice,
    find_side_lattice,
    fourier_sums,
)
from napari_stem_defects.planar_geometry.sides import Sides, cut_sides, leave_out, seen_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# In lattice periods: half width of the band, smoothing along and across the line, farthest that a
# line is moved, and least length of it that is used.
_BAND, _ALONG, _ACROSS, _FARTHEST, _LEAST_LENGTH = 2.7, 1.0, 0.5, 1.5, 4.0
_MOST_TURNED = np.cos(np.radians(6.0))
"""Turn of the plane against the given line."""
_ALONG_ROW = np.cos(np.radians(4.0))
"""Turn from a dense row of the lattice up to which a plane lies along it."""
_OFF_ROW, _FAR_FROM_ROW = np.cos(np.radians([1.0, 10.0]))
"""Turns between which a line that shows no plane in its own direction is tried along a row."""
_COVERED = 0.95, 0.5
"""Share of a place that is seen, at best and at least."""
_SURE_LENGTH = 10.0
"""Length in lattice periods from which the direction that was measured overrules the given one."""
_BEYOND = 0.25
"""Share up to which a mixture may differ from one lattice at the rims of the band."""
_PURE = 0.15
"""Share of the other lattice up to which one is seen alone."""
_RIM_PERIODS = 0.7
_MOST_SHARE = 1.3


class _Waves(NamedTuple):
    """The lattice of a side: mean, and plane waves relative to the middle of the line."""

    mean: float
    frequencies: Array
    amplitudes: NDArray[np.complex128]

    @classmethod
    def of(cls, patch: Patch, lattice: SideLattice) -> _Waves:
        frequencies = lattice.orders @ lattice.reciprocal
        total = float(patch.weights.sum())
        sums = fourier_sums(patch, frequencies)
        mean = float((patch.pixels * patch.weights).sum()) / total
        return cls(mean, frequencies, 2 * sums / total)

    def on_grid(self, down: Array, right: Array) -> Array:
        """Return the intensities at all sums of the places ``down`` and ``right`` (n, 2)."""
        first = np.exp(2j * np.pi * (down @ self.frequencies.T)) * self.amplitudes
        second = np.exp(2j * np.pi * (right @ self.frequencies.T))
        waves: Array = first.real @ second.real.T - first.imag @ second.imag.T
        return self.mean + waves


def locate_plane(
    pixels: NDArray[np.float32],
    line: Array,
    cells: Sequence[Array],
    period_px: float,
    others: Sequence[Array] = (),
    invalid: NDArray[np.bool_] | None = None,
) -> Array | None:
    """Move a straight line to where the lattice of one side passes into that of the other.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The image.
    line : ndarray of float64, shape (2, 2)
        Both ends (y, x) in px, within 1.5 periods and 6 degrees of the plane.
    cells : sequence of ndarray of float64, shape (2, 2)
        Base vectors (y, x) in px of the unit cells of the image, as rows.
    period_px : float
        Lattice period in px.
    others : sequence of ndarray of float64, shape (n, 2)
        Centre lines of other planar defects; what lies beyond them is left out.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.

    Returns
    -------
    ndarray of float64, shape (2, 2), or None
        The ends projected onto the plane, which lies along a dense lattice row where it is within
        4 degrees of one. None where both sides show the same, too little of a side is left, or no
        plane is near.
    """
    rows = dense_rows(np.asarray(each) for each in cells)
    for start in (line, _turned_along_row(line, rows)):
        if start is None:
            break
        plane = _located(pixels, start, cells, period_px, others, invalid, rows)
        if plane is not None:
            return plane
    return None


def _turned_along_row(line: Array, rows: Array) -> Array | None:
    """Return a line turned about its middle along the lattice row near it; None without one.

    Few windows show a line in another direction than its own.
    """
    middle, along = line.mean(axis=0), line[1] - line[0]
    length = float(np.hypot(*along))
    row = _row_near(along / max(length, 1e-9), rows, _FAR_FROM_ROW)
    if row is None or float(row @ along) > _OFF_ROW * length:
        return None
    return np.asarray(middle + np.outer([-0.5, 0.5], length * row))


def _located(
    pixels: NDArray[np.float32],
    line: Array,
    cells: Sequence[Array],
    period_px: float,
    others: Sequence[Array],
    invalid: NDArray[np.bool_] | None,
    rows: Array,
) -> Array | None:
    """Return the ends of a line on the plane near it; None where there is none."""
    sides = cut_sides(pixels, line, period_px, others, invalid)
    if sides is None:
        return None
    first, second = (find_side_lattice(each, cells) for each in (sides.first, sides.second))
    if first is None or second is None:
        return None
    waves = _Waves.of(sides.near_first, first), _Waves.of(sides.near_second, second)
    plane = _Band.around(line, sides, period_px).plane(pixels, waves, others, invalid, rows)
    if plane is None:
        return None
    moved = float((plane.mean(axis=0) - line.mean(axis=0)) @ sides.across)
    along = plane[1] - plane[0]
    turned = float(along @ sides.along) / max(float(np.hypot(*along)), 1e-9)
    return plane if abs(moved) <= _FARTHEST * period_px and turned >= _MOST_TURNED else None


class _Band(NamedTuple):
    """Places around a line: ``s`` along it and ``t`` across, from its middle, px."""

    line: Array
    along: Array
    across: Array
    s: Array
    t: Array
    period: float

    @classmethod
    def around(cls, line: Array, sides: Sides, period: float) -> _Band:
        reach, half = np.floor(_BAND * period), sides.length_px / 2
        s, t = np.arange(-half, half + 0.5), np.arange(-reach, reach + 0.5)
        return cls(line, sides.along, sides.across, s, t, period)

    def plane(
        self,
        pixels: NDArray[np.float32],
        waves: tuple[_Waves, _Waves],
        others: Sequence[Array],
        invalid: NDArray[np.bool_] | None,
        rows: Array,
    ) -> Array | None:
        """Return the ends of the line on the plane; None where there is none."""
        middle = self.line.mean(axis=0)
        down, right = np.outer(self.s, self.along), np.outer(self.t, self.across)
        places = (middle + down[:, None] + right).transpose(2, 0, 1)
        weight = self._weights(places, pixels.shape, others, invalid)
        first, second = (each.on_grid(down, right) for each in waves)
        values = ndimage.map_coordinates(pixels, places, order=1, mode="nearest")
        share = self._share(values - first, second - first, weight)
        cover = self._cover(weight)
        usable = self._usable(cover)
        if usable is None:
            return None
        rim = max(1, round(_RIM_PERIODS * self.period))
        below, above = (np.median(share[usable, part]) for part in (slice(rim), slice(-rim, None)))
        if abs(below - 1) > _BEYOND or abs(above) > _BEYOND:
            return None
        return self._line_at(self.s[usable], share[usable], rows)

    def _usable(self, cover: Array) -> NDArray[np.intp] | None:
        """Return stretches of the line at which the band is seen, away from others if possible."""
        step = max(1, round(self.period / 4))
        for least in _COVERED:
            usable = np.flatnonzero((cover > least).all(axis=1))[::step]
            if len(usable) * step >= _LEAST_LENGTH * self.period:
                return usable
        return None

    def _line_at(self, s: Array, share: Array, rows: Array) -> Array | None:
        """Return the line on the plane, along a lattice row where it is near one.

        None where the share turns away from the line: beside a short defect, whose sides are
        strained, it changes along the line instead of across it.
        """
        slope = _slope(s, share.sum(axis=1))
        along = self.along + slope * self.across
        along = along / np.hypot(*along)
        if float(along @ self.along) < _MOST_TURNED:
            return None
        row = _row_near(along, rows)
        if row is None and s[-1] - s[0] < _SURE_LENGTH * self.period:
            row = _row_near(self.along, rows)
        if row is not None:
            along = row
            slope = float((along @ self.across) / (along @ self.along))
        moved = [
            np.interp(self.t + slope * at, self.t, each) for at, each in zip(s, share, strict=True)
        ]
        offset = _middle(self.t, np.median(moved, axis=0))
        centre = self.line.mean(axis=0) + offset * self.across
        return np.asarray(centre + np.outer((self.line - centre) @ along, along))

    def _weights(
        self,
        places: Array,
        shape: tuple[int, ...],
        others: Sequence[Array],
        invalid: NDArray[np.bool_] | None,
    ) -> Array:
        limits = np.array(shape)[:, None, None] - 1
        weight = ((places >= 0) & (places <= limits)).all(axis=0).astype(float)
        if invalid is not None:
            at = np.clip(np.rint(places), 0, limits).astype(int)
            weight[invalid[at[0], at[1]]] = 0.0
        seen = seen_from(others, self.line.mean(axis=0), self.along, self.across)
        s, t = (np.ascontiguousarray(each) for each in np.meshgrid(self.s, self.t, indexing="ij"))
        extent = float(self.s[-1]), float(self.t[-1])
        leave_out(weight, s, t, seen, extent, self.period)
        return weight

    def _share(self, above: Array, apart: Array, weight: Array) -> Array:
        """Return the share of the second lattice at each place."""
        together = self._blurred(weight * apart**2)
        least = 1e-6 * max(float(together.max(initial=0.0)), 1e-12)
        share = self._blurred(weight * above * apart) / np.maximum(together, least)
        return np.clip(share, 1 - _MOST_SHARE, _MOST_SHARE)

    def _cover(self, weight: Array) -> Array:
        """Return the share of the surroundings of each place that has weight."""
        if (weight == 1).all():
            return np.ones_like(weight)
        full = (self._blurred(np.ones(n), axis) for axis, n in enumerate(weight.shape))
        return self._blurred(weight) / np.outer(*full)

    def _blurred(self, values: Array, *axes: int) -> Array:
        """Blur places (s, t), or values along one of both axes alone."""
        sizes = np.array([_ALONG, _ACROSS]) * self.period
        chosen = sizes[list(axes)] if axes else sizes
        blurred: Array = ndimage.gaussian_filter(values, chosen, mode="constant", truncate=3.0)
        return blurred


def _slope(x: Array, y: Array) -> float:
    """Return the median of the slopes between all pairs of places (Theil and Sen).

    scipy has this in its statistics, which take 0.2 s to import.
    """
    first, second = np.triu_indices(len(x), 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


def _row_near(along: Array, rows: Array, least: float = _ALONG_ROW) -> Array | None:
    """Return the direction of the lattice row along a line; None where there is none.

    ``least`` is the least cosine of the angle between both.
    """
    if not len(rows):
        return None
    likeness = rows @ along
    best = int(np.abs(likeness).argmax())
    is_near = abs(likeness[best]) >= least
    return np.asarray(rows[best] * np.sign(likeness[best])) if is_near else None


def _middle(t: Array, share: Array) -> float:
    """Return the middle between where a share leaves the one lattice and reaches the other.

    Between them, a defect of several layers shows neither.
    """
    leaves = int(np.argmax(share < 1 - _PURE))
    reaches = len(t) - 1 - int(np.argmax(share[::-1] > _PURE))
    ends = (leaves - 1, leaves, 1 - _PURE), (reaches, reaches + 1, _PURE)
    places = []
    for first, second, level in ends:
        high, low = (share[min(max(n, 0), len(t) - 1)] for n in (first, second))
        part = (high - level) / max(float(high - low), 1e-9)
        places.append(float(np.clip(t[0] + first + np.clip(part, 0, 1), t[0], t[-1])))
    return sum(places) / 2
