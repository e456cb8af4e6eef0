"""Templates of aligned clicks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.matched_filter.templates import (
    REACH,
    Aligned,
    align,
    cut_pattern,
    gaussian_weight,
    look_variants,
)

SAMPLES = 7.0


def _residual(places, seed=0, height=12.0, size=160):
    """Noise of spread 1 with an asymmetric pattern at each place."""
    rng = np.random.default_rng(seed)
    residual = rng.normal(size=(size, size)).astype(np.float32)
    y, x = np.mgrid[:size, :size]
    for at_y, at_x in places:
        near = np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / 4.5)
        beside = np.exp(-((y - at_y) ** 2 + (x - at_x - 5) ** 2) / 4.5)
        residual += (height * (near - 0.6 * beside)).astype(np.float32)
    return residual


PLACES = np.array([(40.0, 40.0), (40.0, 110.0), (110.3, 60.6), (120.0, 120.0)])


def _aligned(offsets, kind="point", residual=None):
    residual = _residual(PLACES) if residual is None else residual
    clicks = [(residual, place) for place in PLACES + offsets]
    return align(clicks, SAMPLES, REACH[kind], noise=1.0)


def test_weights_sum_to_one_and_fall_with_the_distance():
    weight = gaussian_weight(SAMPLES, REACH["point"])
    assert weight.sum() == pytest.approx(1, rel=1e-5)
    assert weight.shape[0] % 2 == 1
    middle = weight.shape[0] // 2
    assert weight[middle, middle] == weight.max()


def test_a_pattern_is_cut_around_a_position_between_samples():
    ramp = np.arange(100, dtype=np.float32).reshape(1, -1).repeat(100, axis=0)
    pattern = cut_pattern(ramp, np.array([50.0, 20.25]), 3)
    np.testing.assert_allclose(pattern[3], 20.25 + np.arange(-3, 4))


def test_clicks_beside_the_defects_are_aligned():
    offsets = np.array([(1.0, -1.0), (-1.5, 0.5), (0.0, 1.5), (1.0, 1.0)])
    exact, shifted = _aligned(0 * offsets), _aligned(offsets)
    assert np.median(shifted.consistency) > 0.9
    # The mean of patterns that are not aligned is lower.
    assert shifted.template(1.0).pattern.max() > 0.8 * exact.template(1.0).pattern.max()


def test_clicks_without_a_common_look_are_inconsistent():
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(160, 160)), 1.2)
    residual = (8 * noise / noise.std()).astype(np.float32)
    assert np.median(_aligned(np.zeros(2), "line", residual).consistency) < 0.85


def test_a_single_click_is_consistent_with_itself():
    aligned = align([(_residual(PLACES), PLACES[0])], SAMPLES, REACH["point"], 1.0)
    np.testing.assert_array_equal(aligned.consistency, [1.0])


def test_the_power_of_a_template_does_not_count_averaged_noise():
    one = align([(_residual(PLACES), PLACES[0])], SAMPLES, REACH["point"], 1.0).template(1.0)
    many = _aligned(np.zeros(2)).template(1.0)
    assert one.power == pytest.approx(many.power, rel=0.35)


def test_a_click_at_the_border_is_cut_with_zeros():
    aligned = align([(_residual(PLACES), np.zeros(2))], SAMPLES, REACH["line"], 1.0)
    assert np.isfinite(aligned.patterns).all()


@pytest.mark.parametrize(("height", "variants"), [(0.0, [14]), (4.0, [14, 2])])
def test_clicks_that_show_hardly_more_than_noise_are_no_variant(height, variants):
    """Strong noise is visible at each of two clicks; their mean shows whether it is a defect."""
    rng = np.random.default_rng(0)
    weight = gaussian_weight(SAMPLES, REACH["point"])
    noise = ndimage.gaussian_filter(rng.normal(size=(16, *weight.shape)), (0, 1, 1))
    noise /= noise.std()
    noise[14:] *= 1.6
    middle = weight / weight.max()
    heights = np.r_[np.full(14, 8.0), np.full(2, -height)]
    patterns = (noise + heights[:, None, None] * middle**4).astype(np.float32)
    agreeing = np.r_[np.ones(14), np.zeros(2)]
    found = look_variants(Aligned(patterns, weight, agreeing), 1.0)
    assert [len(each.patterns) for each in found] == variants
