"""The tensor version computes the same network input as the array version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

SETTINGS = [
    pytest.param(PreprocessingSettings(), id="default"),
    pytest.param(PreprocessingSettings(threshold=0.3), id="threshold"),
    pytest.param(PreprocessingSettings(window="none", cutoff=0.5), id="no window"),
    pytest.param(PreprocessingSettings(contrast_px=0.0), id="no contrast"),
    pytest.param(PreprocessingSettings.paper(), id="paper"),
    pytest.param(PreprocessingSettings(representation="real"), id="real"),
    pytest.param(PreprocessingSettings(representation="fft+real", patch_px=32), id="both"),
]


def patches(settings: PreprocessingSettings) -> np.ndarray:
    size = settings.patch_px
    y, x = np.mgrid[:size, :size]
    lattice = np.sin(y / 2.1) * np.sin(x / 1.7)
    noise = np.random.default_rng(0).random((4, size, size))
    images = (100 + 40 * lattice + 20 * noise).astype(np.float32)
    images[3] = 5  # no signal
    return filter_image(images, settings)


@pytest.mark.parametrize("settings", SETTINGS)
def test_tensors_and_arrays_agree(settings: PreprocessingSettings) -> None:
    filtered = patches(settings)
    # A magnitude at the threshold may fall on either side, because the transforms round.
    expected = features(filtered, replace(settings, threshold=0.0))
    found = features_on_device(torch.from_numpy(filtered), replace(settings, threshold=0.0))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == torch.float32
        np.testing.assert_allclose(found[name].numpy(), array, atol=3e-5, err_msg=name)


@pytest.mark.parametrize("settings", SETTINGS)
def test_thresholds_agree_except_for_rounding(settings: PreprocessingSettings) -> None:
    filtered = patches(settings)
    expected = features(filtered, settings)
    found = features_on_device(torch.from_numpy(filtered), settings)
    for name, array in expected.items():
        differs = np.abs(found[name].numpy() - array) > 3e-5
        assert differs.sum() <= 2, name


def test_patches_without_signal_stay_zero() -> None:
    settings = PreprocessingSettings(contrast_px=0.0, representation="fft+real")
    found = features_on_device(torch.zeros(1, 64, 64), settings)
    assert not found["fft"].any()
    assert not found["real"].any()


def test_no_patches_have_no_features() -> None:
    settings = PreprocessingSettings(representation="real")
    assert features_on_device(torch.zeros(0, 64, 64), settings)["real"].shape == (0, 1, 64, 64)
