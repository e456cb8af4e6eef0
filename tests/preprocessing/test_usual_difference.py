"""The usual difference of pixels from their prediction."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.preprocessing.usual_difference import LIMIT, UsualDifference


def test_usual_differences_grow_with_the_brightness():
    rng = np.random.default_rng(0)
    predicted = np.repeat(np.linspace(10, 1000, 200, dtype=np.float32), 200).reshape(200, 200)
    difference = (np.sqrt(predicted) * rng.normal(size=predicted.shape)).astype(np.float32)
    multiples = UsualDifference(predicted, difference).multiples(predicted, difference)
    spread = [multiples[part].std() for part in (slice(20, 60), slice(140, 180))]
    assert spread == pytest.approx([1, 1], abs=0.15)
    assert np.abs(multiples).max() <= LIMIT


def test_usual_differences_grow_with_the_slope_along_the_row():
    rng = np.random.default_rng(0)
    x = np.cumsum(np.repeat([0.0, 1.0, 0.0, -3.0], 100)).astype(np.float32)
    predicted = np.repeat(x[None], 200, axis=0)
    slope = np.abs(np.gradient(x))
    difference = ((1 + slope) * rng.normal(size=predicted.shape)).astype(np.float32)
    multiples = UsualDifference(predicted, difference).multiples(predicted, difference)
    assert multiples[:, 310:390].std() == pytest.approx(1, abs=0.1)
    assert multiples[:, 10:90].std() == pytest.approx(1, abs=0.1)


def test_a_few_bright_pixels_do_not_widen_the_levels():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(10, 1000, (200, 200)).astype(np.float32)
    difference = (np.sqrt(predicted) * rng.normal(size=predicted.shape)).astype(np.float32)
    predicted[::50, ::50] = 1e9
    multiples = UsualDifference(predicted, difference).multiples(predicted, difference)
    for dim, bright in ((10, 200), (200, 600), (600, 1000)):
        assert multiples[(predicted >= dim) & (predicted < bright)].std() == pytest.approx(
            1, abs=0.15
        )


def test_levels_that_are_all_the_same_have_one_usual_difference():
    difference = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float32)
    level = np.full_like(difference, 3)
    multiples = UsualDifference(level, difference).multiples(level, difference)
    assert multiples.std() == pytest.approx(1, abs=0.05)
    assert multiples[:5, :5] / difference[:5, :5] == pytest.approx(
        multiples[0, 0] / difference[0, 0]
    )


def test_no_difference_at_all_is_told():
    level = np.ones((50, 50), np.float32)
    assert UsualDifference(level, 0 * level).is_zero
