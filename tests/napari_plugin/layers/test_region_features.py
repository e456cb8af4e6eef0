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


def test_what_was_not_measured_has_the_type_of_its_column() -> None:
    features = region_features([REGION])
    assert features["class"] == ["", "SF1"]
    assert features["kind"] == ["", "line"]
    assert features["area_px"] == [0, 4]
    assert features["shifted_layers"] == [0, 1]
    assert features["geometry"] == ["", ""]
    assert features["length_nm"][1] == 0.2
    assert np.isnan([features["length_nm"][0], *features["area_nm2"]]).all()


def test_a_labels_layer_takes_them() -> None:
    for regions in ([], [REGION]):
        layer = Labels(np.zeros((8, 9), np.uint8), features=region_features(regions))
        assert len(layer.features) == 1 + len(regions)
