"""Exported graphs agree with detection, for every kind of ensemble that can be a graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import DENSE, PLAIN, ensemble_with, exported_map, half_blank, own_map
from quick_models import quick_model

import napari_stem_defects as sd
from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.io.models.exported.onnx_file import is_dense, write_onnx
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.spec import PlattCalibration
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CALIBRATION = {"SF1": PlattCalibration(1.7, -0.4)}
KINDS: dict[str, dict[str, Any]] = {
    "dense": {"preprocessing": PLAIN, "architecture": DENSE, "calibration": CALIBRATION},
    "dense, maxima, odd step, averaged": {
        "preprocessing": PreprocessingSettings(patch_px=48, representation="real", smoothing_px=0),
        "architecture": Architecture(channels=(4, 8), hidden=8, maxima=True, padded=False),
        "training": {"label_radius_px": 3.4, "spread_px": 4.0},
    },
    "clicks": {"calibration": CALIBRATION},
    "abstract": {
        "preprocessing": PreprocessingSettings.paper(),
        "training": {"label_radius_px": 0},
    },
    "patches": {
        "preprocessing": PreprocessingSettings(
            representation="real", contrast_px=0, window="none", threshold=0.3
        ),
        "architecture": Architecture(channels=(4, 8), hidden=8, maxima=True),
    },
    "spectra without padding": {
        "preprocessing": PreprocessingSettings(representation="fft", threshold=0.4),
        "architecture": DENSE,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_predicts_what_detection_predicts(kind: str) -> None:
    ensemble, image = ensemble_with(**KINDS[kind]), half_blank()
    expected = own_map(ensemble, image)
    found = exported_map(ensemble, image)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert 0 < np.count_nonzero(expected) < expected.size  # some windows are blank
    assert expected.max() - expected[expected > 0].min() > 0.05


@pytest.mark.parametrize("shape", [(64, 64), (65, 203), (71, 68)])
def test_images_of_any_size_have_the_windows_of_detection(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).random(shape, dtype=np.float32)
    for kind in ("dense", "abstract"):
        ensemble = ensemble_with(**KINDS[kind])
        expected = own_map(ensemble, image)
        np.testing.assert_allclose(exported_map(ensemble, image), expected, atol=1e-4)


def test_an_image_without_contrast_has_no_defects() -> None:
    flat = np.full((80, 90), 3, np.float32)
    assert not exported_map(ensemble_with(**KINDS["dense"]), flat).any()
    assert not exported_map(ensemble_with(), np.zeros((80, 90), np.float32)).any()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "crystal"), [("cdte-110", "cdte-110"), ("sto-001", "sto-001")])
def test_pretrained_ensembles_agree_on_a_simulated_image(name: str, crystal: str) -> None:
    ensemble = sd.load_model(name)
    size = ensemble.spec.pixel_size_nm
    image = sd.simulate(crystal, size=200, pixel_size_nm=size, seed=2).micrograph.pixels
    expected = own_map(ensemble, image)
    np.testing.assert_allclose(exported_map(ensemble, image), expected, atol=1e-4)
    assert expected.max() > 0.9


def test_the_file_describes_itself(tmp_path: Path) -> None:
    ensemble = ensemble_with(**KINDS["dense"])
    model = onnx.load(write_onnx(ensemble, tmp_path / "m.onnx"))
    about = {each.key: each.value for each in model.metadata_props}
    assert json.loads(about["classes"]) == list(ensemble.spec.classes)
    assert json.loads(about["pixel_size_nm"]) == 0.027
    assert json.loads(about["stride_px"]) == 8
    assert set(json.loads(about["thresholds"])) == set(ensemble.spec.classes)
    used = {name for node in model.graph.node for name in node.input}
    assert {each.name for each in model.graph.initializer} <= used


def test_models_of_the_lattice_residual_are_refused(tmp_path: Path) -> None:
    residual = ensemble_with(
        preprocessing=PreprocessingSettings(representation="residual"), architecture=DENSE
    )
    with pytest.raises(ModelError, match="sees the lattice residual, which is measured in each"):
        write_onnx(residual, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="compares templates with the lattice residual"):
        write_onnx(quick_model(), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match="export of ONNX needs the package onnx: pip install onnx"):
        write_onnx(ensemble_with(), tmp_path / "m.onnx")


def test_the_kind_of_graph_follows_detection() -> None:
    assert is_dense(ensemble_with(**KINDS["dense"]).spec)
    assert not is_dense(ensemble_with(**KINDS["clicks"]).spec)
    assert not is_dense(ensemble_with(**KINDS["patches"]).spec)
