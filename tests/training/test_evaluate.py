"""Evaluation of an ensemble on labelled windows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from learning_samples import striped_clicks, striped_patches
from small_model import write_small_model

from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.training import evaluate
from napari_stem_defects.training.evaluate import (
    EvaluationReport,
    evaluate_ensemble,
    predict_logits,
    predict_logits_at_sites,
)
from napari_stem_defects.training.pipeline import train
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.training.sampling import plain_samples

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.networks.spec import Ensemble


@pytest.fixture
def small(tmp_path: Path) -> Ensemble:
    return load_model(write_small_model(tmp_path / "small.safetensors"))


def test_evaluation_on_own_labels_is_reported_as_memory() -> None:
    data = striped_patches(24, classes=("Bulk", "SF1", "SF2"))
    options = TrainingOptions(
        classes=("Bulk", "SF1"), epochs={"Bulk": 4, "SF1": 4}, recipe="abstract"
    )
    trained = train(data, options, device="cpu")
    assert "memory" in evaluate_ensemble(trained.ensemble, data).meaning
    other = striped_patches(5, seed=9, classes=("SF1", "SF2"))
    measurement = evaluate_ensemble(trained.ensemble, other)
    assert "memory" not in measurement.meaning
    assert set(measurement.untestable) == {"Bulk"}
    assert measurement.counts["test"] == {"Bulk": 0, "SF1": 5, "SF2": 5}
    figures = measurement.metrics.classes["SF1"]
    assert figures.tp + figures.fn == figures.tn + figures.fp == 5
    assert measurement.notes == ()


def test_a_model_of_centres_tested_on_whole_patches_warns(tmp_path: Path) -> None:
    ensemble = load_model(write_small_model(tmp_path / "small.safetensors"))
    assert "centre" in evaluate_ensemble(ensemble, striped_patches(2)).notes[0]
    assert evaluate_ensemble(ensemble, striped_clicks(2)).notes == ()


def test_logits_do_not_depend_on_the_batch(
    small: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = plain_samples(striped_patches(4), small.spec.preprocessing)
    whole = predict_logits(small, samples)
    monkeypatch.setattr(evaluate, "BATCH", 3)
    np.testing.assert_allclose(predict_logits(small, samples), whole, atol=1e-5)
    assert whole.shape == (8, len(small.spec.classes))


def test_no_windows_give_no_logits(small: Ensemble) -> None:
    none = striped_patches(2).subset(np.zeros(4, bool))
    samples = plain_samples(none, small.spec.preprocessing)
    assert predict_logits(small, samples).shape == (0, len(small.spec.classes))


def test_without_averaging_sites_get_the_logits_of_their_window(small: Ensemble) -> None:
    sites = striped_clicks(3)
    single = predict_logits(small, plain_samples(sites, small.spec.preprocessing))
    np.testing.assert_array_equal(predict_logits_at_sites(small, sites), single)


def test_a_report_has_the_first_evaluation_at_the_top(small: Ensemble) -> None:
    one, other = (evaluate_ensemble(small, striped_clicks(2, seed=seed)) for seed in (0, 1))
    values = EvaluationReport(small, (one, other), notes=("a note",), seconds=2.0).to_dict()
    json.dumps(values, allow_nan=False)
    assert values["model"] == small.spec.name
    assert values["classes"] == one.metrics.to_dict()["classes"]
    assert [each["classes"] for each in values["beside"]] == [other.metrics.to_dict()["classes"]]
    assert (values["remarks"], values["seconds"], values["history"]) == (["a note"], 2.0, [])
    assert set(values["thresholds"]) == set(small.spec.classes)
