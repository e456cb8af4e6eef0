"""The similarity between defects and perfect crystal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.matched_filter.thresholds import extended_threshold, point_threshold


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
