"""Windows cover every pixel, and patches show the pixels around their centres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.errors import InputError
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows, window_grid

LENGTHS = st.integers(64, 700)
QUICK = settings(max_examples=60, deadline=None)


@given(LENGTHS, LENGTHS, st.integers(1, 900))
@QUICK
def test_centres_form_a_regular_grid_in_the_middle_of_the_image(
    height: int, width: int, stride: int
) -> None:
    grid = window_grid((height, width), stride)
    assert grid.windows == len(grid.y) * len(grid.x)
    for centres, length in zip(grid, (height, width), strict=True):
        assert (np.diff(centres) == stride).all()
        before, behind = centres[0], length - 1 - centres[-1]
        assert 0 <= before <= behind <= before + 1
        assert len(centres) == (length - 1) // stride + 1  # as many as fit


@given(st.integers(20, 400), st.integers(1, 90))
@QUICK
def test_windows_with_a_margin_are_inside_the_image(length: int, stride: int) -> None:
    (centres, _) = window_grid((length, 64), stride, margin=32)
    if length < 64:
        assert centres.tolist() == [length // 2]
        return
    assert (np.diff(centres) == stride).all()
    before, behind = centres[0] - 32, length - (centres[-1] + 32)
    assert 0 <= before <= behind <= before + 1
    assert len(centres) == (length - 64) // stride + 1


@given(LENGTHS, st.integers(1, 64))
@QUICK
def test_every_pixel_has_a_window_nearby(length: int, stride: int) -> None:
    centres = window_grid((length, 64), stride).y
    distance = np.abs(np.arange(length)[:, None] - centres).min(1)
    assert distance.max() <= stride // 2


@given(
    st.integers(64, 150),
    st.integers(64, 150),
    st.sampled_from([16, 32, 64]),
    st.integers(0, 2**31),
)
@QUICK
def test_patches_are_slices_around_their_centres(
    height: int, width: int, patch: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((height, width), dtype=np.float32)
    y, x = rng.integers(0, height, 20), rng.integers(0, width, 20)
    y[:2], x[:2] = (0, height - 1), (0, width - 1)
    patches = cut(pad_for_windows(image, patch), y, x, patch)
    half = patch // 2
    for pixels, row, column in zip(patches, y, x, strict=True):
        assert pixels[half, half] == image[row, column]
        top, left = max(row - half, 0), max(column - half, 0)
        inside = image[top : row + half, left : column + half]
        up, over = top - (row - half), left - (column - half)
        expected = np.zeros((patch, patch), np.float32)
        expected[up : up + inside.shape[0], over : over + inside.shape[1]] = inside
        np.testing.assert_array_equal(pixels, expected)


def test_patches_are_copies() -> None:
    image = np.ones((64, 64), np.float32)
    at = np.array([32])
    patches = cut(pad_for_windows(image, 64), at, at, 64)
    np.testing.assert_array_equal(patches[0], image)
    patches[:] = 0
    assert image.all()
    assert patches.flags.c_contiguous


def test_no_centres_give_no_patches() -> None:
    none = np.zeros(0, np.int64)
    assert cut(np.zeros((128, 128), np.float32), none, none, 64).shape == (0, 64, 64)


@pytest.mark.parametrize("stride", [0, -8])
def test_a_stride_is_a_step(stride: int) -> None:
    with pytest.raises(InputError, match="stride"):
        window_grid((64, 64), stride)
