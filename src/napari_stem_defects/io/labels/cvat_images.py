"""XML of CVAT ("CVAT for images 1.1") as shapes to label.

Positions are x, y in px from the corner of the first pixel. It is the export of CVAT that keeps
points and lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import (
    DAMAGED,
    DrawnShape,
    check_parts,
    class_of_label,
)
from napari_stem_defects.io.labels.image_owners import find_owners
from napari_stem_defects.io.labels.outlines_drawn import (
    check_numbers,
    ellipse,
    mask_outlines,
    rectangle,
)
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.drawn_shapes import Geometry, Position

_CORNER = 0.5
_MOST_BYTES = 2**28
_FORMS: dict[str, Geometry] = {"points": "point", "polyline": "line", "polygon": "area"}
_OTHERS = ("box", "ellipse", "mask", "skeleton")
# Of the image as a whole.
_WITHOUT_PLACE = ("tag", "attribute")
# Read in pieces, so that reading stops at a DOCTYPE and does not come to what it defines.
_PIECE = 2**8


class _Builder(ElementTree.TreeBuilder):
    """Builds the elements of files without a DOCTYPE, in whatever encoding."""

    def doctype(self, name: str, *_: str | None) -> None:
        """Refuse the entities that a DOCTYPE may define; CVAT writes none."""
        raise _DoctypeError(name)


class _DoctypeError(Exception):
    """The file has a DOCTYPE."""


def read_cvat(
    path: Path, micrographs: Sequence[Micrograph], remarks: list[str] | None = None
) -> list[tuple[Micrograph, list[DrawnShape]]]:
    """Read the shapes of each micrograph.

    Parameters
    ----------
    path : Path
        A file ``.xml``.
    micrographs : sequence of Micrograph
        Found by their file names.
    remarks : list of str, optional
        See `find_owners`.

    Returns
    -------
    list of (Micrograph, list of DrawnShape)

    Raises
    ------
    LabelError
        The file is no XML of CVAT with images, a shape is damaged or of a form without an
        outline, no micrograph belongs to the file, or one has another size.
    """
    images = _images(path)
    about = [
        {"id": number, "file_name": image.get("name", "")} | _size(path, image)
        for number, image in enumerate(images)
    ]
    owner = find_owners(path, about, micrographs, remarks)
    found: dict[int, list[DrawnShape]] = {}
    for number, image in enumerate(images):
        drawn = [each for each in image if each.tag not in _WITHOUT_PLACE]
        for place, each in enumerate(drawn if number in owner else [], 1):
            if each.tag not in (*_FORMS, *_OTHERS):
                fault = f"{each.tag} {place} of {image.get('name')} has no outline"
                raise LabelError(one_line(path, fault, "draw it as a polygon, or remove it"))
            try:
                shape = _shape(each)
            except (*DAMAGED, LabelError) as error:
                fault = f"{each.tag} {place} of {image.get('name')} is damaged ({error})"
                raise LabelError(one_line(path, fault, "correct or remove it")) from error
            found.setdefault(owner[number], []).append(shape)
    return [(micrographs[place], found[place]) for place in sorted(found)]


def _images(path: Path) -> list[ElementTree.Element]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            fault = f"is larger than {_MOST_BYTES // 2**20} MiB"
            raise LabelError(one_line(path, fault, "export fewer images at a time from CVAT"))
        root = _parse(path.read_bytes())
    except _DoctypeError:
        fault = "has a DOCTYPE, which may define XML entities"
        raise LabelError(one_line(path, fault, "export it again from CVAT")) from None
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(path, fault, "export it again from CVAT")) from error
    images = root.findall("image")
    if root.tag != "annotations" or not images or root.find("track") is not None:
        advice = "export the task as 'CVAT for images 1.1'"
        raise LabelError(one_line(path, "is no XML of CVAT with images", advice))
    return images


def _parse(content: bytes) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_Builder())  # noqa: S314 - entities are refused
    for start in range(0, len(content), _PIECE):
        parser.feed(content[start : start + _PIECE])
    root: ElementTree.Element = parser.close()
    return root


def _size(path: Path, image: ElementTree.Element) -> dict[str, int]:
    try:
        return {name: int(image.get(name, "")) for name in ("height", "width")}
    except ValueError:
        fault = f"image {image.get('name')!r} has no size"
        raise LabelError(one_line(path, fault, "export it again from CVAT")) from None


def _shape(element: ElementTree.Element) -> DrawnShape:
    class_name = class_of_label(element.get("label", ""))
    number = {
        name: float(value)
        for name, value in element.items()
        if name in ("xtl", "ytl", "xbr", "ybr", "cx", "cy", "rx", "ry", "rotation")
    }
    turned = number.get("rotation", 0.0)
    check_numbers(turned)
    parts: list[list[Position]]
    if element.tag in _FORMS:
        parts = [_places(element)]
    elif element.tag == "skeleton":
        seen = [each for each in element.iter("points") if each.get("outside") != "1"]
        parts = [[place for each in seen for place in _places(each)]]
    elif element.tag == "ellipse":
        centre = (number.get("cx", np.nan), number.get("cy", np.nan))
        parts = [ellipse(*centre, number.get("rx", np.nan), number.get("ry", np.nan), turned)]
    elif element.tag == "mask":
        parts = _mask(element)
    else:
        left, top = number.get("xtl", np.nan), number.get("ytl", np.nan)
        size = (number.get("xbr", np.nan) - left, number.get("ybr", np.nan) - top)
        parts = [_turned(rectangle(left, top, *size), turned)]
    check_parts(parts)
    geometry = "point" if element.tag == "skeleton" else _FORMS.get(element.tag, "area")
    return DrawnShape(class_name, 0, geometry, parts)


def _places(element: ElementTree.Element) -> list[Position]:
    places = [each.split(",") for each in element.get("points", "").split(";")]
    return [(float(y) - _CORNER, float(x) - _CORNER) for x, y in places]


def _turned(corners: list[Position], degrees: float) -> list[Position]:
    """Turn about the middle, as CVAT does, clockwise as seen in the image."""
    middle = np.mean(corners, axis=0)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    offsets: NDArray[Any] = np.array(corners) - middle
    turn = np.array([[cos, sin], [-sin, cos]])
    return [(float(y), float(x)) for y, x in offsets @ turn.T + middle]


def _mask(element: ElementTree.Element) -> list[list[Position]]:
    """Return the outlines of a mask: runs outside and inside, row by row of its box."""
    top, left, height, width = (
        int(element.get(name, "")) for name in ("top", "left", "height", "width")
    )
    runs = [int(run) for run in element.get("rle", "").split(",")]
    if min(runs) < 0 or sum(runs) > height * width or height * width > _MOST_BYTES:
        raise ValueError("its runs do not fit its box")
    inside = np.zeros(height * width, bool)
    ends = np.cumsum(runs)
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        inside[start:end] = True
    return mask_outlines(inside.reshape(height, width), top, left)
