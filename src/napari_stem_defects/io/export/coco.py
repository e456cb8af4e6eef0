"""COCO: one JSON file over all images, an image for each frame and an annotation for each region.

Every region has its area, bounding box and segmentation: polygons, or a run-length encoding where
it has holes. Positions are x, y in px from the corner of the first pixel.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.version import __version__
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.export.shapes import CORNER, measured, site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_stem_defects.io.export.exported_results import ExportedFrame, ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions
    from napari_stem_defects.postprocessing.outlines import Polygon
    from napari_stem_defects.postprocessing.results import Region

FILE = "coco.json"


def write(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``coco.json``; see `api.export.export`."""
    categories: dict[str, dict[str, Any]] = {}
    for image in images:
        for name, each in image.classes.items():
            about = {"id": len(categories) + 1, "name": name, "supercategory": "defect"}
            categories.setdefault(
                name, {**about, "kind": each.kind, "title": each.title, "color": each.colour}
            )
    encode = json.JSONEncoder(allow_nan=False).encode
    frames, annotations = list[dict[str, Any]](), list[str]()
    for image in images:
        with options.leaving_out(image):
            own_frames, own = list[dict[str, Any]](), list[str]()
            for frame in image.frames():
                place = len(frames) + len(own_frames) + 1
                own_frames.append(_frame(image, frame.index, place))
                for found in _annotations(image, frame):
                    number = categories[found.pop("class")]["id"]
                    about = {"id": len(annotations) + len(own) + 1, "image_id": place}
                    own.append(encode(about | {"category_id": number, "iscrowd": 0, **found}))
            frames += own_frames
            annotations += own
    options.refuse_nothing(images)
    content = {
        "info": {"description": "crystal defects", "version": __version__},
        "licenses": [],
        "images": frames,
        "categories": list(categories.values()),
    }
    head = json.dumps(content, allow_nan=False).removesuffix("}")
    text = ",\n".join(annotations)
    write_bytes(out / FILE, f'{head}, "annotations": [\n{text}\n]}}\n'.encode())
    return [out / FILE]


def _frame(image: ExportedImage, index: int, number: int) -> dict[str, Any]:
    height, width = image.shape
    return {
        "id": number,
        "file_name": image.file_name,
        "width": width,
        "height": height,
        "frame": index,
        "pixel_size_nm": image.pixel_size_nm,
        "sha256": image.summary["image"]["sha256"],
    }


def _annotations(image: ExportedImage, frame: ExportedFrame) -> Iterator[dict[str, Any]]:
    for region, polygons in frame.outlines(lambda _: True):
        if not polygons:
            continue  # its pixels were removed from the masks by hand
        # Lists: most outlines have few vertices, for which calls of NumPy take longer.
        rings = [each.shell[:, ::-1].ravel().tolist() for each in polygons]
        left, right = _ends([x for ring in rings for x in ring[::2]])
        top, bottom = _ends([y for ring in rings for y in ring[1::2]])
        has_holes = any(each.holes for each in polygons)
        yield {
            "class": region.class_name,
            "segmentation": run_lengths(polygons, image.shape) if has_holes else rings,
            "area": region.area_px,
            "bbox": [left, top, right - left, bottom - top],
            "attributes": _attributes(region),
        }


def _ends(values: Sequence[int]) -> tuple[int, int]:
    return min(values), max(values)


def _attributes(region: Region) -> dict[str, Any]:
    y, x = site(region)
    numbers, texts = measured(region)
    about: dict[str, Any] = {"kind": region.kind, "region": region.region, **texts, **numbers}
    if region.kind == "point":
        about["site"] = [x + CORNER, y + CORNER]
    if region.centre_line:
        about["centre_line"] = [[x + CORNER, y + CORNER] for y, x in region.centre_line]
    return about


def run_lengths(polygons: Sequence[Polygon], shape: tuple[int, int]) -> dict[str, Any]:
    """Return a region as COCO's uncompressed run-length encoding.

    Parameters
    ----------
    polygons : sequence of Polygon
        Its outline.
    shape : (int, int)
        Height and width of the image in px.

    Returns
    -------
    dict
        ``size`` and ``counts``: lengths of runs outside and inside the region by turns, column by
        column from the left, beginning outside.
    """
    height, width = shape
    crossings = []
    for polygon in polygons:
        for ring in (polygon.shell, *polygon.holes):
            after = np.roll(ring, -1, axis=0)
            # In each column, a horizontal edge is where the region begins or ends.
            for (y, x), (_, end) in zip(
                ring[ring[:, 0] == after[:, 0]].tolist(),
                after[ring[:, 0] == after[:, 0]].tolist(),
                strict=True,
            ):
                crossings.append(np.arange(min(x, end), max(x, end)) * height + y)
    places, times = np.unique(np.concatenate(crossings), return_counts=True)
    # A region that ends at the bottom of a column and begins at the top of the next goes on.
    turns = places[times % 2 == 1]
    counts = np.diff(np.concatenate([[0], turns, [height * width]]))
    if counts[-1] == 0:
        counts = counts[:-1]
    return {"size": [height, width], "counts": counts.tolist()}
