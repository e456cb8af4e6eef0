"""Where straight planar defects end: at the crossing with another one, or at the border.

Windows are half empty at the border and show two defects at a crossing, so that masks end short of
both, or beyond a crossing. How far, depends on the step between windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.postprocessing.planar_fragments import Array, line_length, unit_vector

if TYPE_CHECKING:
    from collections.abc import Iterable

# Lengths in units of the minimum length of a planar defect, a quarter of a window.
WINDOW = 4.0
"""Width of a window: longest gap that is bridged and longest way to a border or crossing."""
_NEAR_BORDER = 2.0
"""Distance of an end from the border up to which it is continued to it: half a window."""
_OVERSHOOT = 0.7
"""Part of a window that shows a line beyond the crossing at which it ends."""
_CROSSING = np.sin(np.radians(15))
"""Sine of the smallest angle at which lines cross each other, or a long way to the border."""


class Crossings(NamedTuple):
    """Straight lines that others may end at.

    Attributes
    ----------
    start, direction : ndarray of float64, shape (N, 2)
        One end (y, x) of each in px, and the unit vector to the other one.
    length : ndarray of float64, shape (N,)
        In px.
    """

    start: Array
    direction: Array
    length: Array

    @classmethod
    def of(cls, lines: Iterable[Array]) -> Crossings:
        """Return those of lines (2, 2)."""
        used = list(lines)
        ends = np.array(used).reshape(-1, 2, 2)
        directions = [unit_vector(line[1] - line[0]) for line in ends]
        lengths = np.array([line_length(line) for line in used])
        return cls(ends[:, 0], np.array(directions).reshape(-1, 2), lengths)

    def without(self, number: int) -> Crossings:
        """Return those of all lines but one."""
        return Crossings(*(np.delete(each, number, axis=0) for each in self))


def new_end(
    end: Array,
    out: Array,
    length_px: float,
    others: Crossings | None,
    shape: tuple[int, int],
    min_length_px: float,
) -> Array:
    """Return where a planar defect ends.

    Parameters
    ----------
    end, out : ndarray of float64, shape (2,)
        End (y, x) in px as the windows show it, and the unit vector out of the line.
    length_px : float
        Length of the line.
    others : Crossings or None
        Lines that it may end at; None for a bent line.
    shape : (Y, X)
        Size of the image in px.
    min_length_px : float
        Minimum length of a planar defect, a quarter of a window.

    Returns
    -------
    ndarray of float64, shape (2,)
        A crossing or a place on the border near the end, or the end itself.
    """
    window = WINDOW * min_length_px
    ways = np.zeros(0) if others is None else _ways(end, out, length_px, others, window)
    way_out, depth = _way_to_border(end, out, shape)
    if len(ways):
        way = float(ways[np.abs(ways).argmin()])
        if way < way_out:
            return np.asarray(end + way * out)
    is_near = depth <= _NEAR_BORDER * min_length_px
    if is_near and (way_out <= window or depth >= _CROSSING * way_out):
        return np.asarray(end + way_out * out)
    return end


def still_the_line(line: Array, new: Array, least: float) -> bool:
    """Return whether a line keeps its direction and enough of its length with new ends.

    A line that another one crosses near its middle would end at that crossing from both sides.

    Parameters
    ----------
    line, new : ndarray of float64, shape (2, 2)
        Ends (y, x) in px.
    least : float
        Share of the length that is enough.

    Returns
    -------
    bool
    """
    along = unit_vector(line[1] - line[0])
    return bool((new[1] - new[0]) @ along > least * line_length(line))


def _ways(end: Array, out: Array, length_px: float, others: Crossings, window: float) -> Array:
    """Return how far an end is from its crossings with other lines, negative beyond them."""
    start, direction, length = others
    sine = out[0] * direction[:, 1] - out[1] * direction[:, 0]
    crossing = np.abs(sine) >= _CROSSING
    away = start - end
    way = away[:, 0] * direction[:, 1] - away[:, 1] * direction[:, 0]
    way /= np.where(crossing, sine, 1.0)
    along = ((end + way[:, None] * out - start) * direction).sum(axis=1)
    reached = (along >= -window) & (along <= length + window)
    near = (way <= window) & (way >= -_OVERSHOOT * min(window, length_px))
    return np.asarray(way[crossing & reached & near])


def _way_to_border(end: Array, out: Array, shape: tuple[int, int]) -> tuple[float, float]:
    """Return how far along its direction an end is from the border, and its distance from it.

    The first is negative outside the image.
    """
    ways = []
    for axis in (0, 1):
        if abs(out[axis]) > 1e-9:
            edge = shape[axis] - 0.5 if out[axis] > 0 else -0.5
            way = (edge - end[axis]) / out[axis]
            ways.append((float(way), abs(float(edge - end[axis]))))
    return min(ways)
