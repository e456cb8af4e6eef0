"""Prediction of all windows of an image: devices, progress, and stacks of frames."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import pytest

from helpers.small_ensemble import SPEC, filtered_noise, small_ensemble
from napari_stem_defects.base.progress import Progress
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.inference.predict import PartialProbabilities, pick_device, predict
from napari_stem_defects.inference.strategy import CoarseMapProgress
from napari_stem_defects.networks import ensemble as ensemble_module
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.preprocessing.pipeline import features
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows, window_grid


@pytest.fixture(scope="module")
def filtered() -> np.ndarray:
    return filtered_noise()


def test_networks_are_built_once_for_all_frames_of_a_stack(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    built: list[Any] = []

    def build(*args: Any, **choices: Any) -> EnsembleNetwork:
        built.append(choices)
        return EnsembleNetwork(*args, **choices)

    monkeypatch.setattr(ensemble_module, "EnsembleNetwork", build)
    grid, ensemble = window_grid((64, 64), 32), small_ensemble()
    probability = [predict(filtered[:64, :64], ensemble, grid, mode="fast") for _ in range(3)]
    assert [choices["classes"] for choices in built] == [None, [SPEC.classes.index("Bulk")]]
    np.testing.assert_array_equal(probability[0], probability[2])
    other = small_ensemble(replace(SPEC, classes=("SF1", "LC")))
    assert predict(filtered[:64, :64], other, grid).shape == (2, 2, 2)
    predict(filtered[:64, :64], ensemble, grid)
    assert len(built) == 3


@pytest.mark.parametrize(
    "frames", [30, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_memory_stays_flat_over_the_frames_of_a_stack(filtered: np.ndarray, frames: int) -> None:
    ensemble, grid = small_ensemble(), window_grid(filtered.shape, 16)
    process, held = psutil.Process(), []
    for _ in range(frames):
        predict(filtered, ensemble, grid, mode="fast")
        held.append(process.memory_info().rss)
    part = frames // 3
    # The least of each part: memory that the allocator returns later is no leak.
    assert min(held[-part:]) - min(held[part:-part]) < 8e6


def test_memory_of_the_networks_is_released_with_the_ensemble(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    networks: list[weakref.ref[EnsembleNetwork]] = []

    def build(*args: Any, **choices: Any) -> EnsembleNetwork:
        network = EnsembleNetwork(*args, **choices)
        networks.append(weakref.ref(network))
        return network

    monkeypatch.setattr(ensemble_module, "EnsembleNetwork", build)
    build.__name__ = "EnsembleNetwork"
    ensemble, grid = small_ensemble(), window_grid((64, 64), 32)
    predict(filtered[:64, :64], ensemble, grid, mode="fast")
    assert len(networks) == 2
    assert all(network() is not None for network in networks)
    del ensemble
    gc.collect()
    assert all(network() is None for network in networks)


def test_progress_holds_the_coarse_grid_once(filtered: np.ndarray) -> None:
    grid, reports, shown = window_grid(filtered.shape, 8), [], []

    def watch(partial: PartialProbabilities) -> None:
        assert partial.grid is grid
        assert not partial.probability[:, ~partial.predicted].any()
        shown.append(int(partial.predicted.sum()))

    found = predict(filtered, small_ensemble(), grid, report=reports.append, watch=watch)
    assert [each.done for each in reports] == shown
    assert reports[-1].done == reports[-1].total == grid.windows
    (coarse,) = [each for each in reports if isinstance(each, CoarseMapProgress)]
    assert coarse.probability.dtype == np.float32
    np.testing.assert_array_equal(coarse.probability, found[:, ::4, ::4])
    np.testing.assert_array_equal(coarse.y, grid.y[::4])
    np.testing.assert_array_equal(coarse.x, grid.x[::4])


def test_unknown_devices_are_rejected() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device() == pick_device("auto")
    assert pick_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match=r"not available here; use auto or one of: .*cpu"):
        pick_device("tpu")


def test_the_coarse_grid_is_predicted_first(
    monkeypatch: pytest.MonkeyPatch, filtered: np.ndarray
) -> None:
    monkeypatch.setattr(sliding_window, "BATCH", 10)
    steps: list[Progress] = []
    grid = window_grid(filtered.shape, 12)
    probability = predict(filtered, small_ensemble(), grid, report=steps.append)
    coarse = [number for number, step in enumerate(steps) if isinstance(step, CoarseMapProgress)]
    windows = len(grid.y[::4]) * len(grid.x[::4])
    assert coarse == [-(-windows // 10) - 1]
    step = steps[coarse[0]]
    assert isinstance(step, CoarseMapProgress)
    np.testing.assert_array_equal(step.probability, probability[:, ::4, ::4])
    np.testing.assert_array_equal(step.y, grid.y[::4])
    np.testing.assert_array_equal(step.x, grid.x[::4])
    done = [step.done for step in steps]
    assert done == sorted(set(done))
    assert done[-1] == grid.windows
    assert {step.total for step in steps} == {grid.windows}
    assert steps[coarse[0]].done == windows


def test_predicted_are_the_probabilities_of_every_window(filtered: np.ndarray) -> None:
    ensemble, grid = small_ensemble(), window_grid(filtered.shape, 30)
    probability = predict(filtered, ensemble, grid)
    y, x = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))
    windows = cut(pad_for_windows(filtered, 64), y, x, 64)
    wanted = EnsembleNetwork(ensemble).probabilities(features(windows, SPEC.preprocessing))
    assert probability.shape == (3, len(grid.y), len(grid.x))
    np.testing.assert_allclose(probability.reshape(3, -1).T, wanted, atol=1e-5)
