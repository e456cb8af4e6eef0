"""The similarity between defects and perfect crystal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.matched_filter.thresholds import (
    extended_threshold,
    point_threshold,
    taught_threshold,
)


@pytest.mark.parametrize("defects", [1, 8, 300])
def test_points_are_parted_in_the_gap(defects):
    rng = np.random.default_rng(0)
    crystal = np.abs(rng.normal(0.15, 0.1, 3000)).clip(max=0.5)
    heights = np.concatenate([crystal, rng.normal(1, 0.06, defects).clip(0.85, 1.1)])
    limit = point_threshold(heights.astype(np.float32))
    assert crystal.max() < limit < heights[3000:].min()


def test_a_line_is_half_way_between_the_crystal_and_its_clicks():
    heights = np.linspace(0, 0.4, 1001).astype(np.float32)
    assert extended_threshold(heights) == pytest.approx(0.5 * (0.36 + 1))


@given(st.lists(st.floats(-2, 2, width=32), max_size=50))
def test_thresholds_are_defined_for_any_image(heights):
    values = np.array(heights, np.float32)
    assert 0.45 <= point_threshold(values) <= 0.9
    assert 0.45 <= extended_threshold(values) <= 1.5


def _places(*defects):
    crystal = np.linspace(0, 0.35, 200)
    return np.concatenate([crystal, defects]).astype(np.float32)


def test_unlike_clicks_lower_the_threshold_to_the_gap_below_them():
    heights = _places(0.62, 0.66, 0.71, 0.78, 0.9, 1.0)
    unlike, like = np.array([0.6, 0.65, 0.7, 0.9]), np.full(4, 0.95)
    assert 0.45 <= taught_threshold(heights, unlike) < 0.62
    assert taught_threshold(heights, like) == point_threshold(heights) > 0.66


def test_unlike_clicks_do_not_lower_the_threshold_where_there_is_no_gap():
    crowded = _places(*np.linspace(0.35, 0.8, 60), 0.95, 1.0)
    assert taught_threshold(crowded, np.array([0.5, 0.55, 0.6, 0.9])) == point_threshold(crowded)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_clicks_do_not_move_the_threshold(count):
    heights = _places(0.62, 0.66, 0.71, 0.78, 0.9, 1.0)
    assert taught_threshold(heights, np.full(count, 0.5)) == point_threshold(heights)
