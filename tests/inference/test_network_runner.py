"""Fallback for when memory runs out: smaller batches, then the CPU, then an error."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.small_ensemble import SPEC, LimitedMemory, filtered_noise, small_ensemble
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.inference.network_runner import (
    MIN_BATCH_SIZE,
    NetworkRunner,
    mean_probabilities,
)
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.networks.spec import PlattCalibration
from napari_stem_defects.preprocessing.windows import window_grid


@pytest.fixture(scope="module")
def filtered() -> np.ndarray:
    return filtered_noise()


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
    grid, ensemble = window_grid(filtered.shape, 8), small_ensemble()
    wanted = predict(filtered, ensemble, grid)
    limited = LimitedMemory(monkeypatch, "cpu", error, holds=100)
    np.testing.assert_allclose(predict(filtered, ensemble, grid), wanted, atol=1e-6)
    assert [count for _, count in limited.calls if count > 100] == [
        min(512, grid.windows - len(grid.y[::4]) * len(grid.x[::4])),
        256,
        128,
    ]


def test_inference_moves_to_the_cpu_where_a_device_has_no_memory(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    grid, ensemble = window_grid(filtered.shape, 16), small_ensemble()
    wanted = predict(filtered, ensemble, grid)
    limited = LimitedMemory(
        monkeypatch, "meta", torch.OutOfMemoryError("CUDA out of memory"), holds=0
    )
    with caplog.at_level(logging.WARNING):
        probability = predict(filtered, ensemble, grid, device="meta")
    np.testing.assert_allclose(probability, wanted, atol=1e-6)
    devices = [device for device, _ in limited.calls]
    assert devices == sorted(devices, reverse=True)  # the device first, then the CPU for good
    assert "going on with the CPU" in caplog.messages[-1]


def test_no_memory_at_all_is_reported(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    LimitedMemory(monkeypatch, "cpu", torch.OutOfMemoryError("out of memory"), holds=0)
    with pytest.raises(InputError, match="not enough memory"):
        predict(filtered, small_ensemble(), window_grid(filtered.shape, 16))


def test_other_errors_are_not_taken_for_lack_of_memory(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    LimitedMemory(monkeypatch, "cpu", RuntimeError("shapes do not match"), holds=0)
    with pytest.raises(RuntimeError, match="shapes"):
        predict(filtered, small_ensemble(), window_grid(filtered.shape, 16))


@pytest.mark.parametrize("batch", [24, 32, 64])
def test_no_window_is_left_out_after_the_batch_is_halved(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray, batch: int
) -> None:
    """Several batches follow the one that was too large."""
    grid, ensemble = window_grid(filtered.shape, 8), small_ensemble()
    wanted = predict(filtered, ensemble, grid)
    monkeypatch.setattr(sliding_window, "BATCH", batch)
    LimitedMemory(monkeypatch, "cpu", torch.OutOfMemoryError("out of memory"), holds=17)
    for mode in ("exact", "fast"):
        found = predict(filtered, ensemble, grid, mode=mode)
        np.testing.assert_allclose(found, wanted, atol=1e-6)


class Recorder:
    """Doubles window rows; runs out of memory on a device above a number of windows."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits, self.calls = limits, []
        self.runner = NetworkRunner("meta", lambda device: device.type, lambda device: 100)

    def compute(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        device = self.runner.networks
        self.calls.append((device, len(y)))
        if len(y) > self.limits.get(device, 1000):
            raise MemoryError
        return (2 * y).astype(np.float32)[:, None]


def test_networks_and_batch_size_follow_the_device() -> None:
    recorder, y = Recorder({"meta": 0}), np.arange(150)
    found = recorder.runner.run(recorder.compute, y, y)
    np.testing.assert_array_equal(found[:, 0], 2 * y)
    sizes = [("meta", 100), ("meta", 50), ("meta", 25), ("meta", MIN_BATCH_SIZE)]
    assert recorder.calls == [*sizes, ("cpu", 100), ("cpu", 50)]
    assert recorder.runner.device == torch.device("cpu")


def test_parts_hold_whole_rows() -> None:
    recorder, y = Recorder({"meta": 60}), np.arange(120)
    found = recorder.runner.run(recorder.compute, y, y, row_length=40)
    np.testing.assert_array_equal(found[:, 0], 2 * y)
    assert [count for _, count in recorder.calls] == [80, 40, 40, 40]


def test_member_logits_are_averaged_before_probability_calibration() -> None:
    calibration = {"LC": PlattCalibration(2.0, -1.0)}
    spec = replace(SPEC, calibration=calibration)
    found = mean_probabilities(spec, torch.tensor([[0.0, 2.0, -1.0, 1.0, 1.0, 3.0]]))
    wanted = 1 / (1 + np.exp(-np.array([[1.0, 0.0, 2 * 2.0 - 1]])))
    np.testing.assert_allclose(found, wanted, atol=1e-6)
