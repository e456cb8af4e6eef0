"""Inference settings are read from the training entries of a description."""

from __future__ import annotations

import pytest

from napari_stem_defects.networks.inference_settings import InferenceSettings
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings


def settings(training: dict[str, object], patch_px: int = 64) -> InferenceSettings:
    preprocessing = PreprocessingSettings(patch_px=patch_px)
    return EnsembleSpec("mine", ("Bulk",), preprocessing=preprocessing, training=training).inference


@pytest.mark.parametrize(
    ("extent", "stride"),
    [(8.0, 8), (5.5, 5), (1.6, 1), (0.2, 1), (0.0, 8), ("4", 8), (None, 8), (float("nan"), 8)],
)
def test_the_stride_follows_the_label_extent(extent: object, stride: int) -> None:
    training = {} if extent is None else {"label_radius_px": extent}
    assert settings(training).stride_px == stride


@pytest.mark.parametrize(
    ("stored", "found"),
    [(0.97, 0.97), (1, 1.0), (None, None), ("much", None), (0, None), (1.5, None)],
)
def test_the_early_exit_probability_is_read_from_training(
    stored: object, found: float | None
) -> None:
    training = {} if stored is None else {"bulk_clears_from": stored}
    assert settings(training).early_exit_probability == found


@pytest.mark.parametrize(
    ("stored", "found"),
    [(2.2, 2.2), (None, 0.0), ("4", 0.0), (float("nan"), 0.0), (900, 0.0), (10**400, 0.0)],
)
def test_spatial_averaging_is_read_from_training(stored: object, found: float) -> None:
    training = {} if stored is None else {"spread_px": stored}
    assert settings(training).averaging_px == found


@pytest.mark.parametrize(
    ("training", "patch_px", "margin"),
    [({"label_radius_px": 0}, 64, 32), ({"label_radius_px": 0.0}, 48, 24), ({}, 64, 0)],
)
def test_windows_stay_inside_where_whole_patches_were_labelled(
    training: dict[str, object], patch_px: int, margin: int
) -> None:
    assert settings(training, patch_px).margin_px == margin
    assert settings({"label_radius_px": 3}, patch_px).margin_px == 0


def test_inference_settings_keep_their_stored_names() -> None:
    training = {"label_radius_px": 4.0, "spread_px": 2.0, "bulk_clears_from": 0.99}
    assert settings(training) == InferenceSettings(4.0, 4, 0, 2.0, 0.99)
    spec = EnsembleSpec("mine", ("Bulk",), training=training)
    assert spec.to_dict()["training"] == training
    assert "inference" not in spec.to_dict()
