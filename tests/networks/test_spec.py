"""Descriptions of ensembles: JSON round trips, inference settings, errors of one line."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.networks.spec import (
    Architecture,
    Ensemble,
    EnsembleSpec,
    InferenceSettings,
    PlattCalibration,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

SPEC = EnsembleSpec(
    "cdte",
    ("Bulk", "SF1", "LC"),
    seeds=(3, 5),
    preprocessing=PreprocessingSettings.paper(),
    architecture=Architecture(channels=(4, 8), hidden=8),
    pixel_size_nm=0.027,
    lattice_nm=0.3742,
    thresholds={"SF1": 0.4},
    calibration={"LC": PlattCalibration(1.5, -0.2)},
    training={"counts": {"SF1": 12}},
    figures={"site": {"f1": 0.9}},
    versions={"torch": "2.13.0"},
    description="two lines\nof text",
    licence="BSD-3-Clause",
)


def as_json(**changes: object) -> dict[str, object]:
    return {**json.loads(json.dumps(SPEC.to_dict())), **changes}


def test_descriptions_survive_json() -> None:
    assert EnsembleSpec.from_dict(as_json()) == SPEC
    assert EnsembleSpec.from_dict(SPEC.to_dict()) == SPEC


def test_thresholds_default_to_one_half() -> None:
    assert [SPEC.threshold(name) for name in SPEC.classes] == [0.5, 0.4, 0.5]


def settings(training: dict[str, object], patch_px: int = 64) -> InferenceSettings:
    preprocessing = PreprocessingSettings(patch_px=patch_px)
    return EnsembleSpec("mine", ("Bulk",), preprocessing=preprocessing, training=training).inference


@pytest.mark.parametrize(
    ("extent", "stride"),
    [(8.0, 8), (5.5, 5), (1.6, 1), (0.2, 1), (0.0, 8), ("4", 8), (None, 8), (float("nan"), 8)],
)
def test_the_stride_follows_the_label_extent(extent: object, stride: int) -> None:
    training = {} if extent is None else {"label_radius_px": extent}
    assert settings(training).stride_px == stride


@pytest.mark.parametrize(
    ("stored", "found"),
    [(0.97, 0.97), (1, 1.0), (None, None), ("much", None), (0, None), (1.5, None)],
)
def test_the_early_exit_probability_is_read_from_training(
    stored: object, found: float | None
) -> None:
    training = {} if stored is None else {"bulk_clears_from": stored}
    assert settings(training).early_exit_probability == found


@pytest.mark.parametrize(
    ("stored", "found"),
    [(2.2, 2.2), (None, 0.0), ("4", 0.0), (float("nan"), 0.0), (900, 0.0), (10**400, 0.0)],
)
def test_spatial_averaging_is_read_from_training(stored: object, found: float) -> None:
    training = {} if stored is None else {"spread_px": stored}
    assert settings(training).averaging_px == found


@pytest.mark.parametrize(
    ("training", "patch_px", "margin"),
    [({"label_radius_px": 0}, 64, 32), ({"label_radius_px": 0.0}, 48, 24), ({}, 64, 0)],
)
def test_windows_stay_inside_where_whole_patches_were_labelled(
    training: dict[str, object], patch_px: int, margin: int
) -> None:
    assert settings(training, patch_px).margin_px == margin
    assert settings({"label_radius_px": 3}, patch_px).margin_px == 0


def test_inference_settings_keep_their_stored_names() -> None:
    training = {"label_radius_px": 4.0, "spread_px": 2.0, "bulk_clears_from": 0.99}
    assert settings(training) == InferenceSettings(4.0, 4, 0, 2.0, 0.99)
    spec = EnsembleSpec("mine", ("Bulk",), training=training)
    assert spec.to_dict()["training"] == training
    assert "inference" not in spec.to_dict()


def test_cached_objects_are_built_once_and_stay_out_of_copies() -> None:
    ensemble, built = Ensemble(SPEC, {}), []
    for _ in range(2):
        assert ensemble.cached("key", lambda: built.append(1) or "value") == "value"
    assert built == [1]
    for other in (copy.copy(ensemble), replace(ensemble, sha256="1"), Ensemble(SPEC, {})):
        assert other.cached("key", lambda: "new") == "new"
    assert copy.copy(ensemble) == ensemble


def test_probability_calibration_is_a_sigmoid_of_the_scaled_logit() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (20, 3)).astype(np.float32)
    wanted = expit(logits * [1, 1, 1.5] + [0, 0, -0.2])
    found = SPEC.calibrated_probabilities(logits)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert found.dtype == np.float32
    extreme = SPEC.calibrated_probabilities(np.array([[-1e30, 0, 1e30]], np.float32))
    np.testing.assert_array_equal(extreme, [[0, 0.5, 1]])


ARCHITECTURE = SPEC.to_dict()["architecture"]
PREPROCESSING = SPEC.to_dict()["preprocessing"]
MALFORMED = [
    {"extra": 1},
    {"name": 7},
    {"name": None},
    {"description": ["x"]},
    {"training": "x"},
    {"figures": []},
    {"classes": "Bulk"},
    {"classes": []},
    {"classes": [1, 2]},
    {"classes": [["Bulk"]]},
    {"classes": ["Bulk", "Bulk"]},
    {"classes": ["Bulk", "unknown"]},
    {"classes": ["Bulk", "../SF1"]},
    {"classes": [f"class {i}" for i in range(65)]},
    {"seeds": []},
    {"seeds": 3},
    {"seeds": ["a"]},
    {"seeds": list(range(65))},
    {"pixel_size_nm": 0},
    {"pixel_size_nm": "x"},
    {"pixel_size_nm": float("nan")},
    {"pixel_size_nm": 10**400},
    {"lattice_nm": -1},
    {"thresholds": {"SF1": float("nan")}},
    {"thresholds": {"SF1": 1.5}},
    {"thresholds": {"SF7": 0.5}},
    {"thresholds": []},
    {"calibration": {"SF1": {"scale": float("nan"), "shift": 0}}},
    {"calibration": {"SF1": {"scale": 10**400, "shift": 0}}},
    {"calibration": {"SF1": {"scale": 1}}},
    {"calibration": {"SF7": {"scale": 1, "shift": 0}}},
    {"architecture": None},
    {"architecture": {}},
    {"architecture": ARCHITECTURE | {"name": "resnet-152"}},
    {"architecture": ARCHITECTURE | {"channels": []}},
    {"architecture": ARCHITECTURE | {"channels": [1.5]}},
    {"architecture": ARCHITECTURE | {"channels": [10**9]}},
    {"architecture": ARCHITECTURE | {"hidden": 0}},
    {"architecture": ARCHITECTURE | {"hidden": 4.5}},
    {"architecture": ARCHITECTURE | {"dropout": "a"}},
    {"architecture": ARCHITECTURE | {"depth": 3}},
    {"preprocessing": []},
    {"preprocessing": PREPROCESSING | {"patch_px": 10**9}},
    {"preprocessing": PREPROCESSING | {"patch_px": 64.0}},
    {"preprocessing": PREPROCESSING | {"cutoff": None}},
    {"preprocessing": PREPROCESSING | {"window": ["hann"]}},
    {"preprocessing": PREPROCESSING | {"sharpen": 1}},
]


@pytest.mark.parametrize("change", MALFORMED, ids=lambda change: str(change)[:60])
def test_malformed_descriptions_raise_errors_of_one_line(change: dict[str, object]) -> None:
    with pytest.raises(ModelError) as caught:
        EnsembleSpec.from_dict(as_json(**change))
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list(SPEC.to_dict()))
def test_missing_entries_are_named(name: str) -> None:
    values = as_json()
    del values[name]
    with pytest.raises(ModelError, match=name):
        EnsembleSpec.from_dict(values)


def test_invalid_classes_are_rejected_before_training() -> None:
    with pytest.raises(InputError, match="unknown"):
        EnsembleSpec("x", ("Bulk", "unknown"))
    with pytest.raises(InputError, match="once"):
        EnsembleSpec("x", ())
