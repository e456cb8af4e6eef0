"""The fast engine gives the answers of the straightforward one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from napari_stem_defects import DEFAULT_MODEL
from napari_stem_defects.inference import early_exit, sliding_window
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows, window_grid
from napari_stem_defects.simulation.simulate import simulate

SOURCE = Path(__file__).parents[2] / "benchmarks" / "reference.py"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return load_model(find_model(DEFAULT_MODEL))


@pytest.fixture(scope="module")
def filtered(ensemble: Ensemble) -> np.ndarray:
    made = simulate(size=256, pixel_size_nm=ensemble.spec.pixel_size_nm, seed=3).micrograph
    return filter_image(made.pixels, ensemble.spec.preprocessing)


def test_exact_answers_are_the_references(
    reference: ModuleType, ensemble: Ensemble, filtered: np.ndarray
) -> None:
    grid = window_grid(filtered.shape, 24)
    ours, wanted = predict(filtered, ensemble, grid), reference.predict(filtered, ensemble, grid)
    assert np.ptp(wanted) > 0.5
    assert np.abs(ours - wanted).max() <= 1e-4


def test_fast_answers_are_exact_or_cleared_by_bulk(
    reference: ModuleType,
    ensemble: Ensemble,
    filtered: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sliding_window, "fast_precision", lambda device: "bfloat16")
    grid = window_grid(filtered.shape, 16)
    ours = predict(filtered, ensemble, grid, mode="fast")
    wanted = predict(filtered, ensemble, grid)
    bulk = ensemble.spec.classes.index("Bulk")
    others = [n for n in range(len(ours)) if n != bulk]
    cleared = (ours[others] == 0).all(0)
    np.testing.assert_allclose(ours[:, ~cleared], wanted[:, ~cleared], atol=1e-4)
    assert (ours[bulk][cleared] >= early_exit.EARLY_EXIT_PROBABILITY).all()
    assert np.abs(ours[bulk] - wanted[bulk]).max() <= 1e-2


def test_bulk_is_sure_in_bfloat16_of_what_it_is_sure_of(
    ensemble: Ensemble, filtered: np.ndarray
) -> None:
    grid = window_grid(filtered.shape, 16)
    y, x = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))
    seen = features(cut(pad_for_windows(filtered, 64), y, x, 64), ensemble.spec.preprocessing)
    halved = EnsembleNetwork(ensemble, precision="bfloat16").probabilities(seen)
    wanted = EnsembleNetwork(ensemble).probabilities(seen)
    bulk = ensemble.spec.classes.index("Bulk")
    sure = halved[:, bulk] >= early_exit.EARLY_EXIT_PROBABILITY
    assert np.abs(halved - wanted)[sure, bulk].max(initial=0) <= 1e-2
    assert 0 < np.abs(halved - wanted).max() <= 0.1
