"""Where an unusual area ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.anomaly.area_border import within_border

CELLS = 3.0


def power_of(inside: np.ndarray) -> np.ndarray:
    """Return what an average over half a period leaves of the power 15 of an area."""
    return ndimage.gaussian_filter(np.where(inside, np.float32(15), 0), 0.6 * CELLS)


@pytest.mark.parametrize("threshold", [0.2, 1.0, 4.0])
def test_the_border_does_not_depend_on_what_is_unusual_around(threshold: float):
    y, x = np.mgrid[:90, :90]
    inside = np.hypot(y - 45, x - 40) < 20
    power = power_of(inside)
    found = within_border(power, power > threshold, CELLS)
    assert found.sum() == pytest.approx(inside.sum(), rel=0.06)
    assert (found & inside).sum() / (found | inside).sum() > 0.93


def test_an_area_at_the_border_of_the_image_fills_it():
    inside = np.zeros((60, 60), bool)
    inside[:, :20] = True
    found = within_border(power_of(inside), power_of(inside) > 0.5, CELLS)
    np.testing.assert_array_equal(found[:, :18], True)
    assert not found[:, 23:].any()


def test_a_place_that_is_less_unusual_by_chance_belongs_to_its_area():
    inside = np.zeros((60, 60), bool)
    inside[10:50, 10:50] = True
    power = np.where(inside, np.float32(15), 0)
    power[28:32, 28:32] = 2
    assert within_border(power, inside, CELLS)[11:49, 11:49].all()


def test_two_areas_whose_surroundings_touch_are_apart():
    inside = np.zeros((60, 90), bool)
    inside[15:45, 10:40] = inside[15:45, 49:79] = True
    power = power_of(inside)
    both = power > 0.02
    assert ndimage.label(both)[1] == 1
    assert ndimage.label(within_border(power, both, CELLS))[1] == 2
