"""Areas that differ from the crystal around them in contrast or intensity alone."""

from __future__ import annotations

import numpy as np
import pytest
from bright_areas import bright_area

from napari_stem_defects.anomaly.sampling import Sampled, Scale, sample
from napari_stem_defects.matched_filter.levels import local_levels


def _levels(**options):
    image = bright_area(**options)
    sampled = sample(image.pixels, image.cells)
    levels = local_levels(sampled)
    place = sampled.to_samples(np.array([image.middle]))
    return levels, place, sampled, image


@pytest.mark.parametrize("slope", [0.0, 0.6])
def test_a_brighter_area_differs_and_a_slope_does_not(slope):
    levels, place, sampled, image = _levels(slope=slope)
    contrast, mean = levels.at(place)[0]
    assert contrast == pytest.approx(np.log(1.6), abs=0.15)
    assert mean > 0
    similar = levels.similarity((contrast, mean))
    corner = sampled.to_samples(np.array([[20.0, 20.0], [20.0, 340.0], [340.0, 20.0]]))
    assert levels.similarity_at(place, (contrast, mean))[0] == pytest.approx(1, abs=0.05)
    assert (levels.similarity_at(corner, (contrast, mean)) < 0.3).all()
    cell_px = levels.edge / sampled.factor[0]
    share = (similar > 0.5).sum() * cell_px**2 / image.area.sum()
    assert 0.85 < share < 1.15


def test_the_border_of_a_much_darker_area_is_at_its_place():
    levels, place, sampled, image = _levels(brightness=0.35)
    similar = levels.similarity(tuple(levels.at(place)[0]))
    cell_px = levels.edge / sampled.factor[0]
    share = (similar > 0.5).sum() * cell_px**2 / image.area.sum()
    assert share == pytest.approx(1, abs=0.06)


def test_what_noise_hides_is_similar_to_nothing():
    levels, *_ = _levels()
    hidden = 3 * levels.spread / np.sqrt(2)
    assert not levels.similarity(tuple(hidden)).any()


def test_an_opposite_area_is_not_similar():
    levels, place, *_ = _levels()
    contrast, mean = levels.at(place)[0]
    assert levels.similarity_at(place, (-contrast, -mean))[0] < 0


def test_without_pixels_there_are_no_levels():
    assert (
        local_levels(Sampled(np.zeros((40, 40), np.float32), Scale(7.0, 1.0), (1.0, 1.0))) is None
    )
