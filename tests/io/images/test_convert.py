from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from napari_stem_defects.io.images.convert import NotAnImage, RawImage, to_pixels

if TYPE_CHECKING:
    from pathlib import Path

_NUMBERS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
)
_SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=6)


@settings(deadline=None)
@example(np.array([[[complex(0, np.inf), 0, 0]]], np.complex64), True, False)
@given(hnp.arrays(_NUMBERS, _SHAPES), st.booleans(), st.booleans())
def test_every_array_becomes_pixels_or_is_refused(
    array: NDArray[Any], colour: bool, turned: bool
) -> None:
    if turned:  # negative strides, another memory order
        array = array[::-1].T if array.ndim else array
    raw = RawImage(array, colour=colour and array.ndim > 2)
    fault = ""
    try:
        pixels, invalid, notes = to_pixels(raw)
    except NotAnImage as error:
        fault = str(error)
    if fault:
        assert "; " in fault
        return
    assert pixels.dtype == np.float32
    assert pixels.dtype.isnative
    assert pixels.flags.c_contiguous
    assert pixels.ndim in (2, 3)
    assert np.isfinite(pixels).all()
    assert not np.shares_memory(pixels, array)
    assert invalid is None or (invalid.shape == pixels.shape and invalid.any())
    assert all(note.endswith(".") for note in notes)


@settings(deadline=None)
@given(hnp.arrays(hnp.unsigned_integer_dtypes(endianness="?", sizes=(8, 16)), (3, 4)))
def test_small_integers_are_kept_exactly(array: NDArray[Any]) -> None:
    np.testing.assert_array_equal(to_pixels(RawImage(array))[0], array)


def test_unequal_colours_become_luminance() -> None:
    array = np.zeros((2, 2, 3), np.uint8)
    array[0, 0], array[0, 1], array[1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    pixels, _, notes = to_pixels(RawImage(array, colour=True))
    np.testing.assert_allclose(pixels, [[76.245, 149.685], [29.07, 0]], rtol=1e-5)
    assert "luminance" in notes[0]


def test_luminance_does_not_wrap_around() -> None:
    array = np.full((4, 4, 3), 65535, np.uint16)
    array[0, 0, 0] = 0
    assert to_pixels(RawImage(array, colour=True))[0].max() == pytest.approx(65535)


def test_complex_values_become_their_magnitude() -> None:
    array = np.array([[3 + 4j, 0], [1j, -2]], np.complex64)
    pixels, _, notes = to_pixels(RawImage(array))
    np.testing.assert_allclose(pixels, [[5, 0], [1, 2]])
    assert "magnitude" in notes[0]


def test_pixels_that_are_not_finite_are_masked_and_filled() -> None:
    stack = np.stack([np.arange(9.0).reshape(3, 3), np.full((3, 3), 7.0), np.ones((3, 3))])
    stack[0, 0, 0], stack[0, 2, 2] = np.nan, np.inf
    stack[1] = np.nan
    pixels, invalid, notes = to_pixels(RawImage(stack))
    assert invalid is not None
    np.testing.assert_array_equal(invalid, ~np.isfinite(stack))
    assert pixels[0, 0, 0] == pixels[0, 2, 2] == 4
    np.testing.assert_array_equal(pixels[1], 0)
    np.testing.assert_array_equal(pixels[2], 1)
    assert notes[0].startswith("11 pixels were not finite")


def test_nothing_but_nan_is_refused() -> None:
    with pytest.raises(NotAnImage, match="no finite pixel"):
        to_pixels(RawImage(np.full((4, 4), np.nan)))


@pytest.mark.parametrize("peak", [1e300, 1e38, 1e-300, 9e18])
def test_extreme_ranges_are_scaled(peak: float) -> None:
    array = np.linspace(-0.5, 1, 16).reshape(4, 4) * peak
    pixels, invalid, notes = to_pixels(RawImage(array))
    assert invalid is None
    np.testing.assert_allclose(pixels, array / peak, rtol=1e-6)
    assert notes[0].startswith("Intensities were divided")


def test_ordinary_ranges_are_left_alone() -> None:
    for peak in (1e-12, 1.0, 2e9):
        array = np.linspace(0, peak, 100).reshape(10, 10)
        pixels, _, notes = to_pixels(RawImage(array))
        np.testing.assert_allclose(pixels, array, rtol=1e-6)
        assert notes == ()


@pytest.mark.parametrize(
    ("dtype", "full"), [("u1", 255), ("u2", 65535), ("u2", 4095), ("i2", 32767), ("f4", 1.0)]
)
def test_saturation_is_noted_above_one_percent(dtype: str, full: float) -> None:
    array = np.linspace(0, full * 0.9, 10_000).reshape(100, 100).astype(dtype)
    array[::20, ::5] = full
    assert to_pixels(RawImage(array))[2] == ()
    array[::10, ::4] = full
    assert "saturated" in to_pixels(RawImage(array))[2][0]


def test_masks_and_counts_are_not_called_saturated() -> None:
    for array in (np.eye(8) > 0, np.eye(8).astype(np.uint8), np.eye(8).astype(np.uint16) * 3):
        assert to_pixels(RawImage(array))[2] == ()


def test_pixels_are_a_copy_unless_stated(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((40, 30), np.float32)
    array[3, 4] = np.nan
    pixels, _, _ = to_pixels(RawImage(array))
    assert np.isnan(array[3, 4])
    assert not np.shares_memory(pixels, array)
    np.save(tmp_path / "a.npy", array)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="c")
    assert not np.shares_memory(to_pixels(RawImage(mapped), copy=False)[0], mapped)
    assert np.shares_memory(to_pixels(RawImage(array), copy=False)[0], array)


@pytest.mark.parametrize(
    ("kind", "offset"), [("f8", 1e9), ("i8", 2**60), ("u8", 2**63), ("u4", 4 * 10**9)]
)
def test_a_large_number_that_all_have_in_common_is_subtracted(kind: str, offset: int) -> None:
    """As of a detector's pedestal, or a file that stores counts since it was switched on."""
    counts = np.arange(12 * 15).reshape(12, 15)
    array = counts.astype(kind) + np.array(offset).astype(kind)
    pixels, _, notes = to_pixels(RawImage(array))
    np.testing.assert_array_equal(pixels, counts)
    assert notes[0].startswith("Intensities were reduced by ")


def test_numbers_that_float32_tells_apart_keep_their_offset() -> None:
    for array in (
        np.arange(180.0).reshape(12, 15) * 1e-2 + 1e3,
        np.arange(180, dtype=np.int64).reshape(12, 15) + 10**7,
        np.full((12, 15), 1e9),
        np.arange(180, dtype=np.float32).reshape(12, 15) * 64 + 1e9,  # has lost them already
    ):
        pixels, _, notes = to_pixels(RawImage(array))
        np.testing.assert_array_equal(pixels, array.astype(np.float32))
        assert notes == ()
