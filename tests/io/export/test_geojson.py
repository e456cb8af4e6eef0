"""GeoJSON files as QuPath reads them: corners of pixels at integers, x before y."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from export_samples import BLOCK, FAULT_X, HOLE, NM, SHAPE, SITE

import napari_stem_defects as sd


def features_in(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["type"] == "FeatureCollection"
    return {each["properties"]["name"]: each for each in content["features"]}


def test_each_kind_has_its_geometry_at_the_place_of_the_defect(
    result: Path, tmp_path: Path
) -> None:
    (path,) = sd.export(result, "geojson", tmp_path / "out").files
    found = features_in(path)
    assert sorted(found) == ["Ppt 1", "SF1 1", "Vac 1", "Vac 2"]
    point = found["Vac 1"]["geometry"]
    # The centre of a pixel lies half a pixel from its corner.
    assert point == {"type": "Point", "coordinates": [SITE[1] + 0.5, SITE[0] + 0.5]}
    line = found["SF1 1"]["geometry"]
    assert line["type"] == "LineString"
    np.testing.assert_allclose(np.array(line["coordinates"])[:, 0], FAULT_X + 0.5, atol=0.5)
    area = found["Ppt 1"]["geometry"]
    shell, hole = area["coordinates"]
    for ring, (rows, columns) in ((shell, BLOCK), (hole, HOLE)):
        assert ring[0] == ring[-1]
        assert {tuple(corner) for corner in ring} == {
            (x, y) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)
        }


def test_features_have_what_qupath_reads(result: Path, tmp_path: Path) -> None:
    found = features_in(sd.export(result, "geojson", tmp_path / "out").files[0])
    about = found["Vac 1"]["properties"]
    assert about["objectType"] == "annotation"
    assert about["classification"] == {"name": "Vac", "color": [0xD5, 0x5E, 0x00]}
    assert about["metadata"] == {"kind": "point", "sublattice": "A"}
    measured = found["Ppt 1"]["properties"]["measurements"]
    assert measured["area_px"] == 24 * 30 - 16
    np.testing.assert_allclose(measured["area_nm2"], measured["area_px"] * NM**2)
    assert all(isinstance(value, int | float) for value in measured.values())
    assert "plane" not in found["Vac 1"]["geometry"]
    assert len({uuid.UUID(each["id"]) for each in found.values()}) == 4


def test_a_second_export_has_the_same_identities(result: Path, tmp_path: Path) -> None:
    first, second = (
        sd.export(result, "geojson", tmp_path / name).files[0].read_bytes() for name in "ab"
    )
    assert first == second


def test_frames_of_a_stack_are_time_points(series: Path, tmp_path: Path) -> None:
    found = features_in(sd.export(series, "geojson", tmp_path / "out").files[0])
    planes = {name: each["geometry"]["plane"] for name, each in found.items()}
    assert planes["Vac 1"] == {"c": -1, "z": 0, "t": 0}
    assert planes["frame 2 SF1 1"] == {"c": -1, "z": 0, "t": 2}


def test_outlines_of_a_line_cover_its_band(result: Path, tmp_path: Path) -> None:
    found = features_in(sd.export(result, "geojson", tmp_path / "out", outlines=True).files[0])
    (ring,) = found["SF1 1"]["geometry"]["coordinates"]
    assert {tuple(corner) for corner in ring} == {
        (x, y) for x in (FAULT_X - 3, FAULT_X + 4) for y in (0, SHAPE[0])
    }
