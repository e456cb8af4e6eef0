"""A survey as layer data."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Points, Shapes

from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.lattice.grains import Grain
from napari_stem_defects.napari_plugin.layers.convert import is_plugin_layer
from napari_stem_defects.napari_plugin.layers.survey_layer_data import (
    KIND_COLOURS,
    grains_layer,
    map_layer,
    places_layer,
)

PLACED = {"scale": (1, 0.02, 0.02), "units": ("pixel", "nm", "nm")}
RING = ((0.0, 0.0), (0.0, 9.0), (9.0, 9.0), (0.0, 0.0))
HOLE = ((2.0, 3.0), (2.0, 4.0), (3.0, 4.0), (2.0, 3.0))


def test_the_map_is_shown_up_to_twice_the_threshold() -> None:
    data, keywords, kind = map_layer(np.zeros((2, 9, 9), np.float32), "a", 1.5, PLACED)
    layer = Image(data, **keywords)
    assert (kind, layer.name, layer.contrast_limits) == ("image", "anomaly - a", [0.0, 3.0])
    assert is_plugin_layer(layer)
    _, keywords, _ = map_layer(data, "a", 0.0, PLACED)
    assert keywords["contrast_limits"] == (0.0, 1.0)  # nothing was searched


def test_places_have_the_mark_of_their_kind() -> None:
    places = [
        ((float(frame),), Candidate(rank, kind, 10.0 * rank, 5.0, 3.456, sign, 4.0, 8.0))
        for frame, rank, kind, sign in (
            *((0, 1, "point", "deficit"), (0, 2, "line", "")),
            *((2, 1, "area", ""), (2, 2, "point", "excess")),
        )
    ]
    data, keywords, kind = places_layer(places, "a", 10.0, PLACED)
    layer = Points(data, **keywords)
    assert (kind, layer.name, len(layer.data)) == ("points", "unusual places - a", 4)
    assert layer.data[:, 0].tolist() == [0, 0, 2, 2]
    assert layer.features["rank"].tolist() == [1, 2, 1, 2]
    assert layer.features["sign"].tolist() == ["deficit", "", "", "excess"]
    assert layer.features["score"].tolist() == [3.46] * 4
    assert len({str(each) for each in layer.symbol}) == len(KIND_COLOURS)
    assert layer.size[0] == pytest.approx(30)


def test_a_grain_is_a_path_per_outline() -> None:
    grain = Grain(3, 5.0, 5.0, 60.0, 0.4, ((0.0, 4.0), (4.0, 0.0)), 12.345, RING, (HOLE,), ())
    data, keywords, kind = grains_layer([((1.0,), grain)], "a", (900, 700), PLACED)
    layer = Shapes(data, **keywords)
    assert (kind, layer.name, layer.nshapes) == ("shapes", "grains - a", 2)
    assert layer.features["grain"].tolist() == [3, 3]
    assert layer.features["orientation_deg"].tolist() == [12.35, 12.35]
    np.testing.assert_array_equal(layer.data[1], [(1.0, *point) for point in HOLE])
    assert layer.edge_width[0] == pytest.approx(1.8)
