"""Lines and areas from how similar cells are to a class."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.matched_filter.extended_classes import (
    anomaly_similarity,
    extended_probability,
    large_enough,
    odds_to_probability,
)
from napari_stem_defects.matched_filter.model import ClassFilter

CELLS = 3.0


def item(kind: str, *, by_look: bool = True) -> ClassFilter:
    return ClassFilter("Any", kind, (object(),) if by_look else (), 0.5, 4.0, 1.0)


def band(shape=(60, 80), row=30, width=3, length=60, value=0.9) -> np.ndarray:
    similar = np.full(shape, 0.05, np.float32)
    similar[row : row + width, 5 : 5 + length] = value
    return similar


def test_a_line_is_found_along_its_length_and_a_short_one_is_not():
    found = extended_probability(item("line"), band(), CELLS) >= 0.5
    assert found[31, 8:62].all()
    assert not found[:25].any()
    assert not (extended_probability(item("line"), band(length=3), CELLS) >= 0.5).any()


def test_a_gap_of_a_line_is_closed():
    similar = band()
    similar[:, 30] = 0.05
    assert (extended_probability(item("line"), similar, CELLS)[31, 8:62] >= 0.5).all()


def test_an_area_is_no_line_but_an_area():
    wide = band(row=10, width=40)
    line = extended_probability(item("line"), wide, CELLS) >= 0.5
    area = extended_probability(item("area"), wide, CELLS) >= 0.5
    assert not line[20:40, 20:50].any()
    assert area[12:48, 8:62].all()


def test_probabilities_separate_what_is_found_by_a_half():
    probability = extended_probability(item("line"), band(value=0.7), CELLS)
    assert not ((probability > 0.15) & (probability < 0.75)).any()


def test_the_threshold_of_an_anomaly_is_half_way_to_the_clicks_and_above_noise():
    scores = np.ones((20, 20), np.float32)
    scores[0, :3] = 1.9, 2.1, 4.0  # the clicks have 4, half-way on a logarithmic scale is 2
    found = anomaly_similarity(scores, item("line", by_look=False)) >= 0.5
    np.testing.assert_array_equal(found[0, :3], [False, True, True])
    noisy = anomaly_similarity(scores, item("line", by_look=False), 3.0) >= 0.5
    np.testing.assert_array_equal(noisy[0, :3], [False, False, True])


def test_the_border_of_an_area_is_where_half_of_its_power_is_left():
    inside = np.zeros((90, 90), bool)
    inside[30:60, 30:60] = True
    power = ndimage.gaussian_filter(np.where(inside, 16.0, 1.0), 0.5 * CELLS)
    similar = anomaly_similarity(np.sqrt(power).astype(np.float32), item("area", by_look=False))
    found = extended_probability(item("area"), similar, CELLS) >= 0.5
    assert found.sum() == pytest.approx(inside.sum(), rel=0.05)
    assert (found & inside).sum() / (found | inside).sum() > 0.93


def test_a_less_unusual_place_in_an_area_belongs_to_it():
    similar = np.zeros((60, 60), np.float32)
    similar[10:50, 10:50] = 1.0
    similar[28:32, 28:32] = 0.2
    assert (extended_probability(item("area"), similar, CELLS)[12:48, 12:48] >= 0.5).all()


@pytest.mark.parametrize(("hole", "filled"), [(slice(22, 38), True), (slice(12, 48), False)])
def test_the_inside_of_a_rim_belongs_to_its_area_unless_it_is_far_larger(hole, filled):
    """A turned grain is a crystal inside, and so is all that a large ring surrounds."""
    similar = np.zeros((60, 60), np.float32)
    similar[10:50, 10:50] = 1.0
    similar[hole, hole] = 0.0
    found = extended_probability(item("area"), similar, CELLS) >= 0.5
    assert found[30, 30] == filled
    assert found[11, 12:48].all()


def test_large_enough_needs_a_certain_place():
    inside = band() > 0.5
    certain = np.zeros_like(inside)
    assert not large_enough(item("line"), inside, certain, CELLS).any()
    certain[31, 20] = True
    np.testing.assert_array_equal(large_enough(item("line"), inside, certain, CELLS), inside)


def test_odds_of_one_are_a_probability_of_a_half():
    values = np.array([-np.inf, -1, 0, 1, np.inf], np.float32)
    found = odds_to_probability(values)
    np.testing.assert_allclose(found + found[::-1], 1, rtol=1e-6)
    assert found[2] == 0.5
    assert found[3] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-5)
