"""Similarity of places to a template."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.similarity import (
    local_correlation,
    local_maxima,
    local_power,
    similarity,
)
from napari_stem_defects.matched_filter.templates import REACH, Template, gaussian_weight

SAMPLES = 7.0


def _pattern():
    weight = gaussian_weight(SAMPLES, REACH["point"])
    radius = weight.shape[0] // 2
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    pattern = 10 * (np.exp(-(y**2 + x**2) / 6) - 0.5 * np.exp(-(y**2 + (x - 5) ** 2) / 6))
    return Template(pattern.astype(np.float32), weight, 1.0, 1000), radius


def _scene(factor):
    template, radius = _pattern()
    residual = np.random.default_rng(0).normal(size=(120, 120)).astype(np.float32)
    residual[60 - radius : 61 + radius, 60 - radius : 61 + radius] += factor * template.pattern
    return similarity(residual, template)


def test_the_like_of_the_template_has_a_similarity_of_one():
    found = _scene(1.0)
    assert found[60, 60] == pytest.approx(1, abs=0.12)
    assert np.unravel_index(found.argmax(), found.shape) == (60, 60)


def test_a_faint_copy_is_less_similar():
    assert _scene(0.4)[60, 60] == pytest.approx(0.4, abs=0.12)


def test_a_stronger_copy_is_not_more_similar():
    assert _scene(3.0)[60, 60] == pytest.approx(1, abs=0.12)


def test_another_strong_pattern_is_not_similar():
    template, radius = _pattern()
    residual = np.zeros((120, 120), np.float32)
    residual[60 - radius : 61 + radius, 60 - radius : 61 + radius] = 5 * template.pattern.T
    assert similarity(residual, template)[60, 60] < 0.9
    residual = -residual
    assert similarity(residual, template)[60, 60] < 0


def test_the_local_power_is_the_weighted_mean_square():
    residual = np.random.default_rng(2).normal(size=(60, 60)).astype(np.float32)
    weight = gaussian_weight(SAMPLES, REACH["point"])
    radius = weight.shape[0] // 2
    part = residual[30 - radius : 31 + radius, 25 - radius : 26 + radius]
    found = local_power(residual, weight)[30, 25]
    assert found == pytest.approx(float((weight * part**2).sum()), rel=1e-4)


def test_local_maxima_are_apart():
    values = np.zeros((40, 40), np.float32)
    values[10, 10], values[10, 12], values[30, 30] = 2, 1, 3
    positions, heights = local_maxima(values, 4)
    tops = {tuple(at): height for at, height in zip(positions, heights, strict=True) if height}
    assert tops == {(10, 10): 2, (30, 30): 3}


def test_correlation_is_one_at_the_pattern_whatever_its_level_and_contrast():
    rng = np.random.default_rng(2)
    weight = gaussian_weight(7.0, REACH["point"])
    image = rng.normal(size=(60, 70)).astype(np.float32)
    radius = weight.shape[0] // 2
    pattern = image[30 - radius : 31 + radius, 25 - radius : 26 + radius]
    like = local_correlation(3 * image + 5, pattern, weight)
    assert np.unravel_index(like.argmax(), like.shape) == (30, 25)
    assert like[30, 25] == pytest.approx(1, abs=1e-3)
    assert local_correlation(-image, pattern, weight)[30, 25] == pytest.approx(-1, abs=1e-3)
    assert np.abs(local_correlation(np.ones_like(image), pattern, weight)).max() < 0.1


@pytest.mark.parametrize(("offset", "step"), [(10, 0), (1000, 0), (10, 0.3), (0, -0.3)])
def test_the_correlation_does_not_depend_on_the_contrast_of_a_region(offset, step):
    """The right half has a fiftieth of the contrast of the left one, and another mean."""
    weight = gaussian_weight(SAMPLES, REACH["point"])
    radius = weight.shape[0] // 2
    image = np.random.default_rng(1).normal(size=(80, 160))
    image[:, 80:] = 0.02 * image[:, 80:] + step
    image += offset
    pattern = image[40 - radius : 41 + radius, 120 - radius : 121 + radius] - offset - step
    like = local_correlation(image.astype(np.float32), pattern.astype(np.float32), weight)
    assert like[40, 120] == pytest.approx(1, abs=1e-3 if step or offset > 10 else 1e-4)
    assert np.abs(like).max() <= 1


def test_rounding_errors_of_an_empty_region_are_like_nothing():
    weight = gaussian_weight(SAMPLES, REACH["point"])
    rng = np.random.default_rng(2)
    image = np.full((80, 160), 1000.0)
    image[:, 80:] += 300 * rng.normal(size=(80, 80))
    image[:, :80] += 1e-3 * rng.normal(size=(80, 80))
    pattern = rng.normal(size=weight.shape).astype(np.float32)
    assert np.abs(local_correlation(image.astype(np.float32), pattern, weight)[:, :60]).max() < 0.5
