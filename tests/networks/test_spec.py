"""Descriptions of ensembles: whole ones come back, odd ones are one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit

from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.networks.spec import Architecture, Calibration, EnsembleSpec
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)

SPEC = EnsembleSpec(
    "cdte",
    ("Bulk", "SF1", "LC"),
    seeds=(3, 5),
    preprocessing=PreprocessingSettings.paper(),
    architecture=Architecture(channels=(4, 8), hidden=8),
    pixel_size_nm=0.027,
    lattice_nm=0.3742,
    thresholds={"SF1": 0.4},
    calibration={"LC": Calibration(1.5, -0.2)},
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


def test_thresholds_are_a_half_unless_chosen() -> None:
    assert [SPEC.threshold(name) for name in SPEC.classes] == [0.5, 0.4, 0.5]


@pytest.mark.parametrize(
    ("radius", "stride"),
    [(8.0, 8), (5.5, 5), (1.6, 1), (0.2, 1), (0.0, 8), ("4", 8), (None, 8), (float("nan"), 8)],
)
def test_the_stride_follows_how_far_from_a_click_its_label_holds(
    radius: object, stride: int
) -> None:
    training = {} if radius is None else {"label_radius_px": radius}
    assert EnsembleSpec("mine", ("Bulk",), training=training).stride_px == stride


@pytest.mark.parametrize(
    ("recorded", "found"),
    [(0.97, 0.97), (1, 1.0), (None, None), ("much", None), (0, None), (1.5, None)],
)
def test_bulk_clears_from_what_training_recorded(recorded: object, found: float | None) -> None:
    training = {} if recorded is None else {"bulk_clears_from": recorded}
    assert EnsembleSpec("mine", ("Bulk",), training=training).bulk_clears_from == found


@pytest.mark.parametrize(
    ("recorded", "found"), [(2.2, 2.2), (None, 0.0), ("4", 0.0), (float("nan"), 0.0), (900, 0.0)]
)
def test_answers_are_averaged_as_in_training(recorded: object, found: float) -> None:
    training = {} if recorded is None else {"spread_px": recorded}
    assert EnsembleSpec("mine", ("Bulk",), training=training).spread_px == found


def test_calibration_is_a_sigmoid_of_the_scaled_logit() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (20, 3)).astype(np.float32)
    wanted = expit(logits * [1, 1, 1.5] + [0, 0, -0.2])
    found = SPEC.calibrated(logits)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert found.dtype == np.float32
    extreme = SPEC.calibrated(np.array([[-1e30, 0, 1e30]], np.float32))
    np.testing.assert_array_equal(extreme, [[0, 0.5, 1]])


ARCHITECTURE = SPEC.to_dict()["architecture"]
PREPROCESSING = SPEC.to_dict()["preprocessing"]
ODD = [
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


@pytest.mark.parametrize("change", ODD, ids=lambda change: str(change)[:60])
def test_odd_descriptions_are_one_line(change: dict[str, object]) -> None:
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


def test_what_no_file_may_hold_is_refused_before_training() -> None:
    with pytest.raises(InputError, match="unknown"):
        EnsembleSpec("x", ("Bulk", "unknown"))
    with pytest.raises(InputError, match="once"):
        EnsembleSpec("x", ())
