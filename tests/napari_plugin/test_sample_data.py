"""Simulated sample data."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.sample_data import (
    simulated_cdte,
    simulated_sto,
    simulated_unknown_crystal,
)


@pytest.mark.parametrize(("sample", "count"), [(simulated_cdte, 6), (simulated_sto, 3)])
def test_samples_make_calibrated_layers(sample: object, count: int) -> None:
    napari_layers = pytest.importorskip("napari.layers")
    made = [napari_layers.Layer.create(*data) for data in sample()]  # type: ignore[operator]
    image, truth, points = made

    assert {str(unit) for layer in made for unit in layer.units} == {"nanometer"}
    assert all(np.array_equal(layer.scale, image.scale) for layer in made)
    assert truth.name.split(" - ", 1) == ["truth", image.name]
    assert truth.data.max() == count
    assert set(truth.features["index"]) == set(range(count + 1))
    numbers = truth.data[tuple(np.rint(points.data).astype(int).T)]
    by_number = dict(zip(truth.features["index"], truth.features["class"], strict=True))
    assert [by_number[number] for number in numbers] == list(points.features["class"])


def test_making_samples_needs_no_napari() -> None:
    code = (
        "import sys; from napari_stem_defects.napari_plugin.sample_data import simulated_sto;"
        " simulated_sto(); assert 'napari' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_unknown_crystal_is_one_image_with_something_unusual() -> None:
    ((pixels, keywords, kind),) = simulated_unknown_crystal()
    assert kind == "image"
    assert keywords["name"] == "unknown crystal"
    kinds = [place.kind for place in survey_frame(Micrograph(pixels, "crystal")).candidates]
    assert kinds.count("line") >= 1
    assert kinds.count("point") >= 12
