"""Contrast stretch between percentiles."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.reporting.contrast import contrast_limits, to_grey8


def test_limits_are_percentiles() -> None:
    values = np.arange(1001, dtype=np.float32).reshape(7, 143)
    assert contrast_limits(values) == pytest.approx((5, 995))
    assert contrast_limits(values, (10, 80)) == pytest.approx((100, 800))


def test_nan_is_ignored_and_black() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    values[0] = np.nan
    low, high = contrast_limits(values)
    assert 0.1 < low < high < 1
    assert (to_grey8(values)[0] == 0).all()


def test_nothing_known_gives_black() -> None:
    assert contrast_limits(np.full((3, 3), np.nan)) == (0, 0)
    assert contrast_limits(np.zeros((0, 3))) == (0, 0)
    assert not to_grey8(np.full((3, 3), np.nan)).any()


def test_a_constant_image_is_black() -> None:
    assert not to_grey8(np.full((5, 4), 7, np.float32)).any()


def test_the_outermost_half_percent_is_clipped() -> None:
    grey = to_grey8(np.arange(10_000, dtype=np.float32).reshape(100, 100))
    assert grey.dtype == np.uint8
    assert grey.flags.c_contiguous
    assert 0.004 < np.mean(grey == 0) < 0.01
    assert 0.004 < np.mean(grey == 255) < 0.01
    assert grey[50, 0] == 128


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int32])
def test_the_unit_of_the_values_does_not_matter(dtype: type) -> None:
    values = np.arange(200, dtype=dtype).reshape(10, 20)
    reference = to_grey8(values.astype(np.float64) / 1000 + 5)
    assert np.abs(to_grey8(values).astype(int) - reference).max() <= 1
