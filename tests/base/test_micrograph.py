"""Micrographs: frames and pixel sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError

STACK = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)


def test_a_single_image_has_one_frame() -> None:
    image = Micrograph(STACK[0], "image")
    assert not image.is_stack
    assert (image.frame_count, image.frame_shape) == (1, (3, 4))
    assert image.frame(0) is image


def test_frames_of_a_stack_are_views() -> None:
    stack = Micrograph(STACK, "stack", 0.02, "file", invalid=STACK > 20)
    assert stack.is_stack
    assert (stack.frame_count, stack.frame_shape) == (2, (3, 4))
    frame = stack.frame(1)
    assert not frame.is_stack
    assert np.shares_memory(frame.pixels, STACK)
    np.testing.assert_array_equal(frame.pixels, STACK[1])
    np.testing.assert_array_equal(frame.invalid, STACK[1] > 20)
    assert (frame.name, frame.pixel_size_nm, frame.pixel_size_source) == ("stack", 0.02, "file")


@pytest.mark.parametrize("index", [-1, 2])
def test_missing_frames_are_rejected(index: int) -> None:
    message = f"stack: there is no frame {index}; choose one from 0 to 1"
    with pytest.raises(InputError, match=message):
        Micrograph(STACK, "stack").frame(index)


def test_with_pixel_size_returns_a_copy() -> None:
    image = Micrograph(STACK[0], "image")
    calibrated = image.with_pixel_size(0.03, "user")
    assert (calibrated.pixel_size_nm, calibrated.pixel_size_source) == (0.03, "user")
    assert image.pixel_size_nm is None
    assert calibrated.pixels is image.pixels


@pytest.mark.parametrize("nm", [0.0, -1.0, float("nan"), float("inf")])
def test_pixel_sizes_must_be_lengths(nm: float) -> None:
    with pytest.raises(InputError, match=r"image: pixel size .* nm is not a positive length"):
        Micrograph(STACK[0], "image").with_pixel_size(nm, "user")


@pytest.mark.parametrize("size", [0, -1, float("nan"), float("inf"), "0.02", [1]])
def test_a_pixel_size_is_a_positive_length(size: Any) -> None:
    with pytest.raises(InputError, match="is not a positive length"):
        Micrograph(np.zeros((8, 8), np.float32), "a", pixel_size_nm=size)


@pytest.mark.parametrize("shape", [(), (9,), (2, 2, 8, 8)])
def test_images_have_two_axes_and_stacks_three(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=f"an array of {len(shape)} axes; give"):
        Micrograph(np.zeros(shape, np.float32), "a")
