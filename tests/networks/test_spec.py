"""Descriptions of ensembles: JSON round trips, inference settings, errors of one line."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.networks.architecture import MatchedFilterArchitecture
from napari_stem_defects.networks.spec import (
    Architecture,
    Ensemble,
    EnsembleSpec,
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


def test_a_teacher_survives_json() -> None:
    taught = replace(SPEC, teacher=MatchedFilterArchitecture(7.0, (2, 0), 1))
    assert EnsembleSpec.from_dict(json.loads(json.dumps(taught.to_dict()))) == taught
    assert taught.matched_filters == taught.teacher
    assert not taught.is_quick
    assert "teacher" not in SPEC.to_dict()


def test_a_teacher_without_site_filters_is_described_as_in_earlier_versions() -> None:
    without = replace(SPEC, teacher=MatchedFilterArchitecture(7.0, (2, 0), 1))
    having = replace(SPEC, teacher=MatchedFilterArchitecture(7.0, (2, 0), 1, sites=(1, 0)))
    assert "sites" not in without.to_dict()["teacher"]
    assert EnsembleSpec.from_dict(json.loads(json.dumps(having.to_dict()))) == having


def test_the_length_unit_of_networks_is_that_of_their_teacher() -> None:
    sees = replace(SPEC, preprocessing=replace(SPEC.preprocessing, representation="residual"))
    assert sees.target_scale.units is None
    for units, expected in ((None, 1.0), (1.4, 1.4)):
        teacher = MatchedFilterArchitecture(7.0, (2, 0), 1, units=units)
        taught = replace(sees, teacher=teacher)
        assert taught.target_scale.units == expected
        assert ("units" in taught.to_dict()["teacher"]) is (units is not None)
        assert EnsembleSpec.from_dict(json.loads(json.dumps(taught.to_dict()))) == taught


def test_thresholds_default_to_one_half() -> None:
    assert [SPEC.threshold(name) for name in SPEC.classes] == [0.5, 0.4, 0.5]


def test_cached_objects_are_built_once_and_stay_out_of_copies() -> None:
    ensemble, built = Ensemble(SPEC, {}), []
    for _ in range(2):
        assert ensemble.cached("key", lambda: built.append(1) or "value") == "value"
    assert built == [1]
    for other in (copy.copy(ensemble), replace(ensemble, sha256="1"), Ensemble(SPEC, {})):
        assert other.cached("key", lambda: "new") == "new"
    assert copy.copy(ensemble).spec == ensemble.spec


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
    {"teacher": []},
    {"teacher": ARCHITECTURE},
    {"teacher": {"name": "matched-filter-1", "samples": 7.0, "templates": []}},
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


@pytest.mark.parametrize("name", [name for name in SPEC.to_dict() if name != "class_data"])
def test_missing_entries_are_named(name: str) -> None:
    values = as_json()
    del values[name]
    with pytest.raises(ModelError, match=name):
        EnsembleSpec.from_dict(values)


def test_descriptions_without_class_data_get_that_of_the_names() -> None:
    """As in model files of format version 2."""
    values = as_json()
    del values["class_data"]
    assert EnsembleSpec.from_dict(values) == SPEC
    faults = EnsembleSpec("x", ("Bulk", "SF1", "mine"))
    assert [each.kind for each in faults.class_data] == ["bulk", "line", "point"]


def test_class_data_survives_json_and_follows_the_classes() -> None:
    mine = DefectClass("mine", "area", "my phase", "#010203")
    spec = EnsembleSpec("x", ("Bulk", "SF1", "mine"), class_data=(mine,))
    stored = json.loads(json.dumps(spec.to_dict()))
    assert EnsembleSpec.from_dict(stored).class_table["mine"] == mine
    assert replace(spec, classes=("mine",)).class_data == (mine,)


@pytest.mark.parametrize(
    "given",
    [
        [{"name": "other", "kind": "line"}],
        [{"name": "Bulk", "kind": "line"}],
        [{"name": "Bulk", "kind": "bulk", "size": 3}],
        ["Bulk"],
        3,
    ],
)
def test_invalid_class_data_is_one_line(given: object) -> None:
    with pytest.raises(ModelError) as caught:
        EnsembleSpec.from_dict(as_json() | {"class_data": given})
    assert "\n" not in str(caught.value)


def test_invalid_classes_are_rejected_before_training() -> None:
    with pytest.raises(InputError, match="unknown"):
        EnsembleSpec("x", ("Bulk", "unknown"))
    with pytest.raises(InputError, match="once"):
        EnsembleSpec("x", ())
