"""A stack converted frame by frame is the stack converted as a whole, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.io.images.convert import NotAnImage, RawImage, to_pixels
from napari_stem_defects.io.images.stack_conversion import measure_conversion

TYPES = ["?", "u1", "i2", ">u2", "u4", "f2", "f4", ">f4", "f8", "c8", "c16"]


def assert_same(stack: np.ndarray[Any, Any]) -> None:
    """Assert that pixels, mask and notes are those of the whole stack."""
    pixels, invalid, notes = to_pixels(RawImage(stack.copy()))
    conversion, found_notes = measure_conversion(stack)
    assert found_notes == notes
    assert conversion.has_invalid == (invalid is not None)
    for number in range(len(stack)):
        frame, mask = conversion.convert(stack[number])
        np.testing.assert_array_equal(frame, pixels[number])
        if invalid is not None:
            np.testing.assert_array_equal(mask, invalid[number])


@given(
    st.sampled_from(TYPES),
    st.sampled_from([1e-30, 1e-3, 1.0, 255.0, 1e20]),
    st.sampled_from([0.0, 0.01, 1.0]),
    st.booleans(),
    st.integers(0, 99),
)
def test_all_types_gaps_and_scales(
    kind: str, factor: float, gaps: float, saturated: bool, seed: int
) -> None:
    rng, dtype = np.random.default_rng(seed), np.dtype(kind)
    values = rng.normal(0.3, 0.3, (4, 12, 15))
    if dtype.kind in "fc":
        values = np.clip(values * factor, -6e4, 6e4) if dtype.itemsize == 2 else values * factor
    else:
        values = np.abs(values) * 200
    if dtype.kind == "c":
        values = values * np.exp(1j * rng.normal(size=values.shape))
    with np.errstate(over="ignore", invalid="ignore"):
        stack = values.astype(dtype)
    if dtype.kind in "fc" and gaps:
        stack[1][rng.random(stack[1].shape) < gaps] = np.nan
        stack[3, 0, 0] = np.inf
    if saturated:
        stack[2, :6] = np.iinfo(dtype).max if dtype.kind in "iu" else 1
    assert_same(stack)


@pytest.mark.parametrize(
    ("kind", "offset"), [("f8", 1e6), ("i8", 2**60), ("u8", 2**63), ("i4", -(2**31)), ("f8", 1e200)]
)
def test_numbers_that_differ_little_from_a_large_one(kind: str, offset: float) -> None:
    stack = np.random.default_rng(3).integers(0, 1000, (3, 12, 15)).astype(kind)
    stack = stack * (np.float64(offset) * 1e-10 + 1e-3) if kind == "f8" else stack
    stack += np.array(offset).astype(kind)
    if kind == "f8":
        stack[0, 0, 0] = np.nan
    assert_same(stack)


@pytest.mark.parametrize("first", [True, False])
def test_marks_burned_into_frames(first: bool) -> None:
    rng = np.random.default_rng(0)
    stack = rng.normal(1000, 100, (4, 128, 140)).astype(np.uint16)
    for number in (0, 2) if first else (2,):
        stack[number, 110:116, 20:80] = 4095
    stack[3, :, :2] = 4095
    assert_same(stack)


def test_marks_beside_gaps() -> None:
    stack = np.random.default_rng(0).normal(10, 1, (3, 128, 140)).astype(np.float32)
    stack[:, 110:116, 20:80] = 255
    stack[1, 5:9, 5:9] = np.nan
    assert_same(stack)


@pytest.mark.parametrize(
    ("stack", "fault"),
    [
        (np.full((2, 9, 9), np.nan), "no finite pixel"),
        (np.empty((0, 9, 9)), "holds no pixels"),
        (np.full((2, 9, 9), "a"), "instead of numbers"),
    ],
)
def test_stacks_that_are_none(stack: np.ndarray[Any, Any], fault: str) -> None:
    for convert in (measure_conversion, lambda array: to_pixels(RawImage(array))):
        with pytest.raises(NotAnImage, match=fault):
            convert(stack)
