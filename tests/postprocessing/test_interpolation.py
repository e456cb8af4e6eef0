"""Values at window centres are interpolated to pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.postprocessing import mask_stack
from napari_stem_defects.postprocessing.interpolation import WindowInterpolator, upsample


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(0, 5),
    st.integers(0, 2**31),
)
@settings(max_examples=50, deadline=None)
def test_every_pixel_lies_between_its_neighbours(
    steps_y: list[int], steps_x: list[int], border: int, seed: int
) -> None:
    y = (border + np.cumsum([0, *steps_y])).astype(np.float32)
    x = (border + np.cumsum([0, *steps_x])).astype(np.float32)
    values = np.random.default_rng(seed).random((y.size, x.size)).astype(np.float32)
    shape = (int(y[-1]) + border + 1, int(x[-1]) + border + 1)

    pixels = upsample(values, y, x, shape)

    assert pixels.shape == shape
    assert pixels.dtype == np.float32
    assert pixels.min() >= values.min() - 1e-6
    assert pixels.max() <= values.max() + 1e-6
    at_centres = pixels[np.ix_(y.astype(int), x.astype(int))]
    np.testing.assert_allclose(at_centres, values, atol=1e-6)
    np.testing.assert_allclose(pixels[0, 0], values[0, 0], atol=1e-6)
    np.testing.assert_allclose(pixels[-1, -1], values[-1, -1], atol=1e-6)


def test_linear_values_are_exact_and_constants_bit_identical() -> None:
    y = np.array([4, 12, 20, 23], np.float32)
    x = np.array([2, 10], np.float32)
    slope = (3 * y[:, None] + 2 * x[None]).astype(np.float32)
    pixels = upsample(slope, y, x, (28, 13))
    assert pixels[17, 6] == pytest.approx(3 * 17 + 2 * 6)
    assert pixels[22, 3] == pytest.approx(3 * 22 + 2 * 3)
    assert pixels[27, 12] == slope[-1, -1]
    assert (upsample(np.full((4, 2), 0.7, np.float32), y, x, (600, 13)) == np.float32(0.7)).all()


def test_a_single_window_fills_the_image() -> None:
    one = np.array([31.5], np.float32)
    assert (upsample(np.array([[0.3]], np.float32), one, one, (64, 64)) == np.float32(0.3)).all()


def test_the_block_size_does_not_change_upsampled_values(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = np.arange(3, 60, 7, dtype=np.float32), np.arange(2, 50, 5, dtype=np.float32)
    values = np.random.default_rng(0).random((y.size, x.size)).astype(np.float32)
    whole = upsample(values, y, x, (64, 53))
    monkeypatch.setattr(mask_stack, "BLOCK_PIXELS", 3 * 53)
    np.testing.assert_array_equal(upsample(values, y, x, (64, 53)), whole)


def test_rows_and_columns_are_parts_of_the_upsampled_image() -> None:
    y, x = np.array([2, 9, 20], np.float32), np.array([5, 6, 17, 30], np.float32)
    values = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    rows, columns = slice(4, 13), slice(10, 31)
    found = WindowInterpolator(y, x, (24, 40)).bilinear(values, rows, columns)
    np.testing.assert_array_equal(found, upsample(values, y, x, (24, 40))[rows, columns])


def test_only_window_rows_that_contribute_are_interpolated() -> None:
    interpolator = WindowInterpolator(*[np.array([4, 12, 20, 28], np.float32)] * 2, (32, 32))
    assert interpolator.window_rows(slice(0, 3)) == slice(0, 2)
    assert interpolator.window_rows(slice(13, 19)) == slice(1, 3)
    assert interpolator.window_rows(slice(0, 32)) == slice(0, 4)


def test_every_pixel_gets_the_value_of_its_nearest_window() -> None:
    y, x = np.array([3.5, 11.5], np.float32), np.array([3.5, 11.5, 19.5], np.float32)
    interpolator = WindowInterpolator(y, x, (16, 24))
    numbers = np.arange(6).reshape(2, 3)
    expected = np.kron(numbers, np.ones((8, 8), int))
    np.testing.assert_array_equal(interpolator.nearest(numbers, slice(0, 16)), expected)
    np.testing.assert_array_equal(interpolator.nearest(numbers, slice(6, 11)), expected[6:11])


def test_values_of_windows_are_placed_at_their_centres() -> None:
    y, x = np.array([-1, 6.2], np.float32), np.array([3, 12], np.float32)
    interpolator = WindowInterpolator(y, x, (10, 10))
    numbers = np.array([[1, 2], [3, 0]])
    # Centres outside the image are placed at its border.
    found = np.column_stack(interpolator.centres_in(numbers, slice(0, 10)))
    np.testing.assert_array_equal(found, [(0, 3, 1), (0, 9, 2), (6, 3, 3)])
    found = np.column_stack(interpolator.centres_in(numbers, slice(4, 8)))
    np.testing.assert_array_equal(found, [(2, 3, 3)])


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.floats(0.005, 0.5))
def test_parts_hold_all_pixels_that_chosen_windows_contribute_to(
    seed: int, down: int, across: int, share: float
) -> None:
    rng, (height, width) = np.random.default_rng(seed), (97, 83)
    y, x = (np.arange(2, length, step, dtype=np.float32) for length, step in
            ((height, down), (width, across)))  # fmt: skip
    interpolator, chosen = WindowInterpolator(y, x, (height, width)), rng.random((y.size, x.size))
    chosen = chosen < share
    inside = np.zeros((height, width), bool)
    rows = slice(*sorted(rng.choice(height + 1, 2, replace=False).tolist()))
    for part in interpolator.parts_around(chosen, rows):
        assert rows.start <= part[0].start < part[0].stop <= rows.stop
        inside[part] = True
    touched = upsample(chosen.astype(np.float32), y, x, (height, width)) > 0
    assert inside[rows][touched[rows]].all()
    if not chosen.any():
        assert not inside.any()
