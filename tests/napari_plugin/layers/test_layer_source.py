"""Frames read from an image layer when a job needs them."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image

from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers.layer_source import LayerSource

if TYPE_CHECKING:
    from napari_stem_defects.jobs.frame_input import FrameInput


def unchanged(frame: FrameInput) -> FrameInput:
    return frame


def stack() -> Image:
    pixels = np.arange(2 * 70 * 80, dtype=np.float32).reshape(2, 70, 80)
    return Image(pixels, name="movie", scale=(1, 0.03, 0.03), units=("pixel", "nm", "nm"))


def test_a_frame_and_the_whole_stack() -> None:
    image = stack()
    source = LayerSource(image, unchanged)
    np.testing.assert_array_equal(source.frame(1).array, image.data[1])
    np.testing.assert_array_equal(source.whole().array, image.data)
    assert source.frame(0).pixel_size_nm == pytest.approx(0.03)


def test_a_typed_pixel_size_has_priority() -> None:
    image = stack()
    source = LayerSource(image, lambda frame: replace(frame, pixel_size_nm=0.05))
    assert source.frame(0).pixel_size_nm == source.whole().pixel_size_nm == 0.05


def test_a_deleted_layer_is_reported() -> None:
    source = LayerSource(stack(), unchanged)
    gc.collect()
    with pytest.raises(InputError, match="movie: the image was deleted; open it again"):
        source.frame(0)
    with pytest.raises(InputError, match="was deleted"):
        source.whole()
