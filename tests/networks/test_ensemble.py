"""The network computes what the abstract describes, for any batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from scipy.special import expit

from napari_stem_defects.errors import ModelError
from napari_stem_defects.networks.ensemble import (
    EnsembleNetwork,
    new_member,
    weight_shapes,
    weights_of,
)
from napari_stem_defects.networks.spec import Architecture, Calibration, Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import (
    feature_shapes,
    features,
)
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)

SMALL = Architecture(channels=(4, 8), hidden=8)
SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1", "LC"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=SMALL,
)


def members_of(spec: EnsembleSpec, seed: int = 0) -> list[list[torch.nn.Module]]:
    """Return untrained members whose batch norms have seen something."""
    torch.manual_seed(seed)
    members = [[new_member(spec) for _ in spec.seeds] for _ in spec.classes]
    for member in (member for same in members for member in same):
        for layer in member.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(layer.running_mean, -0.2, 0.2)
                torch.nn.init.uniform_(layer.running_var, 0.5, 2)
                torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
                torch.nn.init.uniform_(layer.bias, -0.2, 0.2)
    return members


def ensemble_of(spec: EnsembleSpec = SPEC) -> Ensemble:
    return Ensemble(spec, weights_of(members_of(spec)))


def patches(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    noise = np.random.default_rng(seed).normal(size=(count, 64, 64))
    return features(noise.astype(np.float32), SPEC.preprocessing)


def selu(z: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z))


def by_hand(
    weights: dict[str, np.ndarray], seen: dict[str, np.ndarray], *, maxima: bool = False
) -> float:
    """Answer for one window with loops, SELU before the maximum as in the abstract."""
    flat = []
    for branch, values in seen.items():
        name = f"branches.{branch}."
        layer = normed(values.astype(np.float64), weights, f"{name}0.")
        for block in range(len(SMALL.channels)):
            kernels = weights[f"{name}{1 + 4 * block}.weight"]
            padded = np.pad(layer, ((0, 0), (1, 1), (1, 1)))
            layer = np.stack(
                [
                    sum(
                        correlate2d(channel, k, "valid")
                        for channel, k in zip(padded, kernel, strict=True)
                    )
                    for kernel in kernels
                ]
            )
            layer = selu(normed(layer, weights, f"{name}{2 + 4 * block}."))
            rows, columns = layer.shape[1] // 2, layer.shape[2] // 2
            blocks = layer[:, : 2 * rows, : 2 * columns].reshape(-1, rows, 2, columns, 2)
            layer = blocks.max((2, 4))
        flat.append(layer.ravel())
        if maxima:
            flat.append(layer.max((1, 2)))
    hidden = selu(weights["head.1.weight"] @ np.concatenate(flat) + weights["head.1.bias"])
    return float((weights["head.4.weight"] @ hidden + weights["head.4.bias"])[0])


def normed(values: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    mean, variance, scale, shift = (
        weights[name + part][:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (values - mean) / np.sqrt(variance + 1e-5) * scale + shift


@pytest.mark.parametrize("maxima", [False, True])
def test_members_compute_what_the_abstract_describes(*, maxima: bool) -> None:
    ensemble = ensemble_of(replace(SPEC, architecture=replace(SMALL, maxima=maxima)))
    seen = patches(2)
    logits = EnsembleNetwork(ensemble).logits(seen)
    assert logits.shape == (2, 2, 3)
    assert logits.dtype == np.float32
    for seed, window, column in ((0, 0, 0), (1, 0, 2), (1, 1, 1)):
        prefix = f"{column}.{seed}."
        weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in ensemble.weights.items()
            if name.startswith(prefix)
        }
        one = {name: array[window] for name, array in seen.items()}
        assert logits[seed, window, column] == pytest.approx(
            by_hand(weights, one, maxima=maxima), abs=1e-4
        )


def test_weights_have_the_names_and_shapes_a_file_must_hold() -> None:
    found = {name: array.shape for name, array in weights_of(members_of(SPEC)).items()}
    assert found == weight_shapes(SPEC)
    assert len({name.split(".")[0] for name in found}) == 3
    assert len({name.split(".")[1] for name in found}) == 2


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_answers_do_not_depend_on_the_batch(batch: int) -> None:
    network, seen = EnsembleNetwork(ensemble_of()), patches(64)
    whole = network.probabilities(seen)
    parts = [
        network.probabilities({name: array[start : start + batch] for name, array in seen.items()})
        for start in range(0, 64, batch)
    ]
    assert np.abs(np.concatenate(parts) - whole).max() <= 1e-5


def test_probabilities_are_calibrated_mean_logits() -> None:
    spec = replace(SPEC, calibration={"SF1": Calibration(2.0, -0.5)})
    network, seen = EnsembleNetwork(ensemble_of(spec)), patches(5)
    mean = network.logits(seen).mean(0)
    wanted = expit(mean * [1, 2, 1] + [0, -0.5, 0])
    np.testing.assert_allclose(network.probabilities(seen), wanted, atol=1e-6)


def test_no_windows_give_no_answers() -> None:
    assert EnsembleNetwork(ensemble_of()).probabilities(patches(0)).shape == (0, 3)


def test_answering_changes_nothing() -> None:
    ensemble, seen = ensemble_of(), patches(9)
    network = EnsembleNetwork(ensemble)
    before = {name: array.copy() for name, array in ensemble.weights.items()}
    np.testing.assert_array_equal(network.logits(seen), network.logits(seen))
    for name, array in before.items():
        np.testing.assert_array_equal(ensemble.weights[name], array)


def test_members_start_he_normal() -> None:
    torch.manual_seed(0)
    spec = replace(SPEC, architecture=Architecture(channels=(32, 64), hidden=64))
    state = new_member(spec).state_dict()
    for name in ("branches.fft.5.weight", "head.1.weight"):
        weight = state[name].numpy()
        fan_in = weight[0].size
        assert weight.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.05)
    assert not state["head.1.bias"].any()


def test_each_part_of_the_representation_has_a_branch() -> None:
    for representation in ("fft", "real", "fft+real"):
        settings = PreprocessingSettings(representation=representation)
        names = weight_shapes(replace(SPEC, preprocessing=settings))
        branches = {name.split(".")[3] for name in names if ".branches." in name}
        assert branches == set(feature_shapes(settings))


def test_too_many_poolings_are_refused() -> None:
    spec = replace(SPEC, architecture=Architecture(channels=(4,) * 6))
    with pytest.raises(ModelError, match="leave nothing"):
        weight_shapes(spec)


def test_sizes_shrink_by_halves() -> None:
    shapes = weight_shapes(replace(SPEC, preprocessing=PreprocessingSettings()))
    widths = [shapes[f"0.0.branches.fft.{1 + 4 * block}.weight"] for block in range(2)]
    assert all(after[1] == before[0] for before, after in pairwise(widths))
    assert shapes["0.0.head.1.weight"] == (8, 8 * 12 * 6)
