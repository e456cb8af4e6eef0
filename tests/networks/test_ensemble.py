"""Merged networks: the computation of the abstract, for any batch."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from scipy.special import expit

from napari_stem_defects.networks import ensemble as ensemble_module
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import (
    EnsembleNetwork,
    count_multiplications,
    network_for,
)
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec, PlattCalibration
from napari_stem_defects.preprocessing.pipeline import features
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

SMALL = Architecture(channels=(4, 8), hidden=8)
SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1", "LC"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=SMALL,
)


def members_of(spec: EnsembleSpec, seed: int = 0) -> list[list[torch.nn.Module]]:
    """Return untrained members with batch normalisation unlike the identity."""
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
    return Ensemble(spec, collect_weights(members_of(spec)))


def patches(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    noise = np.random.default_rng(seed).normal(size=(count, 64, 64))
    return features(noise.astype(np.float32), SPEC.preprocessing)


def selu(z: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z))


def by_hand(
    weights: dict[str, np.ndarray], seen: dict[str, np.ndarray], *, maxima: bool = False
) -> float:
    """Compute one window with loops, SELU before the pooling as in the abstract."""
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


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_probabilities_do_not_depend_on_the_batch(batch: int) -> None:
    network, seen = EnsembleNetwork(ensemble_of()), patches(64)
    whole = network.probabilities(seen)
    parts = [
        network.probabilities({name: array[start : start + batch] for name, array in seen.items()})
        for start in range(0, 64, batch)
    ]
    assert np.abs(np.concatenate(parts) - whole).max() <= 1e-5


def test_probabilities_are_mean_logits_after_probability_calibration() -> None:
    spec = replace(SPEC, calibration={"SF1": PlattCalibration(2.0, -0.5)})
    network, seen = EnsembleNetwork(ensemble_of(spec)), patches(5)
    mean = network.logits(seen).mean(0)
    wanted = expit(mean * [1, 2, 1] + [0, -0.5, 0])
    np.testing.assert_allclose(network.probabilities(seen), wanted, atol=1e-6)


def test_no_windows_give_no_probabilities() -> None:
    assert EnsembleNetwork(ensemble_of()).probabilities(patches(0)).shape == (0, 3)


def test_prediction_leaves_the_weights_unchanged() -> None:
    ensemble, seen = ensemble_of(), patches(9)
    network = EnsembleNetwork(ensemble)
    before = {name: array.copy() for name, array in ensemble.weights.items()}
    np.testing.assert_array_equal(network.logits(seen), network.logits(seen))
    for name, array in before.items():
        np.testing.assert_array_equal(ensemble.weights[name], array)


def test_networks_are_built_once_and_released_with_the_ensemble() -> None:
    ensemble = ensemble_of()
    network = network_for(ensemble, "cpu")
    assert network_for(ensemble, "cpu") is network
    bulk = network_for(ensemble, "cpu", "bfloat16", 0)
    assert bulk is not network
    assert network_for(replace(ensemble, sha256="1"), "cpu") is not network
    released = [weakref.ref(each) for each in (network, bulk, ensemble)]
    gc.disable()
    try:
        del network, bulk, ensemble
        assert [each() for each in released] == [None] * 3
    finally:
        gc.enable()


def test_a_network_of_one_class_has_its_logits() -> None:
    ensemble, seen = ensemble_of(), patches(3)
    alone = EnsembleNetwork(ensemble, classes=[1]).logits(seen)
    np.testing.assert_allclose(alone, EnsembleNetwork(ensemble).logits(seen)[..., 1:2], atol=1e-5)


DENSE = replace(
    SPEC,
    preprocessing=PreprocessingSettings(representation="real"),
    architecture=Architecture(channels=(3, 4, 5), hidden=6, padded=False),
)


def test_multiplications_are_counted_by_hand() -> None:
    tiny = replace(DENSE, architecture=Architecture(channels=(2, 3), hidden=5, padded=False))
    head = (14 * 14 * 3) * 5
    assert count_multiplications(tiny) == 9 * 2 * 62**2 + 9 * 6 * 29**2 + head
    assert count_multiplications(tiny, 8) == 9 * 2 * 64 + 9 * 6 * 16 + head
    assert count_multiplications(tiny, 3) == 9 * 2 * 9 + 9 * 6 * 9 + head
    padded = replace(tiny, architecture=Architecture(channels=(2, 3), hidden=5))
    assert count_multiplications(padded) == 9 * 2 * 64**2 + 9 * 6 * 32**2 + (16 * 16 * 3) * 5


def test_dense_inference_in_half_precision_is_nearly_exact() -> None:
    ensemble = ensemble_of(DENSE)
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(96, 96)).astype(np.float32))
    exact = EnsembleNetwork(ensemble).member_logits_dense(image, 8)
    halved = EnsembleNetwork(ensemble, precision="float16").member_logits_dense(image, 8)
    apart = (torch.sigmoid(exact) - torch.sigmoid(halved)).abs().max()
    assert 0 < float(apart) < 0.004


@pytest.mark.parametrize("values", [1, 10**9])
def test_logits_of_places_are_those_of_their_windows(
    monkeypatch: pytest.MonkeyPatch, values: int
) -> None:
    monkeypatch.setattr(ensemble_module, "CACHED_VALUES", values)  # one tile at a time, or all
    network = EnsembleNetwork(ensemble_of(DENSE))
    tiles = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 75, 70)).astype(np.float32))
    places = torch.tensor([(0, 0, 0), (0, 11, 6), (2, 5, 3), (2, 6, 3)])
    windows = torch.stack([tiles[n, y : y + 64, x : x + 64] for n, y, x in places.tolist()])
    expected = network.member_logits({"real": windows[:, None]})
    found = network.member_logits_of_places(tiles, places)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
