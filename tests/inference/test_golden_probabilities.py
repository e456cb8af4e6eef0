"""Probabilities of a small ensemble with fixed weights stay the same.

The numbers in ``golden_probabilities.json`` hold for every batch size, tile size and strategy.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.inference import dense, sliding_window
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.networks.ensemble import supports_dense_inference
from napari_stem_defects.networks.member import weight_shapes
from napari_stem_defects.networks.spec import (
    Architecture,
    Ensemble,
    EnsembleSpec,
    PlattCalibration,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import window_grid

GOLDEN = json.loads(Path(__file__).with_name("golden_probabilities.json").read_text())
IMAGE = np.random.default_rng(3).normal(size=(131, 118)).astype(np.float32)
PROBABILITIES = {"LC": PlattCalibration(0.7, -0.3), "Bulk": PlattCalibration(1.5, 0.2)}
ONLY_BULK = {"SF1": PlattCalibration(1, -9), "LC": PlattCalibration(1, -9)}
EARLY_EXIT = 0.1


def ensemble_of(
    representation: str, *, padded: bool, maxima: bool, early_exit: bool = False
) -> Ensemble:
    spec = EnsembleSpec(
        "golden",
        ("SF1", "Bulk", "LC"),
        seeds=(0, 1),
        preprocessing=PreprocessingSettings(representation=representation),
        architecture=Architecture(channels=(3, 4, 5), hidden=6, padded=padded, maxima=maxima),
        calibration=ONLY_BULK if early_exit else PROBABILITIES,
        training={"bulk_clears_from": EARLY_EXIT} if early_exit else {},
    )
    rng = np.random.default_rng(7)
    shapes = sorted(weight_shapes(spec).items())
    return Ensemble(spec, {name: weight(name, shape, rng) for name, shape in shapes})


def weight(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 2, shape).astype(np.float32)
    if len(shape) == 1:
        return rng.uniform(0.1, 0.6, shape).astype(np.float32)
    gain = 4 if name.endswith("head.4.weight") else 1
    fan_in = int(np.prod(shape[1:]))
    return rng.normal(0, (2 / fan_in) ** 0.5 * gain, shape).astype(np.float32)


def check(found: np.ndarray, name: str) -> None:
    np.testing.assert_allclose(found[:, 1::5, 2::5].ravel(), GOLDEN[name], atol=1e-6)


@pytest.mark.parametrize("size", [7, 64, 512])
@pytest.mark.parametrize(
    ("representation", "padded", "maxima", "stride"),
    [
        ("fft+real", True, True, 8),
        ("fft+real", True, False, 7),
        ("real", False, True, 8),
        ("real", False, False, 7),
        ("real", False, True, 6),
    ],
)
@pytest.mark.parametrize("strategy", ["sliding window", "dense"])
def test_probabilities_are_the_golden_ones(
    monkeypatch: pytest.MonkeyPatch,
    representation: str,
    padded: bool,
    maxima: bool,
    stride: int,
    size: int,
    strategy: str,
) -> None:
    ensemble = ensemble_of(representation, padded=padded, maxima=maxima)
    grid = window_grid(IMAGE.shape, stride)
    name = str((representation, padded, maxima, stride)) + "exact"
    if strategy == "dense":
        if not supports_dense_inference(ensemble.spec):
            pytest.skip("needs an ensemble without padding")
        monkeypatch.setattr(dense, "TILE_PX", 64 + size)
        run = dense.DenseInference(IMAGE, ensemble, "cpu", grid, "exact")
    else:
        monkeypatch.setattr(sliding_window, "BATCH", size)
        run = sliding_window.SlidingWindowInference(IMAGE, ensemble, "cpu", "exact")
    found = np.zeros((3, len(grid.y), len(grid.x)), np.float32)
    for batch in run.batches(grid):
        part = run.predict(grid.y[batch.rows], grid.x[batch.columns])
        found[:, batch.rows, batch.columns] = part.T
    check(found, name)
    check(predict(IMAGE, ensemble, grid), name)


def test_early_exit_skips_the_golden_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding_window, "fast_precision", lambda device: "float32")
    ensemble = ensemble_of("fft+real", padded=True, maxima=True, early_exit=True)
    grid = window_grid(IMAGE.shape, 8)
    exact, fast = (predict(IMAGE, ensemble, grid, mode=mode) for mode in ("exact", "fast"))
    check(exact, "exit exact")
    check(fast, "exit fast")
    assert 0.3 < (fast[0] == 0).mean() < 0.6
