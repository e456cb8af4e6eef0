"""Outlines of grains as GeoJSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from crystal_images import crystal_image

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.io.results.grains import grain_to_json, write_grains

if TYPE_CHECKING:
    from pathlib import Path


def test_outlines_are_closed_polygons_in_x_and_y(tmp_path: Path) -> None:
    image = crystal_image(size=320, spacing=10, grain_deg=18).micrograph.with_pixel_size(
        0.02, "user"
    )
    survey = survey_frame(image)
    write_grains(tmp_path / "grains.geojson", [survey, replace(survey, frame=1)])
    stored = json.loads((tmp_path / "grains.geojson").read_text(encoding="utf-8"))
    assert stored["type"] == "FeatureCollection"
    assert [each["properties"]["frame"] for each in stored["features"]] == [0, 0, 1, 1]
    for grain, feature in zip(survey.grain_map.grains, stored["features"], strict=False):
        assert feature["geometry"]["type"] == "Polygon"
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert [[y, x] for x, y in ring] == np.array(grain.outline).tolist()
        values = feature["properties"]
        assert values["area_nm2"] == pytest.approx(values["area_px"] * 0.02**2, rel=1e-3)
        assert values["neighbours"][0]["misorientation_deg"] == pytest.approx(18, abs=0.5)
        assert np.hypot(*values["vectors_nm"][0]) == pytest.approx(0.2, rel=0.01)


def test_without_a_pixel_size_nothing_is_in_nm() -> None:
    survey = survey_frame(crystal_image().micrograph)
    values = grain_to_json(survey.grain_map.grains[0])
    assert values["vectors_nm"] is None
    assert values["area_nm2"] is None
    assert values["area_px"] == 256 * 256
