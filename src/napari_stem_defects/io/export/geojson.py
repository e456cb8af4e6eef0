"""GeoJSON by the conventions of QuPath: one file per image, an annotation for each region.

Positions are x, y in px; the first pixel extends from 0 to 1, so its centre is at 0.5. QuPath reads
the class with its colour, measurements, holes, and the frame of a stack as its time point.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.export.options import name_files
from napari_stem_defects.io.export.shapes import CORNER, measured, shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_stem_defects.io.export.exported_results import ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions
    from napari_stem_defects.io.export.shapes import ExportedShape
    from napari_stem_defects.postprocessing.outlines import Polygon


def write(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``NAME.geojson`` for each image; see `api.export.export`."""
    written = []
    for image, path in name_files(images, out, ".geojson"):
        # Feature by feature: nested lists of all polygons would take twice the time.
        encode = json.JSONEncoder(allow_nan=False).encode
        with options.leaving_out(image):
            text = ",\n".join([encode(each) for each in _features(image, options)])
            whole = f'{{"type": "FeatureCollection", "features": [\n{text}\n]}}\n'
            write_bytes(path, whole.encode())
            written.append(path)
    return written


def _features(image: ExportedImage, options: ExportOptions) -> Iterator[dict[str, Any]]:
    is_stack = image.frame_count > 1
    source = uuid.uuid5(uuid.NAMESPACE_OID, str(image.summary["image"]["sha256"]))
    for frame in image.frames():
        for shape in shapes(image, frame, outlines=options.outlines):
            geometry = _geometry(shape)
            if is_stack:
                geometry["plane"] = {"c": -1, "z": 0, "t": frame.index}
            region = shape.region
            numbers, texts = measured(region)
            name = f"{region.frame}/{region.class_name}/{region.region}"
            yield {
                "type": "Feature",
                # The same in every export, so that a second import replaces the first.
                "id": str(uuid.uuid5(source, name)),
                "geometry": geometry,
                "properties": {
                    "objectType": "annotation",
                    "name": shape.name,
                    "classification": {"name": region.class_name, "color": list(shape.rgb)},
                    "measurements": numbers,
                    "metadata": {"kind": region.kind, **texts},
                },
            }


def _geometry(shape: ExportedShape) -> dict[str, Any]:
    if shape.point is not None:
        y, x = shape.point
        return {"type": "Point", "coordinates": [x + CORNER, y + CORNER]}
    if shape.line:
        line = [[x + CORNER, y + CORNER] for y, x in shape.line]
        return {"type": "LineString", "coordinates": line}
    if len(shape.polygons) == 1:
        return {"type": "Polygon", "coordinates": _rings(shape.polygons[0])}
    return {"type": "MultiPolygon", "coordinates": [_rings(each) for each in shape.polygons]}


def _rings(polygon: Polygon) -> list[list[list[int]]]:
    """Return the rings (x, y), each closed by its first vertex."""
    rings = [ring[:, ::-1].tolist() for ring in (polygon.shell, *polygon.holes)]
    return [[*ring, ring[0]] for ring in rings]
