"""COCO annotations as shapes to label.

Positions are x, y in px from the corner of the first pixel. A segmentation of polygons or a
run-length encoding, plain or compressed, becomes an area; without one, the keypoints that were
labelled are points, or else the middle of the box is one. Files of `stem-defects export` state the
kinds of classes and the measured sites of points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import (
    DAMAGED,
    DrawnShape,
    check_parts,
    class_of_label,
    kind_stated,
)
from napari_stem_defects.io.labels.image_owners import find_owners
from napari_stem_defects.io.labels.outlines_drawn import mask_outlines
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.drawn_shapes import Position

_CORNER = 0.5


def coco_shapes(
    path: Path,
    content: dict[str, Any],
    micrographs: Sequence[Micrograph],
    remarks: list[str] | None = None,
) -> list[tuple[Micrograph, list[DrawnShape]]]:
    """Return the shapes of each micrograph in the content of a COCO file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    content : dict
        With ``images``, ``annotations`` and ``categories``.
    micrographs : sequence of Micrograph
        Found by their file names.
    remarks : list of str, optional
        See `find_owners`.

    Returns
    -------
    list of (Micrograph, list of DrawnShape)
        The micrographs of the file, in the given order.

    Raises
    ------
    LabelError
        A part of the file is damaged, no micrograph belongs to it, or one has another size.
    """
    found: dict[int, list[DrawnShape]] = {}
    where = ""
    try:
        owner = find_owners(path, content["images"], micrographs, remarks)
        frames = {each["id"]: int(each.get("frame", 0)) for each in content["images"]}
        categories = {each["id"]: each for each in content["categories"]}
        for number, each in enumerate(content["annotations"], 1):
            where = f"annotation {number} "
            place = owner.get(each["image_id"])
            if place is not None:
                frame = frames[each["image_id"]]
                name, kind = _class(path, categories[each["category_id"]])
                geometry, parts = _drawn(each, kind, micrographs[place].frame_shape)
                check_parts(parts)
                found.setdefault(place, []).append(DrawnShape(name, frame, geometry, parts, kind))
    except DAMAGED as error:
        fault = f"{where}is damaged ({error!r})"
        raise LabelError(one_line(path, fault, "correct or remove it")) from error
    return [(micrographs[place], found[place]) for place in sorted(found)]


def _class(path: Path, category: dict[str, Any]) -> tuple[str, Kind | None]:
    """Return name and kind of a category."""
    try:
        name = class_of_label(category["name"])
        return name, kind_stated(name, category.get("kind"))
    except LabelError as error:
        fault = f"category {category['id']}: {error}"
        raise LabelError(one_line(path, fault, "correct it")) from error


def _drawn(
    annotation: dict[str, Any], kind: str | None, shape: tuple[int, int]
) -> tuple[Any, list[list[Position]]]:
    """Return geometry and positions of an annotation."""
    about = annotation.get("attributes") or {}
    if kind == "point" and "site" in about:
        return "point", [_positions(about["site"])]
    if kind == "line" and "centre_line" in about:
        return "line", [_positions(np.ravel(about["centre_line"]))]
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        mask = _mask(segmentation, shape)
        rings = mask_outlines(mask)
        if rings:
            return "area", rings
    elif segmentation:
        return "area", [_positions(each) for each in segmentation]
    keypoints = np.array(annotation.get("keypoints") or (), float).reshape(-1, 3)
    if (keypoints[:, 2] > 0).any():
        return "point", [_positions(keypoints[keypoints[:, 2] > 0, :2].ravel())]
    left, top, width, height = (float(value) for value in annotation["bbox"])
    return "point", [_positions([left + width / 2, top + height / 2])]


def _positions(numbers: Any) -> list[Position]:
    """Return positions (y, x) from pixel centres of a list x, y, x, y, ..."""
    places = np.array(numbers, float).reshape(-1, 2) - _CORNER
    return [(y, x) for x, y in places.tolist()]


def _mask(encoded: dict[str, Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of a run-length encoding: runs outside and inside, column by column."""
    counts = encoded["counts"]
    if isinstance(counts, str | bytes):
        counts = _uncompressed(counts.encode() if isinstance(counts, str) else counts)
    height, width = (int(size) for size in encoded["size"])
    if (height, width) != shape or sum(counts) > height * width or min(counts, default=0) < 0:
        raise ValueError("a run-length encoding is not of the size of the image")
    mask = np.zeros(height * width, bool)
    ends = np.cumsum(counts)
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        mask[start:end] = True
    return mask.reshape(width, height).T


def _uncompressed(text: bytes) -> list[int]:
    """Return the runs of COCO's compressed encoding.

    Numbers of five bits per sign from "0" on, least first, with a bit for "more follows" and the
    highest bit as sign; from the fourth run on, each is relative to the one two before it.
    """
    counts, place = list[int](), 0
    while place < len(text):
        value = shift = 0
        more = True
        while more:
            code = text[place] - 48
            value |= (code & 31) << shift
            more = bool(code & 32)
            place, shift = place + 1, shift + 5
            if not more and code & 16:
                value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts
