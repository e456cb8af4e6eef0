from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from napari.layers import Labels

from napari_stem_defects.io.results.formats import REGION_COLUMNS
from napari_stem_defects.napari_plugin.layers.region_features import region_features
from napari_stem_defects.postprocessing.results import Region

REGION = Region(
    "CdTe", 0, "SF1", 1, 2.0, 3.0, None, None, 4, None, 0.2, 0.8, 0.9, "line", shifted_layers=1
)


def test_every_column_of_a_region_is_a_feature() -> None:
    features = region_features([REGION])
    elsewhere = {"image", "frame", "region"}
    assert set(features) == {*REGION_COLUMNS, "index"} - elsewhere
    assert {len(column) for column in features.values()} == {2}


def test_what_was_not_measured_is_missing() -> None:
    features = region_features([REGION])
    assert features["index"] == [0, 1]
    assert features["class"] == [None, "SF1"]
    assert features["kind"] == [None, "line"]
    assert features["geometry"] == [None, None]
    np.testing.assert_array_equal(features["area_px"], [np.nan, 4])
    np.testing.assert_array_equal(features["shifted_layers"], [np.nan, 1])
    np.testing.assert_array_equal(features["length_nm"], [np.nan, 0.2])
    np.testing.assert_array_equal(features["area_nm2"], [np.nan, np.nan])


def test_the_status_bar_shows_what_was_measured() -> None:
    numbered = np.zeros((8, 9), np.uint8)
    numbered[2, 3] = 1
    layer = Labels(numbered, features=region_features([REGION]))
    assert layer.get_status((0, 0))["value"] == "0"
    shown = layer.get_status((2, 3))["value"]
    assert "class: SF1" in shown
    assert "geometry" not in shown
    assert "nan" not in shown


def test_a_labels_layer_takes_them() -> None:
    for regions in ([], [REGION]):
        layer = Labels(np.zeros((8, 9), np.uint8), features=region_features(regions))
        assert len(layer.features) == 1 + len(regions)
