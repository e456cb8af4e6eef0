"""Planar defects as straight lines with ends, from the fragments of their masks.

The mask of a planar defect breaks where the windows are unsure, and ends short of the border and of
a junction, where windows are half empty or show two defects. How far, depends on the step between
windows and on the orientation of the image; the defect does not. So fragments are put together by
what a planar defect is, a straight line:

1. By decreasing length, a fragment of the same class that continues a longer one over less than
   the width of a window is joined with it.
2. A fragment shorter than a window that touches a longer one of another class and lies on its line
   is part of it: a defect has one name from end to end. One that lies beside a longer one, closer
   than windows resolve, or touches it with another name, is no defect of its own.
3. An end near the border is continued to the border, an end near the crossing with the line of
   another defect to the crossing. What protrudes beyond a crossing is cut off.

The line is fitted to the windows of its fragments, weighted by the root of their odds. The mask is
the band around it, of the mean width of the fragments. Where defects of different classes cross,
their masks overlap. Bent boundaries keep their masks; they are joined and continued in the
direction of their ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.postprocessing.line_edits import Band, LineEdits
from napari_stem_defects.postprocessing.planar_fragments import (
    ELONGATED,
    Array,
    Fragment,
    distance,
    fitted_line,
    fragments_of,
    line_length,
    unit_vector,
    weighted_fit,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap

# Lengths in units of the minimum length of a planar defect, a quarter of a window.
_WINDOW = 4.0
"""Width of a window: longest gap that is bridged and longest way to a border or crossing."""
_WIDEST = 3.5
"""Widest straight line that is drawn as a band; what is wider is hardly a line."""
_NEAR_BORDER = 1.5
"""Distance of an end from the border up to which it is continued to it."""
_BESIDE = 1.5
"""Distance from the edge of a line within which a short fragment is no defect of its own."""
_MINOR = 0.5
"""Share of the area of a line up to which what lies beside it is no defect of its own."""
_SLIVER = 0.3
"""Width up to which what lies beside a line is what a vote left over, however long it is."""
_TOUCH = 0.5
"""Distance along the line up to which a fragment of another class touches."""
_OVERSHOOT = 0.7
"""Part of a window that shows a line beyond the crossing at which it ends."""
_PARALLEL = np.cos(np.radians(20))
_CROSSING = np.sin(np.radians(15))


@dataclass
class _Line:
    """A planar defect: fragments of one class that continue each other."""

    fragments: list[Fragment]
    line: Array
    bands: list[Array] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.fragments[0].name

    @property
    def area(self) -> int:
        return sum(each.area for each in self.fragments)

    @property
    def width(self) -> float:
        """Mean width of the fragments in px."""
        return self.area / sum(each.length for each in self.fragments)

    @property
    def elongated(self) -> bool:
        return self.length >= ELONGATED * self.width

    @property
    def straight(self) -> bool:
        return len(self.line) == 2

    @property
    def length(self) -> float:
        return line_length(self.line)

    def end(self, number: int) -> tuple[Array, Array]:
        """Return an end, 0 or 1, and the direction in which it leaves the line."""
        points = self.line if number else self.line[::-1]
        return points[-1], unit_vector(points[-1] - points[-2])


def line_edits(
    map: ProbabilityMap,
    draft: MaskStack,
    interpolator: WindowInterpolator,
    min_length_px: float,
    rows: Array | None = None,
) -> LineEdits:
    """Return what to change in drafted masks so that each planar defect is one line.

    Parameters
    ----------
    map : ProbabilityMap
        Probabilities of all windows.
    draft : MaskStack
        Masks of all classes.
    interpolator : WindowInterpolator
        From the windows to the pixels.
    min_length_px : float
        Minimum length of a planar defect in px, a quarter of a window. Shorter lines, and those
        nowhere further than this from the border, are removed.
    rows : ndarray of float64, shape (N, 2), optional
        Unit vectors (y, x) of the dense lattice rows; lines nearly along one get its direction.

    Returns
    -------
    LineEdits
    """
    rows = np.zeros((0, 2)) if rows is None else rows
    names = map.names_of("line")
    fragments = sorted(
        (
            fragment
            for name in names
            for fragment in fragments_of(map, draft, interpolator, name, min_length_px, rows)
        ),
        key=lambda each: -each.length,
    )
    lines: list[_Line] = []
    for fragment in fragments:
        line, joined = _place(fragment, lines, min_length_px)
        if line is None:
            lines.append(_Line([fragment], fragment.line))
        elif joined:
            _join(line, fragment, rows, draft.shape)
    kept = [line for line in lines if _is_long_enough(line, draft.shape, min_length_px)]
    moved = [_with_new_ends(line, kept, draft.shape, min_length_px) for line in kept]
    return _as_edits(moved, names, draft, _WIDEST * min_length_px)


def _place(
    fragment: Fragment, lines: Sequence[_Line], min_length_px: float
) -> tuple[_Line | None, bool]:
    """Return the longer line that a fragment belongs to, and whether as a part of it."""
    window = _WINDOW * min_length_px
    beside = None
    for line in lines:
        where = _relative(fragment, line, window)
        if where is None:
            continue
        half = max(line.width, fragment.width) / 2
        on_line = where.away <= half + 1
        if on_line and fragment.name == line.name and where.gap <= window:
            return line, True
        short = fragment.length < window and fragment.length < line.length
        thin = fragment.width <= _SLIVER * min_length_px
        minor = (short or thin) and fragment.area <= _MINOR * line.area
        if on_line and short and where.gap <= _TOUCH * min_length_px:
            return line, True
        near = where.away <= line.width / 2 + _BESIDE * min_length_px
        if near and minor and where.gap == 0:
            beside = line
        # Two names for one defect, side by side: bands of different classes that touch.
        touching = where.away <= (line.width + fragment.width) / 2 + _TOUCH * min_length_px
        if touching and where.gap == 0 and fragment.name != line.name:
            beside = line
    return beside, False


class _Relative(NamedTuple):
    """Where a fragment lies relative to a line: distance of its middle, gap along it, in px."""

    away: float
    gap: float


def _relative(fragment: Fragment, line: _Line, window: float) -> _Relative | None:
    """Return where a fragment lies relative to a line; None where its direction is another one.

    Fragments shorter than a window have no direction of their own.
    """
    middle = fragment.line.mean(axis=0)
    end, out = min(
        (line.end(number) for number in (0, 1)), key=lambda each: distance(middle, each[0])
    )
    long = fragment.length >= window
    if long and abs(float(unit_vector(fragment.line[-1] - fragment.line[0]) @ out)) < _PARALLEL:
        return None
    points = fragment.line if long else middle[None]
    if not line.straight and float(((points - end) @ out).max()) <= 0:
        return None
    # The middle, because the ends of a fragment lean towards corners.
    across = abs(float(((points - end) @ np.array([-out[1], out[0]])).mean()))
    along = (fragment.line - end) @ out
    gap = max(0.0, float(along.min()), -line.length - float(along.max()))
    return _Relative(across, gap)


def _join(line: _Line, fragment: Fragment, rows: Array, shape: tuple[int, int]) -> None:
    """Make a fragment part of a line: it is fitted to the windows of both."""
    ends = [line.end(number) for number in (0, 1)]
    beyond = [float(((fragment.line - end) @ out).max()) for end, out in ends]
    number = int(np.argmax(beyond))
    end, out = ends[number]
    along = unit_vector(line.line[-1] - line.line[0])
    line.fragments.append(fragment)
    in_order = [_turned(each, along) for each in line.fragments]
    in_order.sort(key=lambda each: float(each.path.mean(axis=0) @ along))
    fitted = fitted_line(in_order, rows, shape)
    if line.straight or len(fitted) == 2:
        points = np.concatenate([each.path for each in in_order])
        order = np.argsort((points - line.line[0]) @ along)
        windows = np.concatenate([each.windows for each in line.fragments])
        line.line, line.bands = weighted_fit(windows, points[order[[0, -1]]], rows), []
    elif beyond[number] > 0:
        points = fragment.line[np.argsort((fragment.line - end) @ out)]
        line.bands.append(np.stack([end, points[0]]))
        kept = line.line if number else line.line[::-1]
        joined = np.concatenate([kept, points])
        line.line = joined if number else joined[::-1]


def _turned(fragment: Fragment, along: Array) -> Fragment:
    """Return a fragment whose path runs in a direction."""
    forward = float((fragment.path[-1] - fragment.path[0]) @ along) >= 0
    return fragment if forward else fragment._replace(path=fragment.path[::-1])


def _is_long_enough(line: _Line, shape: tuple[int, int], min_length_px: float) -> bool:
    boxes = np.array(
        [[(side.start, side.stop) for side in fragment.box] for fragment in line.fragments],
        np.float64,
    )
    start, stop = boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)
    inside = (stop > min_length_px) & (start < np.array(shape) - min_length_px)
    return bool((stop - start).max() >= min_length_px and inside.all())


def _with_new_ends(
    line: _Line, lines: Sequence[_Line], shape: tuple[int, int], min_length_px: float
) -> _Line:
    """Return a line with its ends at the crossings or borders that they are near."""
    if not line.elongated:
        return line
    points, bands = line.line.copy(), list(line.bands)
    for number in (0, 1):
        new = _new_end(line, number, lines, shape, min_length_px)
        if not line.straight:
            bands.append(np.stack([line.end(number)[0], new]))
        points[-number] = new
    return _Line(line.fragments, points, bands)


def _new_end(
    line: _Line,
    number: int,
    lines: Sequence[_Line],
    shape: tuple[int, int],
    min_length_px: float,
) -> Array:
    end, out = line.end(number)
    window = _WINDOW * min_length_px
    # Lines of one class that meet would become one region, so their ends stay.
    ways = [
        way
        for other in lines
        if other.name != line.name
        and (way := _way_to_crossing(line, end, out, other, window)) is not None
    ]
    way_out, depth = _way_to_border(end, out, shape)
    if ways:
        way = min(ways, key=abs)
        if way < way_out:
            return np.asarray(end + way * out)
    if way_out <= window and depth <= _NEAR_BORDER * min_length_px:
        return np.asarray(end + way_out * out)
    return end


def _way_to_crossing(
    line: _Line, end: Array, out: Array, other: _Line, window: float
) -> float | None:
    """Return how far an end is from the crossing with another line, negative beyond it."""
    if not (line.straight and other.straight and other.elongated):
        return None
    start, direction = other.line[0], unit_vector(other.line[1] - other.line[0])
    sine = float(out[0] * direction[1] - out[1] * direction[0])
    if abs(sine) < _CROSSING:
        return None
    away = start - end
    way = float(away[0] * direction[1] - away[1] * direction[0]) / sine
    along = float((end + way * out - start) @ direction)
    if not -window <= along <= other.length + window:
        return None
    if way > window or way < -_OVERSHOOT * min(window, line.length):
        return None
    return way


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


def _as_edits(
    lines: Sequence[_Line], names: Sequence[str], draft: MaskStack, widest_px: float
) -> LineEdits:
    """Return bands for straight lines; bent ones, and wide ones, keep their components."""
    kept: dict[str, dict[int, str]] = {name: {} for name in names}
    bands = []
    for line in lines:
        half = max(line.width / 2, 1.0) + 0.5
        if line.straight and line.elongated and line.width <= widest_px:
            bands.append(Band(line.name, line.line, half, is_whole=True))
            continue
        for fragment in line.fragments:
            kept[fragment.name][fragment.component] = line.name
        bands += [Band(line.name, band, half) for band in line.bands]
    return LineEdits(kept, tuple(bands), draft)
