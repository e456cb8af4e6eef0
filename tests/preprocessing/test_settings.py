"""Preprocessing settings are checked and stored as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.preprocessing.pipeline import feature_shapes
from napari_stem_defects.preprocessing.settings import MAX_PATCH_PX, PreprocessingSettings

HANN = PreprocessingSettings(threshold=0.2)
PAPER = replace(PreprocessingSettings.paper(), smoothing_px=1.0, threshold=0.4)
BOTH = PreprocessingSettings(representation="fft+real", smoothing_px=0.7)


@pytest.mark.parametrize(
    "odd",
    [
        {"patch_px": 15},
        {"patch_px": 65},
        {"patch_px": 64.0},
        {"patch_px": 10**9},
        {"smoothing_px": -1},
        {"background_px": 0},
        {"contrast_px": float("nan")},
        {"window": "hamming"},
        {"threshold": 1},
        {"cutoff": 0.6},
        {"representation": "wavelet"},
    ],
)
def test_impossible_settings_are_refused(odd: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(odd))):
        PreprocessingSettings(**odd)  # type: ignore[arg-type]


def test_settings_survive_json() -> None:
    for p in (HANN, PAPER, BOTH):
        assert PreprocessingSettings.from_dict(json.loads(json.dumps(p.to_dict()))) == p


@pytest.mark.parametrize("change", [{"sharpen": 1}, {"window": None}])
def test_unknown_or_missing_settings_are_named(change: dict[str, object]) -> None:
    values = HANN.to_dict() | change
    if change.get("window", "") is None:
        del values["window"]
    with pytest.raises(InputError, match=next(iter(change))):
        PreprocessingSettings.from_dict(values)


def test_the_abstracts_configuration_stays_available() -> None:
    p = PreprocessingSettings.paper()
    assert (p.patch_px, p.window, p.representation) == (64, "none", "fft")
    assert p.smoothing_px > 0
    assert p.threshold > 0
    assert feature_shapes(p) == {"fft": (1, 64, 33)}  # all frequencies, each once


@pytest.mark.parametrize("patch_px", [16, 64, MAX_PATCH_PX])
def test_patch_sizes_up_to_the_limit_are_accepted(patch_px: int) -> None:
    assert PreprocessingSettings(patch_px=patch_px).patch_px == patch_px


def test_stored_names_do_not_change() -> None:
    """Model files contain them."""
    assert list(PreprocessingSettings().to_dict()) == [
        "patch_px",
        "smoothing_px",
        "background_px",
        "contrast_px",
        "window",
        "threshold",
        "cutoff",
        "representation",
    ]
