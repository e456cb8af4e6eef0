"""The part of an image that is searched: rectangles and outlines of any shape, in px.

Pixel i reaches from i - 0.5 to i + 0.5; it belongs to an area where its centre does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.draw import polygon

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK_ROWS = 256
MOST_POINTS = 200
"""Corners of an outline, and outlines of an area: what result files keep of a list."""

Outline = tuple[tuple[float, float], ...]
SearchAreaLike = tuple[int, int, int, int] | Sequence[Sequence[tuple[float, float]]]
"""Top, left, bottom and right of a rectangle in whole px, or outlines of (y, x) points."""


class Box(NamedTuple):
    """A rectangle of whole pixels: first row and column, and those after the last ones."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class SearchArea:
    """What one or more closed outlines enclose.

    Attributes
    ----------
    outlines : tuple of tuples of (y, x)
        Corners in px of the image; what any of them encloses belongs to the area.
    """

    outlines: tuple[Outline, ...]

    @classmethod
    def rectangle(cls, top: int, left: int, bottom: int, right: int) -> SearchArea:
        """Return the area of whole pixels; ``bottom`` and ``right`` are the first ones beyond."""
        y0, x0, y1, x1 = (edge - 0.5 for edge in (top, left, bottom, right))
        return cls((((y0, x0), (y0, x1), (y1, x1), (y1, x0)),))

    @classmethod
    def of(cls, given: SearchArea | SearchAreaLike) -> SearchArea:
        """Return an area given as such, as a rectangle's edges or as outlines.

        Raises
        ------
        InputError
            Where it is none of these.
        """
        if isinstance(given, SearchArea):
            return given
        try:
            if all(np.ndim(edge) == 0 for edge in given):
                return cls.rectangle(*map(operator.index, given))  # type: ignore[arg-type]
            outlines = tuple(
                tuple((float(y), float(x)) for y, x in outline)  # type: ignore[union-attr]
                for outline in given
            )
            return cls(_checked(outlines))
        except (TypeError, ValueError):
            raise InputError(
                f"area {str(given)[:60]}: give (top, left, bottom, right) or outlines of 3 to"
                f" {MOST_POINTS} points (y, x)"
            ) from None

    @classmethod
    def parse(cls, text: str) -> SearchArea:
        """Read ``TOP,LEFT,BOTTOM,RIGHT`` or ``Y,X Y,X Y,X``, outlines parted by ``;``.

        Raises
        ------
        InputError
            Where the text is neither.
        """
        try:
            if ";" not in text and " " not in text.strip():
                return cls.rectangle(*map(int, text.split(",")))
            return cls(_checked(tuple(map(_points, text.split(";")))))
        except (TypeError, ValueError):
            raise InputError(
                f"area {text[:60]!r} is not of the form TOP,LEFT,BOTTOM,RIGHT or Y,X Y,X Y,X[;...]"
                f" with at most {MOST_POINTS} points"
            ) from None

    def text(self) -> str:
        """Return what `parse` reads."""
        if (box := self._as_box()) is not None:
            return ",".join(map(str, box))
        return ";".join(" ".join(f"{y!r},{x!r}" for y, x in each) for each in self.outlines)

    def plain(self) -> list[object]:
        """Return what `of` takes, as plain lists: [top, left, bottom, right] or outlines."""
        if (box := self._as_box()) is not None:
            return list(box)
        return [[list(point) for point in outline] for outline in self.outlines]

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels of an image (Y, X) belong to the area."""
        inside = np.zeros(shape, bool)
        for outline in self.outlines:
            y, x = np.array(outline).T
            for start in range(0, shape[0], _BLOCK_ROWS):
                block = inside[start : start + _BLOCK_ROWS]
                block[polygon(y - start, x, block.shape)] = True
        return inside

    def box(self, shape: tuple[int, int]) -> Box:
        """Return the rectangle around the area's pixels in an image (Y, X).

        Raises
        ------
        InputError
            Where there are none.
        """
        inside = self.mask(shape)
        rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        if not rows.size:
            raise InputError(
                f"area {self.text()}: no pixel of the image lies in it; choose another"
            )
        return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)

    def _as_box(self) -> Box | None:
        y, x = np.array(self.outlines[0]).T + 0.5
        edges = Box(*(math.floor(edge) for edge in (y.min(), x.min(), y.max(), x.max())))
        return edges if self == SearchArea.rectangle(*edges) else None


def _points(text: str) -> Outline:
    pairs = [part.split(",") for part in text.split()]
    return tuple((float(y), float(x)) for y, x in pairs)


def _checked(outlines: tuple[Outline, ...]) -> tuple[Outline, ...]:
    """Refuse what encloses nothing."""
    if not outlines or any(len(outline) < 3 for outline in outlines):
        raise ValueError("an outline has three points or more")
    if max(len(outlines), *map(len, outlines)) > MOST_POINTS:
        raise ValueError("too many points")
    if not np.isfinite([point for outline in outlines for point in outline]).all():
        raise ValueError("a point lies nowhere")
    return outlines
