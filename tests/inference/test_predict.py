"""What a scan does where memory is short, and which windows it spares the members."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.errors import InputError
from napari_stem_defects.inference import sliding_window, strategy
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.inference.sliding_window import fast_precision
from napari_stem_defects.networks.ensemble import EnsembleNetwork, new_member, weights_of
from napari_stem_defects.networks.spec import Architecture, Calibration, Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import (
    features,
    filter_image,
)
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)
from napari_stem_defects.preprocessing.windows import band_around, cut, pad_for_windows, window_grid

SPEC = EnsembleSpec(
    "small",
    ("SF1", "Bulk", "LC"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=Architecture(channels=(4, 8), hidden=8),
)


def ensemble_of(spec: EnsembleSpec = SPEC) -> Ensemble:
    torch.manual_seed(0)
    members = [[new_member(spec).eval() for _ in spec.seeds] for _ in spec.classes]
    return Ensemble(spec, weights_of(members))


@pytest.fixture(scope="module")
def filtered() -> np.ndarray:
    noise = np.random.default_rng(0).random((150, 170), dtype=np.float32)
    return filter_image(noise, SPEC.preprocessing)


class Short:
    """Networks on a device that holds only so many windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, device: str, error: Exception, holds: int):
        self.asked: list[tuple[str, int]] = []
        ask = EnsembleNetwork.ask

        def asked(network: EnsembleNetwork, seen: dict[str, torch.Tensor]) -> torch.Tensor:
            count = len(next(iter(seen.values())))
            self.asked.append((network.device.type, count))
            if network.device.type == device and count > holds:
                raise error
            return ask(network, seen)

        monkeypatch.setattr(EnsembleNetwork, "ask", asked)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_short_memory_halves_the_batch(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, error: Exception
) -> None:
    grid, ensemble = window_grid(filtered.shape, 8), ensemble_of()
    wanted = predict(filtered, ensemble, grid)
    short = Short(monkeypatch, "cpu", error, holds=100)
    np.testing.assert_allclose(predict(filtered, ensemble, grid), wanted, atol=1e-6)
    assert [count for _, count in short.asked if count > 100] == [
        min(512, grid.windows - len(grid.y[::4]) * len(grid.x[::4])),
        256,
        128,
    ]


def test_a_device_without_memory_is_left_for_the_cpu(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    grid, ensemble = window_grid(filtered.shape, 16), ensemble_of()
    wanted = predict(filtered, ensemble, grid)
    short = Short(monkeypatch, "meta", torch.OutOfMemoryError("CUDA out of memory"), holds=0)
    with caplog.at_level(logging.WARNING):
        answers = predict(filtered, ensemble, grid, device="meta")
    np.testing.assert_allclose(answers, wanted, atol=1e-6)
    devices = [device for device, _ in short.asked]
    assert devices == sorted(devices, reverse=True)  # the device first, then the CPU for good
    assert "going on with the CPU" in caplog.messages[-1]


def test_no_memory_at_all_is_said(monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray) -> None:
    Short(monkeypatch, "cpu", torch.OutOfMemoryError("out of memory"), holds=0)
    with pytest.raises(InputError, match="not enough memory"):
        predict(filtered, ensemble_of(), window_grid(filtered.shape, 16))


def test_other_faults_are_not_taken_for_want_of_memory(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    Short(monkeypatch, "cpu", RuntimeError("shapes do not match"), holds=0)
    with pytest.raises(RuntimeError, match="shapes"):
        predict(filtered, ensemble_of(), window_grid(filtered.shape, 16))


def bulk_from(limit_of_clearing: float, filtered: np.ndarray) -> Ensemble:
    """Return an ensemble whose Bulk is sure of about so large a share of the windows."""
    spec = replace(SPEC, calibration={"SF1": Calibration(1, -20), "LC": Calibration(1, -20)})
    grid = window_grid(filtered.shape, 8)
    plain = predict(filtered, ensemble_of(spec), grid)[1]
    logit = np.log(plain / (1 - plain))
    wanted = np.log(
        sliding_window.EARLY_EXIT_PROBABILITY / (1 - sliding_window.EARLY_EXIT_PROBABILITY)
    )
    shift = float(wanted - np.quantile(logit, 1 - limit_of_clearing))
    bulk = {"Bulk": Calibration(1, shift)}
    return ensemble_of(replace(spec, calibration={**spec.calibration, **bulk}))


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_windows_bulk_is_sure_of_are_spared_the_others(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, share: float
) -> None:
    ensemble, grid = bulk_from(share, filtered), window_grid(filtered.shape, 8)
    exact = predict(filtered, ensemble, grid)
    monkeypatch.setattr(sliding_window, "fast_precision", lambda device: "float32")
    short = Short(monkeypatch, "none", RuntimeError(), holds=0)
    fast = predict(filtered, ensemble, grid, mode="fast")
    coarse = np.zeros(exact.shape[1:], bool)
    coarse[::4, ::4] = True
    cleared = (exact[1] >= sliding_window.EARLY_EXIT_PROBABILITY) & ~coarse
    np.testing.assert_allclose(fast[:, ~cleared], exact[:, ~cleared], atol=1e-5)
    np.testing.assert_allclose(fast[1], exact[1], atol=1e-5)
    assert not fast[0][cleared].any()
    assert not fast[2][cleared].any()
    # Every window once by Bulk or all; then all again for what Bulk left.
    assert sum(count for _, count in short.asked) == 2 * grid.windows - cleared.sum() - coarse.sum()
    assert 0.5 * share < cleared.mean() < share + 0.1


def test_a_bulk_that_is_sure_of_defects_is_not_trusted(filtered: np.ndarray) -> None:
    ensemble, grid = bulk_from(0.7, filtered), window_grid(filtered.shape, 8)
    liar = {**ensemble.spec.calibration, "LC": Calibration(1, 20)}
    ensemble = ensemble_of(replace(ensemble.spec, calibration=liar))
    exact = predict(filtered, ensemble, grid)
    assert (exact[1] >= sliding_window.EARLY_EXIT_PROBABILITY).any()
    np.testing.assert_allclose(predict(filtered, ensemble, grid, mode="fast"), exact, atol=1e-5)


@pytest.mark.parametrize("recorded", [None, 0.3, 1.0])
def test_what_training_recorded_decides_what_bulk_clears(
    filtered: np.ndarray, recorded: float | None
) -> None:
    sure = {"Bulk": Calibration(1, 60), "SF1": Calibration(1, -20), "LC": Calibration(1, -20)}
    spec = replace(SPEC, calibration=sure, training={"bulk_clears_from": recorded})
    ensemble, grid = ensemble_of(spec), window_grid(filtered.shape, 8)
    exact, fast = (predict(filtered, ensemble, grid, mode=mode) for mode in ("exact", "fast"))
    assert (exact[1] == 1).all()
    spared = np.ones(exact.shape[1:], bool)
    spared[::4, ::4] = False
    assert (fast[0][spared] == 0).all() == (recorded != 1.0)
    if recorded == 1.0:
        np.testing.assert_allclose(fast, exact, atol=1e-5)


def test_an_ensemble_without_bulk_is_exact_in_every_mode(filtered: np.ndarray) -> None:
    ensemble = ensemble_of(replace(SPEC, classes=("SF1", "LC")))
    grid = window_grid(filtered.shape, 16)
    exact, fast = (predict(filtered, ensemble, grid, mode=mode) for mode in ("exact", "fast"))
    np.testing.assert_array_equal(exact, fast)


@pytest.mark.parametrize("seconds", [(1.0, 0.5, "bfloat16"), (1.0, 0.9, "float32")])
def test_precision_is_measured(monkeypatch: pytest.MonkeyPatch, seconds: tuple[Any, ...]) -> None:
    whole, halved, wanted = seconds
    monkeypatch.setattr(
        sliding_window, "_seconds", lambda _, kind: whole if kind == torch.float32 else halved
    )
    fast_precision.cache_clear()
    assert fast_precision("cpu") == wanted
    fast_precision.cache_clear()


@pytest.mark.parametrize(
    "p",
    [
        PreprocessingSettings(threshold=0.2),
        PreprocessingSettings(representation="fft+real"),
        replace(PreprocessingSettings.paper(), threshold=0.4),
        PreprocessingSettings(representation="real", contrast_px=0.0),
    ],
)
def test_the_device_sees_what_training_saw(p: PreprocessingSettings) -> None:
    patches = np.random.default_rng(1).normal(size=(9, 64, 64)).astype(np.float32)
    patches[3] = 0
    wanted, got = features(patches, p), features_on_device(torch.from_numpy(patches), p)
    assert set(got) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(got[name].numpy(), values, atol=2e-5)


@given(st.integers(64, 300), st.integers(64, 120), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_bands_hold_what_whole_images_hold(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((height, width), dtype=np.float32)
    low = int(rng.integers(0, height))
    y = rng.integers(low, min(low + 40, height), 6)
    x = rng.integers(0, width, 6)
    band, top = band_around(image, y, 32)
    assert band.shape == (np.ptp(y) + 32, width + 32)
    wanted = cut(pad_for_windows(image, 32), y, x, 32)
    np.testing.assert_array_equal(cut(band, y - top, x, 32), wanted)


def test_networks_are_built_once_for_all_frames_of_a_stack(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    built: list[Any] = []

    def build(*args: Any, **choices: Any) -> EnsembleNetwork:
        built.append(choices)
        return EnsembleNetwork(*args, **choices)

    monkeypatch.setattr(strategy, "EnsembleNetwork", build)
    grid, ensemble = window_grid((64, 64), 32), ensemble_of()
    answers = [predict(filtered[:64, :64], ensemble, grid, mode="fast") for _ in range(3)]
    assert [choices["classes"] for choices in built] == [None, [SPEC.classes.index("Bulk")]]
    np.testing.assert_array_equal(answers[0], answers[2])
    other = ensemble_of(replace(SPEC, classes=("SF1", "LC")))
    assert predict(filtered[:64, :64], other, grid).shape == (2, 2, 2)
    assert len(built) == 3


@pytest.mark.parametrize(
    "frames", [30, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_memory_stays_flat_over_the_frames_of_a_stack(filtered: np.ndarray, frames: int) -> None:
    ensemble, grid = ensemble_of(), window_grid(filtered.shape, 16)
    process, held = psutil.Process(), []
    for _ in range(frames):
        predict(filtered, ensemble, grid, mode="fast")
        held.append(process.memory_info().rss)
    warm = frames // 3
    assert max(held[warm:]) - held[warm] < 8e6
