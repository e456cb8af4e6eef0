"""Centre lines are GeoJSON that other programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from result_samples import detection, micrograph

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.lines import read_lines, write_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_is_a_feature_in_px(tmp_path: Path) -> None:
    regions = detection(micrograph()).regions
    write_lines(tmp_path / "lines.geojson", regions)
    stored = json.loads((tmp_path / "lines.geojson").read_text(encoding="utf-8"))
    assert stored["type"] == "FeatureCollection"
    # RFC 7946 reserves these names for other objects.
    assert not {"coordinates", "geometry", "geometries", "properties"} & set(stored)
    (feature,) = stored["features"]
    assert feature["type"] == "Feature"
    assert feature["geometry"]["type"] == "LineString"
    (first, *_, last) = feature["geometry"]["coordinates"]
    # The fault is vertical, over the whole height; x comes first.
    assert first[1] == pytest.approx(-0.5, abs=0.05)
    assert last[1] == pytest.approx(95.5, abs=0.05)
    assert first[0] == pytest.approx(last[0], abs=0.5)
    about = feature["properties"]
    (fault,) = [region for region in regions if region.kind == "line"]
    assert (about["class"], about["region"], about["frame"]) == ("SF1", 1, 0)
    assert about["length_px"] == pytest.approx(96, abs=0.1)
    assert about["length_nm"] == fault.length_nm == pytest.approx(96 * 0.05, abs=0.005)
    assert about["width_px"] * about["length_px"] == pytest.approx(fault.area_px, rel=1e-3)
    assert about["width_nm"] == pytest.approx(about["width_px"] * 0.05, rel=1e-3)
    assert about["direction_deg"] == pytest.approx(90, abs=0.5)


def test_lines_survive_the_file(tmp_path: Path) -> None:
    regions = [r for frame in (0, 3) for r in detection(micrograph(), frame).regions]
    write_lines(tmp_path / "lines.geojson", regions)
    found = read_lines(tmp_path / "lines.geojson")
    assert set(found) == {(0, "SF1", 1), (3, "SF1", 1)}
    line = next(region.centre_line for region in regions if region.kind == "line")
    np.testing.assert_array_equal(found[0, "SF1", 1], line)


def test_no_line_is_a_collection_without_features(tmp_path: Path) -> None:
    write_lines(tmp_path / "lines.geojson", ())
    assert read_lines(tmp_path / "lines.geojson") == {}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"features": [{"properties": {}}]}'])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lines.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match=r"lines\.geojson") as caught:
        read_lines(path)
    assert "\n" not in str(caught.value)
