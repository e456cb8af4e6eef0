"""Preprocessing stages as image layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_stem_defects.napari_plugin.layers.stage_layers import STAGE_TITLES, StageLayers
from napari_stem_defects.preprocessing.pipeline import stages
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_stem_defects.preprocessing.pipeline import Stages


def lattice_stages(**settings: float) -> Stages:
    y, x = np.mgrid[:128, :128]
    pixels = np.cos(2 * np.pi * x / 13.9) + np.cos(2 * np.pi * y / 13.9) + 3
    return stages(pixels.astype(np.float32), PreprocessingSettings(**settings))


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def source(viewer: ViewerModel) -> Image:
    pixels = np.zeros((128, 128), np.float32)
    return viewer.add_image(pixels, name="CdTe", scale=(0.03, 0.03), units=("nm", "nm"))


@pytest.fixture
def layers(viewer: ViewerModel, source: Image) -> StageLayers:
    made = StageLayers(viewer)
    made.begin(source)
    made.show(lattice_stages())
    while made.make_next():
        pass
    return made


def test_stage_layers_keep_units_and_are_updated_in_place(
    viewer: ViewerModel, source: Image, layers: StageLayers
) -> None:
    assert [layer.name for layer in viewer.layers[1:]] == [
        f"{title} - CdTe" for title in STAGE_TITLES.values()
    ]
    assert str(viewer.layers.extent.units[0]) == "nanometer"
    filtered = layers.layer("background_removed")
    assert filtered is not None
    filtered.contrast_limits = (-1, 1)
    layers.show(lattice_stages(smoothing_px=3))
    assert layers.layer("background_removed") is filtered
    assert filtered.contrast_limits == [-1, 1]
    layers.choose("spectrum")
    assert [layer.visible for layer in viewer.layers[1:]] == [False, False, False, True, False]
    layers.remove()
    assert list(viewer.layers) == [source]


def test_automatic_contrast_follows_the_pixels(layers: StageLayers) -> None:
    normalised = layers.layer("background_removed")
    assert normalised is not None
    before = list(normalised.contrast_limits)
    layers.show(lattice_stages(smoothing_px=4, contrast_px=0))
    assert normalised.contrast_limits != before


def test_a_deleted_stage_is_not_added_again(viewer: ViewerModel, layers: StageLayers) -> None:
    viewer.layers.remove("log FFT - CdTe")
    layers.show(lattice_stages(smoothing_px=3))
    while layers.make_next():
        pass
    assert len(viewer.layers) == 5


def test_another_image_replaces_the_layers(viewer: ViewerModel, layers: StageLayers) -> None:
    other = viewer.add_image(np.zeros((128, 128), np.float32), name="other")
    layers.begin(other)
    assert [layer.name for layer in viewer.layers] == ["CdTe", "other"]
    assert not layers.make_next()


def test_without_stages_there_is_nothing_to_do(viewer: ViewerModel) -> None:
    assert not StageLayers(viewer).make_next()
