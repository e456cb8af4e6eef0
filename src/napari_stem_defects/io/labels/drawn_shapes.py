"""Points, lines and areas that were drawn in another program, as positions of labels."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from skimage.draw import polygon2mask

from napari_stem_defects.base.defect_classes import Kind, check_class_name, check_kind
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.point_table import PointRow
from napari_stem_defects.labels.label_sampling import MIN_DISTANCE_PX, sample_positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

Position = tuple[float, float]
Geometry = Literal["point", "line", "area"]

# "Vac 3", "frame 2 Vac 3", "SF1-0004", "Vac (2)": the class, then a number.
_NUMBERED = re.compile(r"(?:frame \d+ )?(.+?)(?:[\s_.-]+\(?\d+\)?)+")
_NUMBERS_ONLY = re.compile(r"[\d\s_.-]*")
# No image is as large; a line to there would be sampled into billions of labels.
_FARTHEST_PX = 1e6

DAMAGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What is raised where a file holds another value than expected."""


class DrawnShape(NamedTuple):
    """A shape of one class; positions are (y, x) in px, pixel centres at integers.

    Attributes
    ----------
    class_name : str
    frame : int
    geometry : {"point", "line", "area"}
    parts : sequence of sequence of (float, float)
        Of "point" its positions, of "line" the points of each line, of "area" its rings; what lies
        inside an even number of rings is a hole.
    kind : {"point", "line", "area"} or None
        Kind of the class, where the file states it.
    """

    class_name: str
    frame: int
    geometry: Geometry
    parts: Sequence[Sequence[Position]]
    kind: Kind | None = None


def class_of_name(name: str) -> str:
    """Return the class in the name of a shape.

    Parameters
    ----------
    name : str
        The name of the class, or the name followed by a number, as "Vac 3".

    Returns
    -------
    str

    Raises
    ------
    LabelError
        There is no name but numbers.
    """
    name = name.strip()
    if _NUMBERS_ONLY.fullmatch(name):
        name = ""
    found = _NUMBERED.fullmatch(name)
    return check_class_name((found.group(1) if found else name).strip())


def class_of_label(label: object) -> str:
    """Return the class that a label names, in a program where the label is the class.

    Parameters
    ----------
    label : object
        What the file holds; numbers at its end are part of the name.

    Returns
    -------
    str

    Raises
    ------
    LabelError
        It is no text, or cannot be the name of a class.
    """
    if not isinstance(label, str):
        raise LabelError(f"its label {label!r} is no text")
    return check_class_name(label.strip())


def check_parts(parts: Sequence[Sequence[Position]]) -> None:
    """Check the positions of a shape.

    Parameters
    ----------
    parts : sequence of sequence of (float, float)
        As in `DrawnShape`.

    Raises
    ------
    ValueError
        A part has no position, or a position cannot be in an image.
    """
    if not parts or not all(len(part) for part in parts):
        raise ValueError("a position is missing")
    if not all((np.abs(np.array(part, float)) < _FARTHEST_PX).all() for part in parts):
        raise ValueError("a position is not finite or outside of any image")


def kind_stated(name: str, kind: object) -> Kind | None:
    """Return the kind of a class that a file states.

    Parameters
    ----------
    name : str
        Name of the class.
    kind : object
        What the file holds.

    Returns
    -------
    {"point", "line", "area"} or None
        None where the file states none.

    Raises
    ------
    LabelError
        The kind does not suit the class.
    """
    if kind not in ("point", "line", "area", "bulk"):
        return None
    check_kind(name, kind)
    return kind


def rows_of(
    shapes: Iterable[DrawnShape | PointRow], kinds: Mapping[str, Kind], shape: tuple[int, int]
) -> list[PointRow]:
    """Return the positions of the labels of some shapes.

    Parameters
    ----------
    shapes : iterable of DrawnShape or PointRow
        Rows stay as they are.
    kinds : mapping of str to {"bulk", "point", "line", "area"}
        Kinds of classes that are known; they hold before the form in which a class is drawn.
    shape : (int, int)
        Height and width of the image in px.

    Returns
    -------
    list of PointRow
        A point defect has one, in the middle of what is drawn; lines and areas one every half
        patch. The kind of a class that is not known is that of its first shape.
    """
    rows, seen = list[PointRow](), dict[str, Kind]()
    for each in shapes:
        if isinstance(each, PointRow):
            rows.append(each)
            continue
        known = kinds.get(each.class_name) or seen.get(each.class_name)
        kind = known or each.kind or each.geometry
        seen[each.class_name] = kind
        given = None if each.class_name in kinds else kind
        rows += [
            PointRow(y, x, each.class_name, each.frame, given)
            for y, x in _positions(each, kind, shape)
        ]
    return rows


def _positions(drawn: DrawnShape, kind: Kind, shape: tuple[int, int]) -> Iterator[Position]:
    if drawn.geometry == "point":
        for part in drawn.parts:
            yield from part
    elif drawn.geometry == "line":
        for part in drawn.parts:
            yield from _along(part, 1 if kind == "point" else None)
    else:
        mask, corner = _mask(drawn.parts, shape)
        if not mask.any():  # smaller than a pixel, or outside the image
            yield _mean(drawn)
        elif kind == "point":
            y, x = np.argwhere(mask).mean(axis=0) + corner
            yield float(y), float(x)
        else:
            for y, x in sample_positions(mask):
                yield y + corner[0], x + corner[1]


def _along(line: Sequence[Position], count: int | None) -> Iterator[Position]:
    """Yield points at equal distances along a polyline, half of one from its ends."""
    points = np.array(line, float)
    if len(points) == 1:
        yield float(points[0, 0]), float(points[0, 1])
        return
    ends = np.cumsum([0.0, *(math.dist(first, second) for first, second in pairwise(line))])
    count = count or max(1, round(ends[-1] / MIN_DISTANCE_PX))
    for at in (np.arange(count) + 0.5) * ends[-1] / count:
        y, x = (float(np.interp(at, ends, points[:, axis])) for axis in (0, 1))
        yield y, x


def _mask(
    rings: Sequence[Sequence[Position]], shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Return the pixels whose centres lie inside an odd number of rings, and their corner."""
    every = np.array([point for ring in rings for point in ring], float)
    low = np.clip(np.floor(every.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(every.max(axis=0)) + 1, low, shape).astype(int)
    inside = np.zeros(high - low, bool)
    if inside.size:
        for ring in rings:
            inside ^= polygon2mask(inside.shape, np.array(ring, float) - low)
    return inside, (int(low[0]), int(low[1]))


def _mean(drawn: DrawnShape) -> Position:
    y, x = np.mean([point for ring in drawn.parts for point in ring], axis=0).tolist()
    return y, x
