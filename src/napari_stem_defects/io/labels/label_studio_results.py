"""JSON files of Label Studio as shapes to label; positions are in percent of the image.

What a brush painted is an area of pixels. The class is the label of a region. A task has one image
and the regions of its annotation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.brush_strokes import painted_mask
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
# Uploaded files get random digits before their name.
_UPLOAD = re.compile(r"[0-9a-f]{8}-(?=.)")
_BRUSH = "brushlabels"
_SHAPES = ("keypointlabels", "rectanglelabels", "ellipselabels", "polygonlabels", _BRUSH)


def is_label_studio(content: object) -> bool:
    """Return whether the content of a JSON file is an export of Label Studio."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(task, dict) and "annotations" in task for task in content)
    )


def label_studio_shapes(
    path: Path,
    content: Sequence[Mapping[str, Any]],
    micrographs: Sequence[Micrograph],
    remarks: list[str] | None = None,
) -> list[tuple[Micrograph, list[DrawnShape]]]:
    """Return the shapes of each micrograph in the content of a file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    content : sequence of dict
        The tasks.
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
        A region is damaged or of a kind without an outline, a task has several annotations, no
        micrograph belongs to the file, or one has another size.
    """
    found: dict[int, list[DrawnShape]] = {}
    where = ""
    try:
        results = [_result(path, number, task) for number, task in enumerate(content, 1)]
        images = [_image(number, task, results[number]) for number, task in enumerate(content)]
        owner = find_owners(path, images, micrographs, remarks)
        for number, regions in enumerate(results):
            for place, region in enumerate(regions, 1):
                where = f"task {number + 1}, region {place} "
                if number in owner and str(region.get("type", "")).endswith("labels"):
                    found.setdefault(owner[number], []).append(_shape(path, where, region))
    except DAMAGED as error:
        fault = f"{where}is damaged ({error!r})"
        raise LabelError(one_line(path, fault, "correct or remove it")) from error
    return [(micrographs[place], found[place]) for place in sorted(found)]


def _result(path: Path, number: int, task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the regions of the annotation of a task."""
    kept = [each for each in task["annotations"] if not each.get("was_cancelled")]
    if len(kept) > 1:
        kept = [each for each in kept if each.get("ground_truth")]
        if len(kept) != 1:
            advice = "mark one as ground truth, or remove the others"
            raise LabelError(one_line(path, f"task {number} has several annotations", advice))
    return list(kept[0]["result"]) if kept else []


def _image(
    number: int, task: Mapping[str, Any], regions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return name and size of the image of a task."""
    name = str(task.get("file_upload") or next(iter(task["data"].values()), ""))
    if not name:
        raise ValueError(f"task {number + 1} names no image")
    name = _UPLOAD.sub("", name.replace("\\", "/").rpartition("/")[2], count=1)
    sized = next((each for each in regions if "original_width" in each), {})
    size = {"height": sized.get("original_height"), "width": sized.get("original_width")}
    return {"id": number, "file_name": name, **size}


def _shape(path: Path, where: str, region: Mapping[str, Any]) -> DrawnShape:
    kind, value = region["type"], region["value"]
    if kind not in _SHAPES:
        fault = f"{where}is of the type {kind!r}, which has no outline"
        raise LabelError(one_line(path, fault, "draw it as a polygon or with the brush"))
    if region.get("image_rotation"):
        fault = f"{where}was drawn on a turned image"
        raise LabelError(one_line(path, fault, "turn the image back in Label Studio"))
    across, down = region["original_width"] / 100, region["original_height"] / 100
    geometry: Geometry = "area"
    if kind == _BRUSH:
        shape = int(region["original_height"]), int(region["original_width"])
        parts = mask_outlines(painted_mask(value["rle"], shape))
        if not parts:
            raise LabelError(one_line(path, f"{where}has no painted px", "remove it"))
    else:
        geometry, positions = _drawn(kind, value, float(across), float(down))
        parts = [positions]
    check_parts(parts)
    (name,) = value[kind]
    try:
        return DrawnShape(class_of_label(name), 0, geometry, parts)
    except LabelError as error:
        raise LabelError(one_line(path, f"{where.strip()}: {error}", "rename the label")) from error


def _drawn(
    kind: str, value: Mapping[str, Any], across: float, down: float
) -> tuple[Geometry, list[Position]]:
    """Return geometry and positions; ``across`` and ``down`` are px per percent."""
    if kind == "polygonlabels":
        return "area", [(y * down - _CORNER, x * across - _CORNER) for x, y in value["points"]]
    x, y, turned = value["x"] * across, value["y"] * down, float(value.get("rotation") or 0)
    if kind == "keypointlabels":
        return "point", [(y - _CORNER, x - _CORNER)]
    if kind == "ellipselabels":
        return "area", ellipse(x, y, value["radiusX"] * across, value["radiusY"] * down, turned)
    return "area", rectangle(x, y, value["width"] * across, value["height"] * down, turned)
