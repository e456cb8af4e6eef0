"""Measurements of the speed table: what they count, on small images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_model import write_small_model

from napari_stem_defects.cli import benchmark_measurements as evaluations
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.networks.spec import Ensemble


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture(scope="module")
def ensemble(model: Path) -> Ensemble:
    return load_model(model)


def test_an_image_is_counted_in_windows_and_seconds(model: Path) -> None:
    figures = evaluations.image_figures((128, 32, 2), model, "cpu")
    assert 0 < figures["network_seconds"] < figures["seconds"]
    assert figures["windows"] == 2 * 16
    assert figures["windows_per_s"] == pytest.approx(32 / figures["seconds"])
    assert figures["peak_mb"] >= 0


def test_a_peak_of_memory_is_seen() -> None:
    with evaluations.Peak() as peak:
        held = np.ones(200_000_000, np.uint8)
        evaluations.time.sleep(0.1)
        del held
    assert 100 < peak.mb < 400


def test_two_implementations_are_compared_with_the_reference(ensemble: Ensemble) -> None:
    sizes = evaluations.QUICK

    def shifted(image: np.ndarray, of: Ensemble, grid: object) -> np.ndarray:
        return evaluations.predict(image, of, grid) + np.float32(0.25)

    figures = evaluations.compared(ensemble, sizes, "cpu", shifted)
    assert set(figures["windows_per_s"]) == {"exact", "fast", "reference"}
    assert figures["largest_difference"]["exact"] == pytest.approx(0.25, abs=1e-6)
    assert "reference" not in figures["largest_difference"]


def test_the_ensemble_of_clicks_uses_spectrum_and_patch() -> None:
    spec = evaluations.clicked_ensemble().spec
    assert spec.preprocessing.representation == "fft+real"
