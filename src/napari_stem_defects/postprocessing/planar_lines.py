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
3. A line goes to the plane that the image shows near it, where the image is known.
4. An end near the border is continued to the border, an end near the crossing with the line of
   another defect to the crossing. What protrudes beyond a crossing is cut off.

The line is fitted to the windows of its fragments, weighted by the root of their odds. The mask is
the band around it, of the mean width of the fragments. Where defects of different classes cross,
their masks overlap. Bent boundaries keep their masks; they are joined and continued in the
direction of their ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.postprocessing.line_edits import Band, LineEdits
from napari_stem_defects.postprocessing.line_ends import (
    WINDOW,
    Crossings,
    new_end,
    still_the_line,
)
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
    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.region_shapes import RegionShape
    from napari_stem_defects.postprocessing.results import ProbabilityMap

LinePlacer = Callable[[Sequence[Array], Sequence[Array]], Sequence[Array]]
"""Moves straight lines (2, 2), given also lines (n, 2) that stay, all points (y, x) in px."""

# Lengths in units of the minimum length of a planar defect, a quarter of a window.
_WIDEST = 3.5
"""Widest straight line that is drawn as a band; what is wider is hardly a line, unless the image
shows a plane there: windows far apart see a smeared fault as wide as this."""
_BESIDE = 1.5
"""Distance from the edge of a line within which a short fragment is no defect of its own."""
_MINOR = 0.5
"""Share of the area of a line up to which what lies beside it is no defect of its own."""
_SLIVER = 0.3
"""Width up to which what lies beside a line is what a vote left over, however long it is."""
_TOUCH = 0.5
"""Distance along the line up to which a fragment of another class touches."""
_PARALLEL = np.cos(np.radians(20))


@dataclass(frozen=True, eq=False)
class _Line:
    """A planar defect: fragments of one class that continue each other."""

    fragments: Sequence[Fragment]
    line: Array
    bands: Sequence[Array] = ()
    is_placed: bool = False
    """Whether the image shows a plane there."""

    @property
    def name(self) -> str:
        return self.fragments[0].name

    @cached_property
    def area(self) -> int:
        return sum(each.area for each in self.fragments)

    @cached_property
    def width(self) -> float:
        """Mean width of the fragments in px."""
        return self.area / sum(each.length for each in self.fragments)

    @property
    def elongated(self) -> bool:
        return self.length >= ELONGATED * self.width

    @property
    def straight(self) -> bool:
        return len(self.line) == 2

    @cached_property
    def length(self) -> float:
        return line_length(self.line)

    @cached_property
    def ends(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Both ends, and the directions in which they leave the line."""
        first, last = self.line[:2], self.line[-2:]
        return (
            (first[0], unit_vector(first[0] - first[1])),
            (last[1], unit_vector(last[1] - last[0])),
        )


def line_edits(
    map: ProbabilityMap,
    draft: MaskStack,
    interpolator: WindowInterpolator,
    min_length_px: float,
    rows: Array | None = None,
    place: LinePlacer | None = None,
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
    place : callable, optional
        Moves straight lines to where the image shows the defects.

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
    lines = _Lines(min_length_px)
    for fragment in fragments:
        number, joined = _place(fragment, lines, min_length_px)
        if number is None:
            lines.append(_Line([fragment], fragment.line))
        elif joined:
            lines.change(number, _joined(lines[number], fragment, rows, draft.shape))
    kept = [line for line in lines if _is_long_enough(line, draft.shape, min_length_px)]
    if place is not None:
        kept = _placed(kept, place)
    # Lines of one class that meet would become one region, so their ends stay.
    crossed = {
        name: Crossings.of(
            each.line for each in kept if each.straight and each.elongated and each.name != name
        )
        for name in {line.name for line in kept}
    }
    moved = [_with_new_ends(line, crossed[line.name], draft.shape, min_length_px) for line in kept]
    return _as_edits(moved, names, draft, _WIDEST * min_length_px)


class _Lines(list[_Line]):
    """Lines, and which of them a fragment can belong to, found for all at once."""

    def __init__(self, min_length_px: float) -> None:
        super().__init__()
        self._min_length_px = min_length_px
        self._ends = np.zeros((0, 2, 2, 2))  # of each line both ends: place and direction
        self._sizes = np.zeros((0, 2))  # length and width

    def append(self, line: _Line) -> None:
        super().append(line)
        self._ends = np.concatenate([self._ends, np.array(line.ends)[None]])
        self._sizes = np.concatenate([self._sizes, [(line.length, line.width)]])

    def change(self, number: int, line: _Line) -> None:
        """Put a line in the place of another."""
        self[number] = line
        self._ends[number], self._sizes[number] = line.ends, (line.length, line.width)

    def near(self, fragment: Fragment) -> list[int]:
        """Return the numbers of the lines that `_place` has to compare with a fragment.

        All of them at once, by their distance across and along as in `_relative`.
        """
        window, middle = WINDOW * self._min_length_px, fragment.line.mean(axis=0)
        places, directions = self._ends[:, :, 0], self._ends[:, :, 1]
        number = np.hypot(*(middle - places).transpose(2, 0, 1)).argmin(axis=1)
        each = np.arange(len(self))
        end, out = places[each, number][:, None], directions[each, number]
        points = fragment.line if fragment.length >= window else middle[None]
        normal = np.stack([-out[:, 1], out[:, 0]], axis=1)
        across = np.abs(np.einsum("npi,ni->np", points - end, normal).mean(axis=1))
        along = np.einsum("npi,ni->np", fragment.line - end, out)
        length, width = self._sizes.T
        gap = np.maximum(along.min(axis=1), -length - along.max(axis=1))
        widest = (width + fragment.width) / 2 + max(_BESIDE, _TOUCH) * self._min_length_px
        # A pixel more, for rounding and the tolerance of `_place`.
        return np.flatnonzero((across <= widest + 1) & (gap <= window + 1)).tolist()


def _place(fragment: Fragment, lines: _Lines, min_length_px: float) -> tuple[int | None, bool]:
    """Return the number of the longer line that a fragment belongs to, and whether as a part."""
    window = WINDOW * min_length_px
    beside = None
    for number in lines.near(fragment):
        line = lines[number]
        where = _relative(fragment, line, window)
        if where is None:
            continue
        half = max(line.width, fragment.width) / 2
        on_line = where.away <= half + 1
        if on_line and fragment.name == line.name and where.gap <= window:
            return number, True
        short = fragment.length < window and fragment.length < line.length
        thin = fragment.width <= _SLIVER * min_length_px
        minor = (short or thin) and fragment.area <= _MINOR * line.area
        if on_line and short and where.gap <= _TOUCH * min_length_px:
            return number, True
        near = where.away <= line.width / 2 + _BESIDE * min_length_px
        if near and minor and where.gap == 0:
            beside = number
        # Two names for one defect, side by side: bands of different classes that touch.
        touching = where.away <= (line.width + fragment.width) / 2 + _TOUCH * min_length_px
        if touching and where.gap == 0 and fragment.name != line.name:
            beside = number
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
    end, out = min(line.ends, key=lambda each: distance(middle, each[0]))
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


def _joined(line: _Line, fragment: Fragment, rows: Array, shape: tuple[int, int]) -> _Line:
    """Return a line with a fragment as a part of it, fitted to the windows of both."""
    beyond = [float(((fragment.line - end) @ out).max()) for end, out in line.ends]
    number = int(np.argmax(beyond))
    end, out = line.ends[number]
    along = unit_vector(line.line[-1] - line.line[0])
    fragments = [*line.fragments, fragment]
    in_order = [_turned(each, along) for each in fragments]
    in_order.sort(key=lambda each: float(each.path.mean(axis=0) @ along))
    fitted = fitted_line(in_order, rows, shape)
    if line.straight or len(fitted) == 2:
        points = np.concatenate([each.path for each in in_order])
        order = np.argsort((points - line.line[0]) @ along)
        windows = np.concatenate([each.windows for each in fragments])
        return _Line(fragments, weighted_fit(windows, points[order[[0, -1]]], rows))
    if beyond[number] <= 0:
        return replace(line, fragments=fragments)
    points = fragment.line[np.argsort((fragment.line - end) @ out)]
    kept = line.line if number else line.line[::-1]
    joined = np.concatenate([kept, points])
    bands = [*line.bands, np.stack([end, points[0]])]
    return _Line(fragments, joined if number else joined[::-1], bands)


def _turned(fragment: Fragment, along: Array) -> Fragment:
    """Return a fragment whose path runs in a direction."""
    forward = float((fragment.path[-1] - fragment.path[0]) @ along) >= 0
    return fragment if forward else replace(fragment, path=fragment.path[::-1])


def _is_long_enough(line: _Line, shape: tuple[int, int], min_length_px: float) -> bool:
    boxes = np.array(
        [[(side.start, side.stop) for side in fragment.box] for fragment in line.fragments],
        np.float64,
    )
    start, stop = boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)
    inside = (stop > min_length_px) & (start < np.array(shape) - min_length_px)
    return bool((stop - start).max() >= min_length_px and inside.all())


def _placed(lines: Sequence[_Line], place: LinePlacer) -> list[_Line]:
    """Return lines moved to where the image shows the defects; bent and wide ones stay."""
    is_moved = [line.straight and line.elongated for line in lines]
    straight = [line.line for line, each in zip(lines, is_moved, strict=True) if each]
    fixed = [line.line for line, each in zip(lines, is_moved, strict=True) if not each]
    places = iter(place(straight, fixed))
    found = [next(places) if each else None for each in is_moved]
    return [
        line if new is None or new is line.line else replace(line, line=new, is_placed=True)
        for line, new in zip(lines, found, strict=True)
    ]


def _with_new_ends(
    line: _Line, others: Crossings, shape: tuple[int, int], min_length_px: float
) -> _Line:
    """Return a line with its ends at the crossings or borders that they are near."""
    if not line.elongated:
        return line
    points, bands = line.line.copy(), list(line.bands)
    for number in (0, 1):
        end, out = line.ends[number]
        crossings = others if line.straight else None
        new = new_end(end, out, line.length, crossings, shape, min_length_px)
        if not line.straight:
            bands.append(np.stack([end, new]))
        points[-number] = new
    if line.straight and not still_the_line(line.line, points, 0.0):
        return line
    return replace(line, line=points, bands=bands)


def _as_edits(
    lines: Sequence[_Line], names: Sequence[str], draft: MaskStack, widest_px: float
) -> LineEdits:
    """Return bands for straight lines; bent ones, and wide ones, keep their components."""
    kept: dict[str, dict[int, str]] = {name: {} for name in names}
    shapes: dict[bytes, RegionShape] = {}
    bands = []
    for line in lines:
        half = max(line.width / 2, 1.0) + 0.5
        is_narrow = line.is_placed or line.width <= widest_px
        if line.straight and line.elongated and is_narrow:
            bands.append(Band(line.name, line.line, half, is_whole=True))
            continue
        for fragment in line.fragments:
            kept[fragment.name][fragment.component] = line.name
            if fragment.shape is not None:
                digest, shape = fragment.shape
                shapes[digest] = shape
        bands += [Band(line.name, band, half) for band in line.bands]
    return LineEdits(kept, tuple(bands), draft, shapes)
