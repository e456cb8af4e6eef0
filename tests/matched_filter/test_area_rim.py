"""Areas that are unusual at their rims alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.area_rim import (
    rim_anomalies,
    up_to_crest,
    with_borders,
    without_holes,
)

CELLS = np.hypot(*np.mgrid[-40:40, -40:40].astype(float))
RADIUS, SAMPLES = 18.0, 7.0


def rim(width: float = 3.0, inside: float = 0.0) -> np.ndarray:
    """Return the power of a disc that is unusual at its rim, and by a share of it inside."""
    power = np.exp(-(((CELLS - RADIUS) / width) ** 2))
    return np.where(CELLS < RADIUS, np.maximum(power, inside), power).astype(np.float32)


@pytest.mark.parametrize("inside", [0.0, 0.3])
def test_an_area_ends_at_the_crest_of_its_rim(inside):
    power = rim(inside=inside)
    found = up_to_crest(power, without_holes(power > 0.2, 4.0), 3.0)
    assert (found == (CELLS < RADIUS)).mean() > 0.98


def test_an_area_that_is_unusual_all_over_has_no_rim():
    power = rim(inside=0.9)
    assert not up_to_crest(power, CELLS < 22, 3.0).any()


def test_a_less_unusual_place_far_inside_an_area_is_no_inside_of_a_rim():
    power = np.where(CELLS < 4, 0.2, 1.0).astype(np.float32)
    assert not up_to_crest(power, CELLS < 22, 3.0).any()


def test_areas_without_a_rim_keep_their_border_beside_others():
    power = rim()
    power[:8, :8] = 0.9
    wide = power > 0.2
    found = with_borders(power, wide, power > 0.5, 0.5, 3.0)
    assert found[:8, :8].all()
    assert (found[8:, 8:] == (CELLS < RADIUS)[8:, 8:]).mean() > 0.98


def test_the_outside_of_an_area_at_the_border_of_an_image_is_no_hole():
    corner = np.hypot(*np.mgrid[:60, :60]) // 1
    arc = (corner > 20) & (corner < 30)
    np.testing.assert_array_equal(without_holes(arc, 4.0), arc)


def test_holes_are_filled_up_to_a_share_of_what_surrounds_them():
    ring = (CELLS > 15) & (CELLS < 18)
    np.testing.assert_array_equal(without_holes(ring), ring)
    np.testing.assert_array_equal(without_holes(ring, 4.0), CELLS < 18)


def scores(height: float) -> np.ndarray:
    place = np.hypot(*(np.mgrid[:240, :240] - 120.0))
    ripple = 0.05 * np.sin(np.arange(240) / 3.0)
    return (1 + ripple + height * np.exp(-(((place - 50) / 7) ** 2))).astype(np.float32)


def test_a_click_inside_shows_how_unusual_the_rim_is():
    found = rim_anomalies(scores(2.0), np.array([[120.0, 120.0], [100.0, 140.0]]), SAMPLES)
    np.testing.assert_allclose(found, 3.0, atol=0.3)


def test_a_click_outside_or_in_a_perfect_crystal_has_no_rim():
    at = np.array([[12.0, 12.0]])
    assert np.isnan(rim_anomalies(scores(2.0), at, SAMPLES)).all()
    assert np.isnan(rim_anomalies(scores(0.0), np.array([[120.0, 120.0]]), SAMPLES)).all()
