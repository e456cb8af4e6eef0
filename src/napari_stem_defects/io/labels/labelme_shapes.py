"""Files of LabelMe as shapes to label; positions are x, y in px from the corner of the first pixel.

The class is the label of a shape.
"""

from __future__ import annotations

import base64
import io
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import (
    DAMAGED,
    DrawnShape,
    check_parts,
    class_of_label,
)
from napari_stem_defects.io.labels.image_owners import find_owners
from napari_stem_defects.io.labels.outlines_drawn import ellipse, mask_outlines, rectangle
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.drawn_shapes import Geometry, Position

_CORNER = 0.5
# What the reader of PNG raises for damaged files.
_BAD_MASK = (OSError, SyntaxError, struct.error, zlib.error, Image.DecompressionBombError)
_FORMS: dict[str, Geometry] = {
    "point": "point",
    "points": "point",
    "line": "line",
    "linestrip": "line",
    "polygon": "area",
    "oriented_rectangle": "area",
}


def is_labelme(content: object) -> bool:
    """Return whether the content of a JSON file is of LabelMe."""
    return isinstance(content, dict) and "shapes" in content and "imagePath" in content


def labelme_shapes(
    path: Path,
    content: Mapping[str, Any],
    micrographs: Sequence[Micrograph],
    remarks: list[str] | None = None,
) -> list[tuple[Micrograph, list[DrawnShape]]]:
    """Return the shapes in the content of a file and the micrograph they were drawn in.

    Parameters
    ----------
    path : Path
        The file, for messages.
    content : mapping
    micrographs : sequence of Micrograph
        Found by the file name.
    remarks : list of str, optional
        See `find_owners`.

    Returns
    -------
    list of (Micrograph, list of DrawnShape)
        One.

    Raises
    ------
    LabelError
        A shape is damaged, no micrograph belongs to the file, or that has another size.
    """
    image = {"id": 0, "file_name": content["imagePath"]}
    image |= {"height": content.get("imageHeight"), "width": content.get("imageWidth")}
    owner = micrographs[find_owners(path, [image], micrographs, remarks)[0]]
    if not isinstance(content["shapes"], list):
        fault = "is damaged (its shapes are no list)"
        raise LabelError(one_line(path, fault, "save it again from LabelMe"))
    shapes = list[DrawnShape]()
    for number, each in enumerate(content["shapes"], 1):
        try:
            geometry, parts = _drawn(each)
            shapes.append(DrawnShape(class_of_label(each["label"]), 0, geometry, parts))
            check_parts(parts)
        except (*DAMAGED, *_BAD_MASK, LabelError) as error:
            known = isinstance(error, LabelError)
            fault = f"shape {number}: {error if known else f'is damaged ({error!r})'}"
            raise LabelError(one_line(path, fault, "correct or remove it")) from error
    return [(owner, shapes)]


def _drawn(shape: Mapping[str, Any]) -> tuple[Geometry, list[list[Position]]]:
    points = [(float(x), float(y)) for x, y in shape["points"]]
    check_parts([points])
    form = shape.get("shape_type") or "polygon"
    if form == "mask":
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"])), formats=("PNG",)) as image:
            mask = np.asarray(image.convert("L")) > 0
        # The first corner is the first pixel itself.
        return "area", mask_outlines(mask, top=round(points[0][1]), left=round(points[0][0]))
    if form in ("rectangle", "circle"):
        (x, y), (other_x, other_y) = points
        if form == "circle":
            radius = math.dist(*points)
            return "area", [ellipse(x, y, radius, radius)]
        left, top = min(x, other_x), min(y, other_y)
        return "area", [rectangle(left, top, abs(other_x - x), abs(other_y - y))]
    return _FORMS[form], [[(y - _CORNER, x - _CORNER) for x, y in points]]
