"""Training loop: members learn simple problems, reproducibly for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from learning_samples import striped_patches

from napari_stem_defects.base.progress import Cancelled, EpochProgress, Progress
from napari_stem_defects.errors import LabelError
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.member import weight_shapes
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.fit import fit
from napari_stem_defects.training.sampling import Samples, plain_samples
from napari_stem_defects.training.schedule import Schedule

SPEC = EnsembleSpec(
    "toy",
    ("Bulk", "SF1"),
    preprocessing=PreprocessingSettings(),
    architecture=Architecture(channels=(4, 8), hidden=8),
)
QUICK = Schedule(epochs={"Bulk": 2, "SF1": 2}, batch=8)


def striped(each: int = 20, seed: int = 0) -> Samples:
    return plain_samples(striped_patches(each, seed), SPEC.preprocessing)


def predictions(ensemble: Ensemble, samples: Samples) -> np.ndarray:
    return EnsembleNetwork(ensemble).probabilities(samples.features)


def same(one: Ensemble, other: Ensemble) -> bool:
    return all((one.weights[name] == other.weights[name]).all() for name in one.weights)


@pytest.mark.parametrize("pretraining_epochs", [0, 6])
def test_a_toy_problem_is_learned(pretraining_epochs: int) -> None:
    schedule = Schedule(
        epochs={"Bulk": 4, "SF1": 4}, pretraining_epochs=pretraining_epochs, seeds=(0, 1), batch=8
    )
    ensemble, history = fit(SPEC, striped(), None, schedule)
    fresh = striped(each=30, seed=1)
    right = (predictions(ensemble, fresh) > 0.5) == (fresh.targets > 0.5)
    assert right.mean(0).min() > 0.95
    first, last = history[0]["loss"], history[-1]["loss"]
    assert last < first
    assert ensemble.spec.seeds == (0, 1)
    assert {name: array.shape for name, array in ensemble.weights.items()} == weight_shapes(
        ensemble.spec
    )


@pytest.mark.parametrize("pretraining_epochs", [0, 1])
def test_the_same_seed_gives_the_same_bits(pretraining_epochs: int) -> None:
    schedule = replace(QUICK, pretraining_epochs=pretraining_epochs)
    torch.manual_seed(1)
    one, history = fit(SPEC, striped(), striped(5, 2), schedule)
    torch.manual_seed(2)
    np.random.seed(3)
    again, history_again = fit(SPEC, striped(), striped(5, 2), schedule)
    assert same(one, again)
    assert history == history_again
    assert not same(one, fit(SPEC, striped(), None, replace(schedule, seeds=(1,)))[0])


def test_training_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fit(SPEC, striped(5), None, QUICK)
    torch.testing.assert_close(torch.rand(3), expected)


def test_members_of_a_seed_differ_by_class() -> None:
    spec = replace(SPEC, classes=("a", "b"))
    samples = striped(5)
    samples = Samples(samples.features, samples.targets[:, [0, 0]])
    ensemble, _ = fit(spec, samples, None, Schedule(epochs={"a": 1, "b": 1}))
    assert (ensemble.weights["0.0.head.1.weight"] != ensemble.weights["1.0.head.1.weight"]).any()


def test_members_are_fine_tuned_from_an_initial_ensemble() -> None:
    schedule = replace(QUICK, seeds=(4, 7))
    pretrained, _ = fit(SPEC, striped(), None, schedule)
    still = replace(schedule, learning_rate=1e-12, weight_decay=0.0)
    on, history = fit(SPEC, striped(5, 3), None, still, initial=pretrained)
    learned = [name for name in on.weights if "running" not in name and "num_" not in name]
    for name in learned:
        np.testing.assert_allclose(on.weights[name], pretrained.weights[name], atol=1e-6)
    assert len(learned) > 10
    assert len(history) == sum(QUICK.epochs.values()) * 2  # no pretraining
    shifted, _ = fit(SPEC, striped(5, 3), None, schedule, initial=pretrained)
    assert not same(shifted, on)


def test_windows_with_unknown_targets_have_no_influence() -> None:
    samples = striped()
    samples.targets[::3, 1] = np.nan
    changed = Samples(
        {name: array.copy() for name, array in samples.features.items()}, samples.targets
    )
    changed.features["fft"][::3] = 99
    one, _ = fit(SPEC, samples, None, QUICK)
    other, _ = fit(SPEC, changed, None, QUICK)
    for name, array in one.weights.items():
        alike = (array == other.weights[name]).all()
        assert alike or name.startswith("0.")
    assert not same(one, other)


def test_pretraining_masks_unknown_targets() -> None:
    samples = striped()
    samples.targets[::2, 0] = np.nan
    samples.targets[1::4, 1] = np.nan
    ensemble, history = fit(SPEC, samples, striped(5, 1), replace(QUICK, pretraining_epochs=2))
    assert all(np.isfinite(array).all() for array in ensemble.weights.values())
    assert all(np.isfinite(step["loss"]) for step in history)
    fresh = striped(10, 2)
    assert np.isfinite(predictions(ensemble, fresh)).all()


def test_members_start_from_their_output_of_the_pretrained_network() -> None:
    schedule = Schedule(epochs={"Bulk": 0, "SF1": 0}, pretraining_epochs=8, batch=8)
    ensemble, history = fit(SPEC, striped(), None, schedule)
    assert {step["class"] for step in history} == {""}
    bulk, fault = (
        {name[4:]: array for name, array in ensemble.weights.items() if name.startswith(member)}
        for member in ("0.0.", "1.0.")
    )
    for name, array in bulk.items():
        assert (array == fault[name]).all() == (not name.startswith("head.4."))
    fresh = striped(20, 1)
    assert ((predictions(ensemble, fresh) > 0.5) == (fresh.targets > 0.5)).mean() > 0.9


def history_entry(step: Progress) -> dict[str, object]:
    """Return the entry of the history that belongs to a reported epoch."""
    assert isinstance(step, EpochProgress)
    return {
        "class": step.class_name,
        "seed": step.seed,
        "epoch": step.epoch,
        "loss": step.training_loss,
        "validation_loss": step.validation_loss,
    }


@pytest.mark.parametrize("pretraining_epochs", [0, 2])
def test_every_epoch_is_reported(pretraining_epochs: int) -> None:
    steps: list[Progress] = []
    schedule = Schedule(
        epochs={"Bulk": 1, "SF1": 2}, pretraining_epochs=pretraining_epochs, seeds=(0, 4)
    )
    _, history = fit(SPEC, striped(5), striped(3, 1), schedule, report=steps.append)
    total = 2 * (3 + pretraining_epochs)
    assert [step.done for step in steps] == list(range(1, total + 1))
    assert {step.total for step in steps} == {total}
    assert [history_entry(step) for step in steps] == history
    assert steps[-1].stage == "training SF1"
    assert [(h["class"], h["seed"], h["epoch"]) for h in history if h["class"]] == [
        (name, seed, epoch)
        for seed in (0, 4)
        for name, epoch in (("Bulk", 1), ("SF1", 1), ("SF1", 2))
    ]
    assert all(h["validation_loss"] > 0 for h in history)


def test_the_callback_can_end_the_run() -> None:
    steps: list[Progress] = []

    def cancel(step: Progress) -> None:
        steps.append(step)
        if len(steps) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(SPEC, striped(5), None, QUICK, report=cancel)
    assert len(steps) == 2


def test_without_validation_there_is_no_validation_loss() -> None:
    nothing = Samples({"fft": np.zeros((0, 1, 48, 25), np.float32)}, np.zeros((0, 2), np.float32))
    for validation in (None, nothing):
        _, history = fit(SPEC, striped(3), validation, QUICK)
        assert {step["validation_loss"] for step in history} == {None}


@pytest.mark.parametrize("pretraining_epochs", [0, 1])
def test_a_class_with_unknown_targets_is_named(pretraining_epochs: int) -> None:
    samples = striped(5)
    samples.targets[1:, 1] = np.nan
    with pytest.raises(LabelError, match=r"^SF1: 1 training windows"):
        fit(SPEC, samples, None, replace(QUICK, pretraining_epochs=pretraining_epochs))


def test_only_one_kind_of_window_still_gives_numbers() -> None:
    samples = striped(5)
    samples.targets[:] = [1, 0]
    ensemble, history = fit(SPEC, samples, None, QUICK)
    assert all(np.isfinite(step["loss"]) for step in history)
    assert np.isfinite(predictions(ensemble, striped(3, 1))).all()


def test_a_last_batch_of_one_window_is_skipped() -> None:
    """A last batch of one window has no variance to normalise by."""
    samples = striped(9)  # 18 windows
    _, history = fit(SPEC, samples, None, replace(QUICK, batch=17))
    assert all(np.isfinite(step["loss"]) for step in history)


def test_a_warm_up_helps_when_there_are_few_windows() -> None:
    few, fresh = striped(each=2), striped(each=30, seed=1)
    schedule = Schedule(
        epochs={"Bulk": 1, "SF1": 1},
        pretraining_epochs=1,
        warm_up_epochs=5,
        batch=8,
        learning_rate=5e-3,
    )

    def right(warm_up: Samples | None) -> float:
        ensemble, history = fit(SPEC, few, None, schedule, warm_up=warm_up)
        assert [step["class"] for step in history] == ["lesson"] * 5 * bool(warm_up) + [
            "",
            "Bulk",
            "SF1",
        ]
        return float(((predictions(ensemble, fresh) > 0.5) == (fresh.targets > 0.5)).mean())

    assert right(striped(each=40, seed=2)) > max(0.9, right(None))


def test_a_warm_up_may_leave_a_class_out() -> None:
    samples = striped()
    of_bulk = Samples(samples.features, np.where([True, False], samples.targets, np.nan))
    schedule = replace(QUICK, pretraining_epochs=1, warm_up_epochs=1)
    ensemble, _ = fit(SPEC, samples, None, schedule, warm_up=of_bulk)
    assert np.isfinite(predictions(ensemble, samples)).all()


def test_the_auxiliary_loss_applies_to_pretraining_only() -> None:
    def losses(auxiliary_weight: float) -> list[float]:
        schedule = replace(QUICK, pretraining_epochs=1, auxiliary_weight=auxiliary_weight)
        history = fit(SPEC, striped(), None, schedule)[1]
        return [step["loss"] for step in history]

    plain, named, twice = losses(0), losses(1), losses(2)
    assert plain[0] < named[0] < twice[0]
    assert max(named[1:]) < named[0]


def test_weights_of_a_seed_have_not_changed() -> None:
    """Golden values of warm-up, pretraining with auxiliary loss, and fine-tuning (version 0.1)."""
    spec = replace(SPEC, classes=("Bulk", "SF1", "SF2"))
    samples, easy = (
        plain_samples(striped_patches(each, seed, classes=spec.classes), spec.preprocessing)
        for each, seed in ((10, 0), (8, 1))
    )
    schedule = Schedule(
        epochs={"Bulk": 1, "SF1": 2, "SF2": 1},
        pretraining_epochs=2,
        warm_up_epochs=1,
        auxiliary_weight=0.5,
        seeds=(0, 3),
        batch=8,
    )
    ensemble, history = fit(spec, samples, easy, schedule, warm_up=easy)
    # Other processors round differently, which the optimiser amplifies.
    losses = [2.1447245, 1.2212432, 1.0311068, 0.8364218, 0.3003044, 0.2768258, 0.2576719]
    assert [step["loss"] for step in history[:7]] == pytest.approx(losses, abs=1e-4)
    np.testing.assert_allclose(
        ensemble.weights["0.0.head.1.weight"].ravel()[:3],
        [0.00212747, 0.07495605, -0.00721896],
        atol=1e-4,
    )
    np.testing.assert_allclose(
        ensemble.weights["1.1.head.4.weight"].ravel()[:3],
        [-0.52928495, -0.6355722, -0.42793921],
        atol=1e-4,
    )
