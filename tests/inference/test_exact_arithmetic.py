"""Mode "exact" switches TF32 off while it computes, and restores what was set before."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from helpers.small_ensemble import filtered_noise, small_ensemble
from napari_stem_defects.inference import exact_arithmetic
from napari_stem_defects.inference.exact_arithmetic import full_precision
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.inference.strategy import InferenceMode
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.windows import window_grid
from napari_stem_defects.simulation.simulate import simulate


def values() -> list[object]:
    return [getattr(switch, name) for switch, name, _ in exact_arithmetic._switches()]


def exact() -> list[object]:
    return [value for _, _, value in exact_arithmetic._switches()]


def test_the_switches_are_set_and_restored() -> None:
    before = values()
    with full_precision():
        assert values() == exact()
    assert values() == before
    assert before != exact()  # torch's own choice is TF32


def test_they_are_restored_after_an_error() -> None:
    before = values()
    with pytest.raises(ValueError, match="fault"), full_precision():
        raise ValueError("fault")
    assert values() == before


def test_of_several_threads_the_last_restores_them() -> None:
    before, inside, leave = values(), threading.Event(), threading.Event()

    def other() -> None:
        with full_precision():
            inside.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(20)
    with full_precision():
        pass
    assert values() == exact()
    leave.set()
    thread.join()
    assert values() == before


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_only_exact_inference_is_without_tf32(
    mode: InferenceMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, seen = values(), []
    convolve = torch.nn.functional.conv2d

    def watched(*arguments: object, **options: object) -> torch.Tensor:
        seen.append(values())
        return convolve(*arguments, **options)

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    filtered = filtered_noise()[:96, :96]
    predict(filtered, small_ensemble(), window_grid((96, 96), 16), mode=mode)
    assert seen
    assert all(found == (exact() if mode == "exact" else before) for found in seen)
    assert values() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("stride", [8, 5])
def test_exact_probabilities_of_a_gpu_are_those_of_the_cpu(stride: int) -> None:
    ensemble = load_model(find_model("cdte-110"))
    pixels = simulate(size=256, pixel_size_nm=ensemble.spec.pixel_size_nm, seed=1).micrograph.pixels
    filtered = filter_image(pixels, ensemble.spec.preprocessing)
    grid = window_grid(filtered.shape, stride)
    expected = predict(filtered, ensemble, grid, device="cpu", mode="exact")
    found = predict(filtered, ensemble, grid, device="cuda", mode="exact")
    assert np.abs(found - expected).max() < 1e-5
