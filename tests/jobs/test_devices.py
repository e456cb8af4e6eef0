"""Speed and description of the device."""

from __future__ import annotations

import pytest
import torch

from napari_stem_defects.jobs import devices


def test_the_rate_counts_the_operations_of_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_SIZE", 16)
    clock = iter([10.0, 10.2, 10.4, 10.6])  # the third product ends after the least time
    monkeypatch.setattr(devices.time, "perf_counter", lambda: next(clock))
    # Two products were finished before the look at the clock that ended the measurement.
    expected = 2 * devices.PRODUCT_OPERATIONS / 0.6 / 1e9
    assert devices.matrix_rate() == pytest.approx(expected)


def test_the_rate_is_positive_in_low_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_SIZE", 16)
    monkeypatch.setattr(devices, "_LEAST_SECONDS", 0.001)
    assert devices.matrix_rate("cpu", "bfloat16") > 0


def test_a_product_of_square_matrices_has_two_operations_per_term() -> None:
    assert devices.PRODUCT_OPERATIONS == 2 * 2048**3


def test_the_cpu_is_described_with_its_threads() -> None:
    described = devices.describe("cpu")
    assert described == f"cpu, {torch.get_num_threads()} threads, torch {torch.__version__}"


def test_a_gpu_is_described_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100")
    assert devices.describe("cuda") == f"NVIDIA H100, torch {torch.__version__}"
