"""Sliding-window inference: coarse grid first, early exit, precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.small_ensemble import SPEC, LimitedMemory, filtered_noise, small_ensemble
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.inference.early_exit import EARLY_EXIT_PROBABILITY
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.inference.sliding_window import fast_precision
from napari_stem_defects.networks.spec import Ensemble, PlattCalibration
from napari_stem_defects.preprocessing.pipeline import features
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import (
    Grid,
    band_around,
    cut,
    pad_for_windows,
    window_grid,
)


@pytest.fixture(scope="module")
def filtered() -> np.ndarray:
    return filtered_noise()


def bulk_from(fraction: float, filtered: np.ndarray) -> Ensemble:
    """Return an ensemble whose Bulk is certain on about this fraction of the windows."""
    spec = replace(
        SPEC, calibration={"SF1": PlattCalibration(1, -20), "LC": PlattCalibration(1, -20)}
    )
    grid = window_grid(filtered.shape, 8)
    plain = predict(filtered, small_ensemble(spec), grid)[1]
    logit = np.log(plain / (1 - plain))
    wanted = np.log(EARLY_EXIT_PROBABILITY / (1 - EARLY_EXIT_PROBABILITY))
    shift = float(wanted - np.quantile(logit, 1 - fraction))
    bulk = {"Bulk": PlattCalibration(1, shift)}
    return small_ensemble(replace(spec, calibration={**spec.calibration, **bulk}))


@pytest.mark.parametrize("fraction", [0.2, 0.7])
def test_windows_of_certain_bulk_skip_the_other_members(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, fraction: float
) -> None:
    ensemble, grid = bulk_from(fraction, filtered), window_grid(filtered.shape, 8)
    exact = predict(filtered, ensemble, grid)
    monkeypatch.setattr(sliding_window, "fast_precision", lambda device: "float32")
    limited = LimitedMemory(monkeypatch, "none", RuntimeError(), holds=0)
    fast = predict(filtered, ensemble, grid, mode="fast")
    coarse = np.zeros(exact.shape[1:], bool)
    coarse[::4, ::4] = True
    skipped = (exact[1] >= EARLY_EXIT_PROBABILITY) & ~coarse
    np.testing.assert_allclose(fast[:, ~skipped], exact[:, ~skipped], atol=1e-5)
    np.testing.assert_allclose(fast[1], exact[1], atol=1e-5)
    assert not fast[0][skipped].any()
    assert not fast[2][skipped].any()
    # Every window once by Bulk or all members; then again by all where Bulk is not certain.
    assert (
        sum(count for _, count in limited.calls) == 2 * grid.windows - skipped.sum() - coarse.sum()
    )
    assert 0.5 * fraction < skipped.mean() < fraction + 0.1


def test_a_bulk_that_is_certain_on_defects_skips_nothing(filtered: np.ndarray) -> None:
    ensemble, grid = bulk_from(0.7, filtered), window_grid(filtered.shape, 8)
    contradicting = {**ensemble.spec.calibration, "LC": PlattCalibration(1, 20)}
    ensemble = small_ensemble(replace(ensemble.spec, calibration=contradicting))
    exact = predict(filtered, ensemble, grid)
    assert (exact[1] >= EARLY_EXIT_PROBABILITY).any()
    np.testing.assert_allclose(predict(filtered, ensemble, grid, mode="fast"), exact, atol=1e-5)


@pytest.mark.parametrize("stored", [None, 0.3, 1.0])
def test_the_stored_threshold_decides_on_the_early_exit(
    filtered: np.ndarray, stored: float | None
) -> None:
    certain = {
        "Bulk": PlattCalibration(1, 60),
        "SF1": PlattCalibration(1, -20),
        "LC": PlattCalibration(1, -20),
    }
    spec = replace(SPEC, calibration=certain, training={"bulk_clears_from": stored})
    ensemble, grid = small_ensemble(spec), window_grid(filtered.shape, 8)
    exact, fast = (predict(filtered, ensemble, grid, mode=mode) for mode in ("exact", "fast"))
    assert (exact[1] == 1).all()
    skipped = np.ones(exact.shape[1:], bool)
    skipped[::4, ::4] = False
    assert (fast[0][skipped] == 0).all() == (stored != 1.0)
    if stored == 1.0:
        np.testing.assert_allclose(fast, exact, atol=1e-5)


def test_an_ensemble_without_bulk_is_exact_in_every_mode(filtered: np.ndarray) -> None:
    ensemble = small_ensemble(replace(SPEC, classes=("SF1", "LC")))
    grid = window_grid(filtered.shape, 16)
    exact, fast = (predict(filtered, ensemble, grid, mode=mode) for mode in ("exact", "fast"))
    np.testing.assert_array_equal(exact, fast)


@pytest.mark.parametrize("supported", [True, False])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_precision_is_a_property_of_the_device(
    monkeypatch: pytest.MonkeyPatch, device: str, supported: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported and device == "cuda")
    monkeypatch.setattr(
        torch.cpu, "_is_amx_tile_supported", lambda: supported and device == "cpu", raising=False
    )
    assert fast_precision(device) == ("bfloat16" if supported else "float32")


def test_precision_without_a_word_about_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert fast_precision("cpu") == "float32"
    assert fast_precision("mps") == "float32"


@pytest.mark.parametrize(
    "p",
    [
        PreprocessingSettings(threshold=0.2),
        PreprocessingSettings(representation="fft+real"),
        replace(PreprocessingSettings.paper(), threshold=0.4),
        PreprocessingSettings(representation="real", contrast_px=0.0),
    ],
)
def test_features_on_the_device_equal_those_of_training(p: PreprocessingSettings) -> None:
    patches = np.random.default_rng(1).normal(size=(9, 64, 64)).astype(np.float32)
    patches[3] = 0
    wanted, got = features(patches, p), features_on_device(torch.from_numpy(patches), p)
    assert set(got) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(got[name].numpy(), values, atol=2e-5)


@given(st.integers(64, 300), st.integers(64, 120), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_windows_of_bands_equal_those_of_whole_images(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((height, width), dtype=np.float32)
    low = int(rng.integers(0, height))
    y = rng.integers(low, min(low + 40, height), 6)
    x = rng.integers(0, width, 6)
    band, top = band_around(image, y, 32)
    assert band.shape == (np.ptp(y) + 32, width + 32)
    wanted = cut(pad_for_windows(image, 32), y, x, 32)
    np.testing.assert_array_equal(cut(band, y - top, x, 32), wanted)


@pytest.mark.parametrize("batch", [1, 7, 512])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 4), (9, 13)])
def test_batches_cover_every_window_once_and_the_coarse_grid_first(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, batch: int, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr(sliding_window, "BATCH", batch)
    strategy = sliding_window.SlidingWindowInference(filtered, small_ensemble(), "cpu", "exact")
    batches = list(strategy.batches(Grid(np.arange(shape[0]), np.arange(shape[1]))))
    windows = [(y, x) for each in batches for y, x in zip(each.rows, each.columns, strict=True)]
    assert sorted(windows) == list(np.ndindex(shape))
    assert max(len(each.rows) for each in batches) <= batch
    ends = [each.ends_coarse_grid for each in batches]
    assert ends.count(True) == 1
    coarse = sum(len(each.rows) for each in batches[: ends.index(True) + 1])
    assert set(windows[:coarse]) == {(y, x) for y, x in windows if y % 4 == 0 and x % 4 == 0}
