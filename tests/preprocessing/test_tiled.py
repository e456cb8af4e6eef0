"""The tiled filter agrees with the in-memory filter and needs little memory."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.preprocessing import pipeline, tiled
from napari_stem_defects.preprocessing.pipeline import filter_image, filter_lazily
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.tiled import TiledFilter

HANN = PreprocessingSettings(threshold=0.2)
PAPER = replace(PreprocessingSettings.paper(), smoothing_px=1.0, threshold=0.4)
BOTH = PreprocessingSettings(representation="fft+real", smoothing_px=0.7)
ALL = [
    pytest.param(HANN, id="hann"),
    pytest.param(PAPER, id="paper"),
    pytest.param(BOTH, id="both"),
]


def pattern(height: int = 64, width: int = 64) -> np.ndarray:
    """Return a pattern between a lattice and noise, without random numbers."""
    y, x = np.mgrid[:height, :width]
    lattice = np.sin(y / 2.1) * np.sin(x / 1.7) + 0.3 * np.sin((y + 2 * x) / 11)
    speckle = (7 * y * y + 13 * x * y + 5 * x) % 31
    return (300 + 80 * lattice + 2 * speckle).astype(np.float32)


@pytest.mark.parametrize("p", [*ALL, pytest.param(replace(HANN, smoothing_px=0.0), id="sharp")])
@pytest.mark.parametrize("height", [64, 97, 128, 300])
@pytest.mark.parametrize("offset", [0.0, -1000.0])
def test_large_images_are_filtered_as_small_ones(
    monkeypatch: pytest.MonkeyPatch, p: PreprocessingSettings, height: int, offset: float
) -> None:
    image = pattern(height, 80) + np.float32(offset)
    image[: height // 3] *= 0.7
    whole = filter_image(image, p)
    monkeypatch.setattr(pipeline, "LARGE_PX", 1)
    monkeypatch.setattr(tiled, "STRIP_ROWS", 32)
    found = filter_image(image, p)
    np.testing.assert_allclose(found, whole, atol=2e-6 * np.abs(whole).max())
    on_access = TiledFilter(image, p)[0:height, 0:80]
    np.testing.assert_allclose(on_access, found, atol=2e-6 * np.abs(whole).max())
    assert not filter_image(np.full((height, 80), 3, np.float32), p).any()


@pytest.mark.parametrize("p", [HANN, PAPER])
def test_filtering_a_large_image_needs_little_memory_besides_it(p: PreprocessingSettings) -> None:
    image = np.tile(pattern(512, 512), (6, 6))
    filter_image(image[:64], p)
    tracemalloc.start()
    filter_image(image, p)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * image.nbytes  # the result itself, and strips of a fixed height


@pytest.mark.parametrize("p", ALL)
@pytest.mark.parametrize(
    "part",
    [
        np.s_[0:10, :],
        np.s_[25:70, 3:50],
        np.s_[96:100, 0:1],
        np.s_[-7:, -9:],
        np.s_[31:33, :],
        np.s_[40:40, 5:9],
    ],
)
def test_parts_are_parts_of_the_filtered_image(
    monkeypatch: pytest.MonkeyPatch, p: PreprocessingSettings, part: tuple[slice, slice]
) -> None:
    monkeypatch.setattr(tiled, "STRIP_ROWS", 32)
    image = pattern(100, 80)
    whole = filter_image(image, p)
    found = TiledFilter(image, p)[part]
    assert found.shape == whole[part].shape
    np.testing.assert_allclose(found, whole[part], atol=2e-6 * np.abs(whole).max())


def test_the_strips_cover_the_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiled, "STRIP_ROWS", 32)
    strips = list(tiled.strips((100, 80)))
    assert [(rows.start, rows.stop) for rows in strips] == [(0, 32), (32, 64), (64, 96), (96, 100)]


def test_access_from_top_to_bottom_computes_each_strip_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiled, "STRIP_ROWS", 32)
    image = TiledFilter(pattern(128, 80), HANN)
    computed = []
    compute = image._compute_strip
    monkeypatch.setattr(
        image, "_compute_strip", lambda number: computed.append(number) or compute(number)
    )
    for top in range(0, 128, 16):
        image[top : top + 16, :]
    assert computed == [0, 1, 2, 3]


def test_only_huge_images_are_filtered_lazily(monkeypatch: pytest.MonkeyPatch) -> None:
    image = pattern(100, 80)
    in_memory = filter_lazily(image, HANN)
    assert isinstance(in_memory, np.ndarray)
    monkeypatch.setattr(pipeline, "HUGE_PX", 100 * 80 - 1)
    lazy = filter_lazily(image, HANN)
    assert isinstance(lazy, TiledFilter)
    assert lazy.shape == in_memory.shape
    np.testing.assert_allclose(lazy[0:100, 0:80], in_memory, atol=2e-6 * np.abs(in_memory).max())
