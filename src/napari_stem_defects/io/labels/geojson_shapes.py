"""GeoJSON with QuPath's conventions as shapes to label; ``lines.geojson`` of results, too.

The class is that of the classification, else the property ``class``, else the name without its
number. Positions are x, y in px from the corner of the first pixel, unless the file states that
pixel centres are at integers, as files of results do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import (
    DAMAGED,
    DrawnShape,
    check_parts,
    class_of_label,
    class_of_name,
    kind_stated,
)
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_stem_defects.io.labels.drawn_shapes import Geometry, Position

_FORMS: dict[str, tuple[Geometry, int]] = {
    "Point": ("point", 0),
    "MultiPoint": ("point", 1),
    "LineString": ("line", 1),
    "MultiLineString": ("line", 2),
    "Polygon": ("area", 2),
    "MultiPolygon": ("area", 3),
}
"""Geometry, and how deep positions lie in the coordinates."""


def geojson_shapes(path: Path, content: Any) -> list[DrawnShape]:
    """Return the shapes in the content of a GeoJSON file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    content : object
        A FeatureCollection, a Feature, or a list of features.

    Returns
    -------
    list of DrawnShape

    Raises
    ------
    LabelError
        A feature is damaged or names no class; the message states which.
    """
    corner = 0.5
    if isinstance(content, dict):
        corner = 0.0 if "centres at integers" in str(content.get("coordinate_system")) else 0.5
        features = content["features"] if "features" in content else [content]
    else:
        features = content
    if not isinstance(features, list):
        fault = "is damaged (its features are no list)"
        raise LabelError(one_line(path, fault, "save it again from its program"))
    shapes = list[DrawnShape]()
    for number, feature in enumerate(features, 1):
        try:
            shapes += _shapes(feature, corner)
        except (*DAMAGED, LabelError) as error:
            fault = f"feature {number}: {_fault(error)}"
            raise LabelError(one_line(path, fault, "correct or remove it")) from error
    return shapes


def _fault(error: Exception) -> str:
    return str(error) if isinstance(error, LabelError) else f"is damaged ({error!r})"


def _shapes(feature: Any, corner: float) -> Iterator[DrawnShape]:
    about = feature.get("properties") or {}
    metadata = about.get("metadata") or {}
    class_name = _class(about)
    kind = kind_stated(class_name, metadata.get("kind") or about.get("kind"))
    geometry = feature["geometry"]
    frame = int((geometry.get("plane") or {}).get("t", about.get("frame") or 0))
    for each in geometry["geometries"] if "geometries" in geometry else [geometry]:
        form, depth = _FORMS[each["type"]]
        parts = list(_parts(each["coordinates"], depth, corner))
        check_parts(parts)
        yield DrawnShape(class_name, frame, form, parts, kind)


def _class(about: dict[str, Any]) -> str:
    classification = about.get("classification")
    if isinstance(classification, dict):
        classification = classification.get("name") or ": ".join(classification.get("names", ()))
    if stated := classification or about.get("class"):
        return class_of_label(stated)
    name = str(about.get("name") or "")
    if not name.strip():
        raise LabelError("names no class in classification, class or name of its properties")
    return class_of_name(name)


def _parts(coordinates: Any, depth: int, corner: float) -> Iterator[list[Position]]:
    if depth == 0:
        yield [_position(coordinates, corner)]
    elif depth == 1:
        yield [_position(each, corner) for each in coordinates]
    else:
        for each in coordinates:
            yield from _parts(each, depth - 1, corner)


def _position(place: Any, corner: float) -> Position:
    if any(place[2:]):
        # napari-geojson writes the frame there, GeoJSON means the height above the ground.
        raise LabelError("positions have three coordinates; give x, y and the property frame")
    x, y = (float(value) - corner for value in place[:2])
    return y, x
