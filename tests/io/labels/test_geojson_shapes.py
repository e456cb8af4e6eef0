"""GeoJSON of QuPath and of results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.geojson_shapes import geojson_shapes

PATH = Path("drawn.geojson")


def feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_every_geometry_of_qupath_is_read() -> None:
    about: dict[str, Any] = {"classification": {"name": "Vac", "color": [1, 2, 3]}}
    ring = [[10, 20], [14, 20], [14, 30], [10, 20]]
    features = [
        feature("Point", [10.5, 20.5], **about),
        feature("MultiPoint", [[10.5, 20.5], [1.5, 2.5]], **about),
        feature("LineString", [[10.5, 20.5], [1.5, 2.5]], **about),
        feature("MultiLineString", [[[10.5, 20.5], [1.5, 2.5]]], **about),
        feature("Polygon", [ring, ring], **about),
        feature("MultiPolygon", [[ring], [ring]], **about),
    ]
    found = geojson_shapes(PATH, {"type": "FeatureCollection", "features": features})
    assert [each.geometry for each in found] == ["point", "point", "line", "line", "area", "area"]
    assert {each.class_name for each in found} == {"Vac"}
    assert found[0].parts == [[(20, 10)]]  # y first, from the centre of the first pixel
    assert found[1].parts == [[(20, 10), (2, 1)]]
    assert found[4].parts[0][:2] == [(19.5, 9.5), (19.5, 13.5)]
    assert len(found[4].parts) == len(found[5].parts) == 2


def test_a_collection_of_geometries_and_a_list_of_features() -> None:
    parts = [{"type": "Point", "coordinates": [1, 2]}]
    each = {
        "geometry": {"type": "GeometryCollection", "geometries": parts},
        "properties": {"name": "Vac 3", "metadata": {"kind": "point"}},
    }
    (shape,) = geojson_shapes(PATH, [each])
    assert (shape.class_name, shape.kind, shape.parts) == ("Vac", "point", [[(1.5, 0.5)]])


def test_only_a_name_has_a_number_that_is_no_part_of_the_class() -> None:
    about: list[dict[str, Any]] = [
        {"classification": {"name": "Sigma 3"}},
        {"classification": {"names": ["Sigma 5"]}},
        {"class": "SF_1", "name": "other"},
        {"name": "Vac 3"},
    ]
    found = geojson_shapes(PATH, [feature("Point", [1, 2], **each) for each in about])
    assert [each.class_name for each in found] == ["Sigma 3", "Sigma 5", "SF_1", "Vac"]


def test_features_that_are_no_list_are_one_line() -> None:
    with pytest.raises(LabelError, match=r"drawn.geojson: is damaged .*; save it again"):
        geojson_shapes(PATH, {"type": "FeatureCollection", "features": 5})


def test_frames_are_time_points() -> None:
    each = feature("Point", [1, 2], name="Vac")
    each["geometry"]["plane"] = {"c": -1, "z": 0, "t": 4}
    assert geojson_shapes(PATH, each)[0].frame == 4


def test_lines_of_results_count_from_the_centre() -> None:
    each = feature("LineString", [[5, 6], [7, 8]], **{"class": "SF1", "region": 1, "frame": 2})
    about = "x, y in px; pixel centres at integers; y points downwards"
    content = {"type": "FeatureCollection", "coordinate_system": about, "features": [each]}
    (shape,) = geojson_shapes(PATH, content)
    assert (shape.class_name, shape.frame, shape.parts) == ("SF1", 2, [[(6, 5), (8, 7)]])


@pytest.mark.parametrize(
    "broken",
    [
        {"geometry": {"type": "Circle", "coordinates": [1, 2]}, "properties": {"name": "A"}},
        {"geometry": {"type": "Point", "coordinates": [1]}, "properties": {"name": "A"}},
        {"geometry": {"type": "Point", "coordinates": ["a", "b"]}, "properties": {"name": "A"}},
        {"geometry": None, "properties": {"name": "A"}},
        {
            "geometry": {"type": "Point", "coordinates": [1, float("nan")]},
            "properties": {"name": "A"},
        },
        {"geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}},
        {"geometry": {"type": "Point", "coordinates": [1, 2, 5]}, "properties": {"name": "A"}},
        "text",
    ],
)
def test_a_damaged_feature_is_named(broken: Any) -> None:
    good = feature("Point", [1, 2], name="Vac")
    with pytest.raises(LabelError, match=r"drawn.geojson: feature 2: .*; correct or remove it"):
        geojson_shapes(PATH, [good, broken])


def test_a_feature_without_a_class_and_one_with_heights_say_so() -> None:
    with pytest.raises(LabelError, match="feature 1: names no class in classification, class"):
        geojson_shapes(PATH, [feature("Point", [1, 2])])
    high = feature("MultiPoint", [[1, 2, 0], [1, 2, 5]], name="Vac")
    with pytest.raises(LabelError, match="positions have three coordinates; give x, y and"):
        geojson_shapes(PATH, [high])
    (flat,) = geojson_shapes(PATH, [feature("Point", [1, 2, 0], name="Vac")])
    assert flat.parts == [[(1.5, 0.5)]]
