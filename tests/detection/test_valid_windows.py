"""Windows without contrast or with invalid pixels are not valid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frame_samples import MODEL_PX_NM, SPEC, certain, detect, ensemble_of, micrograph, noise

from napari_stem_defects.detection.valid_windows import valid_windows
from napari_stem_defects.postprocessing import mask_stack
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import window_grid

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.networks.spec import Ensemble


@pytest.mark.parametrize("value", [-4.0, 0.0, 3.0])
@pytest.mark.parametrize("settings", [PreprocessingSettings(), PreprocessingSettings.paper()])
def test_windows_of_blank_images_are_not_valid(
    value: float, settings: PreprocessingSettings
) -> None:
    ensemble = ensemble_of(replace(SPEC, preprocessing=settings))
    found = detect(micrograph(np.full((80, 90), value, np.float32)), ensemble)
    assert not found.map.valid.any()
    assert not found.map.probability.any()
    assert not found.masks.any()
    assert not found.regions


def test_windows_in_vacuum_are_not_valid(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    pixels = noise(128, 200)
    pixels[:, 100:] = 0.5
    predict_with(certain("SF1"))
    found = detect(micrograph(pixels), ensemble)
    valid = found.map.valid
    assert valid[:, found.map.x < 96].all()
    assert not valid[:, found.map.x > 160].any()
    assert not found.masks[:, :, 165:].any()


@pytest.mark.parametrize("pixel_size_nm", [MODEL_PX_NM, 0.04, 0.02])
def test_windows_of_many_invalid_pixels_are_not_valid(
    predict_with: Callable[[Any], None], ensemble: Ensemble, pixel_size_nm: float
) -> None:
    pixels, invalid = noise(128, 160), np.zeros((128, 160), bool)
    invalid[40:100, 50:110] = True
    pixels[invalid] = np.median(pixels)
    predict_with(certain("SF1"))
    found = detect(micrograph(pixels, pixel_size_nm, invalid=invalid), ensemble)
    assert not found.masks[:, invalid].any()
    inner = np.zeros_like(invalid)
    inner[60:80, 70:90] = True
    rows, columns = (axis.astype(int) for axis in (found.map.y, found.map.x))
    assert not found.map.valid[inner[np.ix_(rows.clip(0), columns.clip(0))]].any()
    assert found.map.valid[0].all()
    assert found.masks[0, :, 140:].all()


def test_single_invalid_pixels_exclude_only_themselves(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    invalid = np.zeros((100, 100), bool)
    invalid[::30, ::30] = True
    predict_with(certain("SF1"))
    found = detect(micrograph(noise(100, 100), invalid=invalid), ensemble)
    assert found.map.valid.all()
    np.testing.assert_array_equal(found.masks[0], ~invalid)


@pytest.mark.parametrize("settings", [PreprocessingSettings(), PreprocessingSettings.paper()])
def test_a_hot_pixel_does_not_make_windows_blank(settings: PreprocessingSettings) -> None:
    pixels = noise(128, 128)
    pixels[64, 64] = 50
    ensemble = ensemble_of(replace(SPEC, preprocessing=settings))
    assert detect(micrograph(pixels), ensemble).map.valid.all()


RAW = PreprocessingSettings.paper()
"""Settings without local contrast normalisation: contrast is that of the whole image."""


def test_contrast_is_relative_to_that_of_the_image() -> None:
    filtered = noise(128, 256) - np.float32(0.5)
    filtered[:, 128:] *= 0.001
    grid = window_grid((128, 256), 16)
    right = grid.x >= 160
    for scale in (1, 1e-4, 1e4):
        valid = valid_windows(filtered * np.float32(scale), None, grid, RAW)
        assert valid.shape == (len(grid.y), len(grid.x))
        assert not valid[:, right].any()
        assert valid[:, grid.x < 112].all()


@pytest.mark.parametrize(("share", "expected"), [(0.04, True), (0.07, False)])
def test_the_share_of_invalid_pixels_in_the_middle_decides(share: float, expected: bool) -> None:
    invalid = np.zeros((64, 64), bool)
    # The middle of the only window, at (32, 32), has 32 x 32 px.
    invalid[20, 17 : 17 + 30] = invalid[24, 17 : 17 + round(share * 32**2) - 30] = True
    grid = window_grid((64, 64), 64)
    assert valid_windows(noise(64, 64), invalid, grid, SPEC.preprocessing).all() == expected


def test_invalid_pixels_outside_the_middle_do_not_matter() -> None:
    invalid = np.ones((64, 64), bool)
    invalid[15:49, 15:49] = False
    grid = window_grid((64, 64), 64)
    assert valid_windows(noise(64, 64), invalid, grid, SPEC.preprocessing).all()


def test_invalid_pixels_of_the_image_are_scaled_to_the_filtered_image() -> None:
    invalid = np.zeros((64, 100), bool)
    invalid[:, 50:] = True
    grid = window_grid((128, 200), 8)
    valid = valid_windows(noise(128, 200), invalid, grid, SPEC.preprocessing)
    assert valid[:, grid.x < 80].all()
    assert not valid[:, grid.x > 104].any()


@pytest.mark.parametrize("settings", [SPEC.preprocessing, RAW])
def test_the_block_size_does_not_change_valid_windows(
    monkeypatch: pytest.MonkeyPatch, settings: PreprocessingSettings
) -> None:
    pixels = noise(200, 150)
    pixels[60:170, 40:150] = 0.5
    filtered = filter_image(pixels, settings)
    invalid = np.zeros((200, 150), bool)
    invalid[:40, :60] = True
    grid = window_grid((200, 150), 9)
    whole = valid_windows(filtered, invalid, grid, settings)
    assert whole.any()
    assert not whole.all()
    monkeypatch.setattr(mask_stack, "BLOCK_PIXELS", 7 * 150)
    np.testing.assert_array_equal(valid_windows(filtered, invalid, grid, settings), whole)
