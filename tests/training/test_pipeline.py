"""Training pipeline: train, calibrate and evaluate on the sides of a split."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from learning_samples import striped_clicks, striped_patches

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.progress import Cancelled, EpochProgress, Progress
from napari_stem_defects.errors import LabelError
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.training import pipeline
from napari_stem_defects.training.evaluate import EvaluationReport
from napari_stem_defects.training.pipeline import train
from napari_stem_defects.training.recipes import TrainingOptions

if TYPE_CHECKING:
    from napari_stem_defects.training.dataset import TrainingSet
    from napari_stem_defects.training.splits import Split

QUICK = {"Bulk": 4, "SF1": 4}
SHORT = TrainingOptions(epochs={"Bulk": 1, "SF1": 1}, recipe="abstract")


@pytest.fixture(scope="module")
def trained() -> EvaluationReport:
    data = striped_patches(24, classes=("Bulk", "SF1", "SF2"))
    options = TrainingOptions(
        name="striped", classes=("Bulk", "SF1"), epochs=QUICK, splits=("site",), recipe="abstract"
    )
    return train(data, options, device="cpu")


def test_the_ensemble_is_tested_on_held_out_sites(trained: EvaluationReport) -> None:
    (measurement,) = trained.evaluations
    assert measurement.split == "site"
    figures = measurement.metrics.classes["SF1"]
    assert figures.auroc > 0.8
    assert measurement.counts["test"]["SF1"] == figures.tp + figures.fn == 6
    parts = [measurement.counts[part]["SF1"] for part in ("training", "calibration", "test")]
    assert sum(parts) == 24
    assert min(parts) > 0


def test_other_classes_are_negatives_in_the_test(trained: EvaluationReport) -> None:
    (measurement,) = trained.evaluations
    assert trained.ensemble.spec.classes == ("Bulk", "SF1")
    assert "SF2" in measurement.metrics.rows
    assert measurement.metrics.windows == 18


def test_test_windows_are_neither_trained_nor_calibrated_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, set[str]] = {"trained": set(), "calibrated": set()}
    real = pipeline._split_for_calibration

    def spy(data: TrainingSet, *arguments: Any) -> Split:
        parts = real(data, *arguments)
        for where, chosen in (("trained", parts.train), ("calibrated", parts.test)):
            seen[where] = {data.names[index] for index in data.subset(chosen).image}
        return parts

    monkeypatch.setattr(pipeline, "_split_for_calibration", spy)
    made = train(striped_patches(), SHORT, device="cpu")
    test = made.evaluations[0].data
    tested = {test.names[index] for index in test.image}
    assert not tested & (seen["trained"] | seen["calibrated"])
    assert not seen["trained"] & seen["calibrated"]
    assert len(tested | seen["trained"] | seen["calibrated"]) == 24


def test_the_model_records_how_it_was_trained(trained: EvaluationReport) -> None:
    spec = trained.ensemble.spec
    assert spec.name == "striped"
    assert spec.training["schedule"]["epochs"] == QUICK
    assert len(spec.training["label_set_sha256"]) == 64
    assert set(spec.versions) >= {"napari-stem-defects", "torch", "numpy", "python"}
    assert spec.figures["site"]["classes"]["SF1"]["auroc"] > 0.8
    assert EnsembleSpec.from_dict(json.loads(json.dumps(spec.to_dict(), allow_nan=False)))
    json.dumps(trained.to_dict(), allow_nan=False)


@pytest.mark.parametrize("contrast", ["bright", "dark"])
def test_the_model_records_the_contrast_it_was_trained_on(contrast: str) -> None:
    """Clicks in a crystal with bright columns, or in its inverse; the file holds it."""
    data = striped_clicks(images=1)
    crystal = simulate("sto-001", size=data.images[0].shape[0], seed=4).micrograph.pixels
    image = crystal if contrast == "bright" else crystal.max() - crystal
    made = train(replace(data, images=(image,)), SHORT, device="cpu")
    spec = EnsembleSpec.from_dict(json.loads(json.dumps(made.ensemble.spec.to_dict())))
    assert spec.column_contrast == contrast


def test_the_model_records_its_early_exit_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = replace(SHORT, splits=("random",), epochs={"Bulk": 2, "SF1": 1})
    monkeypatch.setattr("napari_stem_defects.training.early_exit.MIN_SITES", 5)
    made = train(striped_patches(50), options, device="cpu")
    assert 0.985 <= (made.ensemble.spec.inference.early_exit_probability or 0) <= 1
    monkeypatch.undo()
    few = train(striped_patches(12), SHORT, device="cpu")
    assert few.ensemble.spec.inference.early_exit_probability == 1
    alone = train(striped_patches(12), replace(SHORT, classes=("SF1",), epochs={}), device="cpu")
    assert alone.ensemble.spec.inference.early_exit_probability is None


def test_history_holds_every_epoch(trained: EvaluationReport) -> None:
    steps = [(each["class"], each["epoch"]) for each in trained.history]
    assert steps == [(name, epoch) for name in ("Bulk", "SF1") for epoch in (1, 2, 3, 4)]
    assert all(np.isfinite(each["validation_loss"]) for each in trained.history)


def test_the_same_seed_gives_the_same_weights() -> None:
    options = replace(SHORT, seed=3)
    first, again = (train(striped_patches(), options, device="cpu") for _ in range(2))
    for name, tensor in first.ensemble.weights.items():
        np.testing.assert_array_equal(tensor, again.ensemble.weights[name])
    assert first.ensemble.spec == again.ensemble.spec
    other = train(striped_patches(), replace(options, seed=4), device="cpu").ensemble
    assert any((other.weights[n] != t).any() for n, t in first.ensemble.weights.items())


def test_patches_train_members_with_pretraining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_stem_defects.training.recipes.PATCH_PRETRAINING_EPOCHS", 2)
    monkeypatch.setattr("napari_stem_defects.training.recipes.MAX_PRETRAINING_EPOCHS", 2)
    monkeypatch.setattr("napari_stem_defects.training.recipes.PATCH_EPOCHS", 2)
    made = train(
        striped_patches(8), TrainingOptions(epochs={"SF1": 1}, splits=("random",)), device="cpu"
    )
    classes_of_epochs = [each["class"] for each in made.history]
    assert classes_of_epochs == ["", "", "Bulk", "Bulk", "SF1"]
    assert made.ensemble.spec.training["schedule"]["epochs"] == {"Bulk": 2, "SF1": 1}


def test_clicks_train_members_with_pretraining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_stem_defects.training.recipes.CLICK_WINDOWS", 200)
    monkeypatch.setattr("napari_stem_defects.training.recipes.CLICK_PRETRAINING_EPOCHS", 2)
    options = TrainingOptions(members=2, epochs={"Bulk": 1, "SF1": 1}, splits=("image", "random"))
    made = train(striped_clicks(), options, device="cpu")
    assert made.ensemble.spec.pixel_size_nm == 0.03
    assert made.ensemble.spec.seeds == (0, 1)
    assert {each["class"] for each in made.history} == {"", "Bulk", "SF1"}
    assert [each.split for each in made.evaluations] == ["image", "random"]
    assert set(made.ensemble.spec.figures) == {"image", "random"}
    assert "memory" in made.evaluations[1].meaning


def test_progress_runs_once_from_start_to_end() -> None:
    steps: list[Progress] = []
    options = replace(SHORT, splits=("random", "site"))
    train(striped_patches(6), options, device="cpu", report=steps.append)
    done = [step.done / step.total for step in steps]
    assert done == sorted(done)
    assert done[-1] == 1
    assert any(isinstance(step, EpochProgress) for step in steps)


def test_a_cancelled_run_ends_at_once() -> None:
    steps: list[Progress] = []

    def cancel(step: Progress) -> None:
        steps.append(step)
        if isinstance(step, EpochProgress):
            raise Cancelled

    with pytest.raises(Cancelled):
        train(striped_patches(6), device="cpu", report=cancel)
    assert sum(isinstance(step, EpochProgress) for step in steps) == 1


def test_classes_that_cannot_be_tested_are_reported() -> None:
    made = train(striped_patches(4), SHORT, device="cpu")
    (measurement,) = made.evaluations
    assert set(measurement.untestable) == {"Bulk", "SF1"}
    assert measurement.metrics.windows == 0
    assert measurement.counts["training"] == {"Bulk": 4, "SF1": 4}
    assert "too few" in measurement.notes[0]


def test_random_calibration_split_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MIN_SHARE_LEFT", 1.0)
    made = train(striped_patches(), SHORT, device="cpu")
    assert "randomly" in made.evaluations[0].notes[0]


def test_one_class_alone_cannot_be_learned() -> None:
    with pytest.raises(LabelError, match="Bulk"):
        train(striped_patches(classes=("SF1",)), device="cpu")


def test_kinds_titles_and_colours_reach_the_model() -> None:
    own = DefectClass("SF1", "area", "striped phase", "#010203")
    data = replace(striped_patches(8), class_data=(own,))
    made = train(data, replace(SHORT, splits=("random",)), device="cpu")
    spec = made.ensemble.spec
    assert spec.class_table["SF1"] == own
    assert made.evaluations[0].to_dict()["colours"]["SF1"] == "#010203"
