"""Parts of an image outside of its crystal."""

from __future__ import annotations

import numpy as np
import pytest
from half_crystals import HalfCrystal, half_crystal
from scipy import ndimage

from napari_stem_defects.anomaly.grain_structure import find_grains
from napari_stem_defects.anomaly.outside_crystal import (
    is_particle,
    outside_crystal,
    share_statement,
    with_edge,
)
from napari_stem_defects.lattice.grains import GrainMap
from napari_stem_defects.lattice.measurement import measure_lattices


def found_in(image: HalfCrystal) -> np.ndarray | None:
    cells = measure_lattices(image.micrograph.pixels).cells
    return outside_crystal(image.micrograph.pixels, find_grains(image.micrograph, cells))


@pytest.mark.parametrize("beside", ["fine film", "coarse film", "vacuum"])
@pytest.mark.parametrize("spacing", [9.0, 14.0])
def test_what_shows_no_lattice_is_outside_to_within_two_periods(beside, spacing):
    image = half_crystal(beside, spacing=spacing, size=400)
    found = found_in(image)
    wrong = found != image.outside
    away = ndimage.distance_transform_edt(image.outside) + ndimage.distance_transform_edt(
        ~image.outside
    )
    assert away[wrong].max(initial=0) < 2 * image.period
    assert found.mean() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    ("beside", "enclosed"), [("crystal", False), ("fine film", True), ("vacuum", True)]
)
def test_another_crystal_and_what_the_crystal_encloses_are_not_outside(beside, enclosed):
    assert found_in(half_crystal(beside, enclosed=enclosed, size=400)) is None


def test_a_whole_crystal_and_no_crystal_have_nothing_outside():
    pixels = half_crystal("vacuum").micrograph.pixels
    assert outside_crystal(pixels, GrainMap()) is None
    assert outside_crystal(pixels, GrainMap(outside=np.zeros((9, 9), bool))) is None
    assert outside_crystal(pixels, GrainMap(outside=np.ones((9, 9), bool))) is None


def test_the_share_is_stated_in_percent():
    assert share_statement(0.474).startswith("47 % of the image is not searched")
    assert share_statement(0.997).startswith("more than 99 % of the image is not searched")
    assert share_statement(1.0).startswith("nothing is searched: ")


def test_the_edge_reaches_as_far_as_it_is_uncertain_and_a_prediction_looks():
    outside = np.zeros((9, 100), bool)
    outside[:, :50] = True
    grown = with_edge(outside, 4.0)
    assert grown[:, :67].all()
    assert not grown[:, 70:].any()


@pytest.mark.parametrize(("edge", "particle"), [(8, True), (20, False)])
def test_a_crystal_of_few_periods_is_a_particle(edge, particle):
    period = 5.0
    outside = np.ones((200, 200), bool)
    outside[: round(edge * period), : round(edge * period)] = False
    outside = np.roll(outside, (40, 40), (0, 1))
    assert is_particle(outside, period) == particle
