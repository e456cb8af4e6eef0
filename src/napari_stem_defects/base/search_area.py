"""Search area: the part of an image that is analysed, as a rectangle or as outlines, in px.

Pixel i covers i - 0.5 to i + 0.5; it belongs to an area if its centre does.
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
_LONGEST_TEXT = 100
MAX_POINTS = 200
"""Maximum number of corners of an outline and of outlines of an area.

Result files keep lists up to this length.
"""

Outline = tuple[tuple[float, float], ...]
SearchAreaLike = tuple[int, int, int, int] | Sequence[Sequence[tuple[float, float]]]
"""(top, left, bottom, right) of a rectangle in whole px, or outlines of (y, x) points in px."""


class PixelBox(NamedTuple):
    """A rectangle of whole pixels; ``bottom`` and ``right`` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class SearchArea:
    """The pixels inside one or more closed outlines.

    Attributes
    ----------
    outlines : tuple of tuples of (y, x)
        Corners in px of the image. The area is the union of the outlined polygons.

    Examples
    --------
    >>> area = sd.SearchArea.rectangle(10, 20, 60, 90)
    >>> area.to_text()
    '10,20,60,90'
    >>> int(area.mask((128, 128)).sum())
    3500
    """

    outlines: tuple[Outline, ...]

    def __repr__(self) -> str:
        text = self.to_text()
        corners = sum(map(len, self.outlines))
        many = f"{len(self.outlines)} outlines with {corners} corners"
        return f"SearchArea({many if len(text) > _LONGEST_TEXT else text})"

    @classmethod
    def rectangle(cls, top: int, left: int, bottom: int, right: int) -> SearchArea:
        """Return a rectangular area of whole pixels.

        Parameters
        ----------
        top, left, bottom, right : int
            Edges in px; ``bottom`` and ``right`` are exclusive.

        Returns
        -------
        SearchArea
        """
        y0, x0, y1, x1 = (edge - 0.5 for edge in (top, left, bottom, right))
        return cls((((y0, x0), (y0, x1), (y1, x1), (y1, x0)),))

    @classmethod
    def from_value(cls, value: SearchArea | SearchAreaLike) -> SearchArea:
        """Return the search area that a value describes.

        Parameters
        ----------
        value : SearchArea, (int, int, int, int) or sequence of outlines
            An area, the edges of a rectangle as in `rectangle`, or outlines of (y, x) points in
            px.

        Returns
        -------
        SearchArea

        Raises
        ------
        InputError
            If the value is none of these.
        """
        if isinstance(value, SearchArea):
            return value
        try:
            if all(np.ndim(edge) == 0 for edge in value):
                return cls.rectangle(*map(operator.index, value))  # type: ignore[arg-type]
            outlines = tuple(
                tuple((float(y), float(x)) for y, x in outline)  # type: ignore[union-attr]
                for outline in value
            )
            return cls(_check_outlines(outlines))
        except (TypeError, ValueError):
            raise InputError(
                f"area {str(value)[:60]}: give (top, left, bottom, right) or outlines of 3 to"
                f" {MAX_POINTS} points (y, x)"
            ) from None

    @classmethod
    def parse(cls, text: str) -> SearchArea:
        """Read ``TOP,LEFT,BOTTOM,RIGHT`` or ``Y,X Y,X Y,X``, with ``;`` between outlines.

        Parameters
        ----------
        text : str
            Rectangle or outlines, in px.

        Returns
        -------
        SearchArea

        Raises
        ------
        InputError
            If the text is neither.
        """
        try:
            if ";" not in text and " " not in text.strip():
                return cls.rectangle(*map(int, text.split(",")))
            return cls(_check_outlines(tuple(map(_parse_points, text.split(";")))))
        except (TypeError, ValueError):
            raise InputError(
                f"area {text[:60]!r} is not of the form TOP,LEFT,BOTTOM,RIGHT or Y,X Y,X Y,X[;...]"
                f" with at most {MAX_POINTS} points"
            ) from None

    def to_text(self) -> str:
        """Return the text that `parse` reads."""
        if (box := self._as_rectangle()) is not None:
            return ",".join(map(str, box))
        return ";".join(" ".join(f"{y!r},{x!r}" for y, x in each) for each in self.outlines)

    def to_json(self) -> list[object]:
        """Return the JSON-safe lists that `from_value` reads.

        Returns
        -------
        list
            ``[top, left, bottom, right]``, or outlines as lists of ``[y, x]``.
        """
        if (box := self._as_rectangle()) is not None:
            return list(box)
        return [[list(point) for point in outline] for outline in self.outlines]

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the pixels of an image that belong to the area.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the image in px.

        Returns
        -------
        ndarray of bool, shape (Y, X)
        """
        inside = np.zeros(shape, bool)
        for outline in self.outlines:
            y, x = np.array(outline).T
            for start in range(0, shape[0], _BLOCK_ROWS):
                block = inside[start : start + _BLOCK_ROWS]
                block[polygon(y - start, x, block.shape)] = True
        return inside

    def bounding_box(self, shape: tuple[int, int]) -> PixelBox:
        """Return the smallest rectangle around the pixels of the area.

        Parameters
        ----------
        shape : (int, int)
            Height and width of the image in px.

        Returns
        -------
        PixelBox

        Raises
        ------
        InputError
            If no pixel of the image belongs to the area.
        """
        inside = self.mask(shape)
        rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        if not rows.size:
            raise InputError(
                f"area {self.to_text()}: no pixel of the image is inside; choose another"
            )
        return PixelBox(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)

    def _as_rectangle(self) -> PixelBox | None:
        """Return the rectangle of whole pixels that the area is, or None."""
        y, x = np.array(self.outlines[0]).T + 0.5
        edges = PixelBox(*(math.floor(edge) for edge in (y.min(), x.min(), y.max(), x.max())))
        return edges if self == SearchArea.rectangle(*edges) else None


def searched_px(
    frame_shape: tuple[int, int],
    area: SearchArea | SearchAreaLike | None,
    valid_fraction: float = 1.0,
) -> float:
    """Return how much of a frame was searched.

    Parameters
    ----------
    frame_shape : (int, int)
        Height and width of the frame in px.
    area : SearchArea, its JSON form, or None
        The part chosen; None for the whole frame.
    valid_fraction : float
        Share of the windows of the whole frame that are valid.

    Returns
    -------
    float
        Area in px: the chosen part, or the valid part of the whole frame.
    """
    if area is not None:
        return float(SearchArea.from_value(area).mask(frame_shape).sum())
    return math.prod(frame_shape) * valid_fraction


def _parse_points(text: str) -> Outline:
    pairs = [part.split(",") for part in text.split()]
    return tuple((float(y), float(x)) for y, x in pairs)


def _check_outlines(outlines: tuple[Outline, ...]) -> tuple[Outline, ...]:
    """Return the outlines; raise `ValueError` if they are empty, too many or not finite."""
    if not outlines or any(len(outline) < 3 for outline in outlines):
        raise ValueError("an outline needs at least three points")
    if max(len(outlines), *map(len, outlines)) > MAX_POINTS:
        raise ValueError("too many points")
    if not np.isfinite([point for outline in outlines for point in outline]).all():
        raise ValueError("a point is not finite")
    return outlines
