"""The similarity between defects and perfect crystal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.matched_filter.thresholds import (
    IN_ANOTHER_IMAGE,
    extended_threshold,
    point_threshold,
    share_near,
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


def test_a_low_gap_between_unlike_defects_and_the_crystal_is_found():
    heights = _places(0.62, 0.66, 0.71, 0.78, 0.9, 1.0)
    assert 0.45 <= point_threshold(heights) < 0.62


def test_a_crowd_of_faint_places_keeps_the_threshold_above_it():
    crowded = _places(*np.linspace(0.35, 0.75, 60), 0.95, 1.0)
    assert 0.75 < point_threshold(crowded) < 0.95


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_many_faint_defects_pull_the_threshold_down(share):
    """Defects in another image, all fainter: the threshold of the first image would lose half."""
    rng = np.random.default_rng(1)
    crystal = np.abs(rng.normal(0.1, 0.08, 3000)).clip(max=0.4)
    heights = np.concatenate([crystal, share * rng.uniform(0.6, 1.0, 300)])
    limit = point_threshold(heights.astype(np.float32), 0.75, IN_ANOTHER_IMAGE)
    assert (heights[3000:] > limit).mean() > 0.9
    assert (crystal > limit).sum() == 0


def test_the_share_near_a_threshold_is_nothing_in_a_gap_and_grows_as_it_fills():
    apart = _places(1.0, 1.02, 0.98)
    assert share_near(apart, 0.7) == pytest.approx(0, abs=1e-6)
    near = _places(1.0, 1.02, 0.98, 0.7)
    both = _places(1.0, 1.02, 0.98, 0.7, 0.69)
    assert 0 < share_near(near, 0.65) < share_near(both, 0.65)
    assert share_near(np.zeros(0, np.float32), 0.7) == 0
