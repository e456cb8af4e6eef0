"""The edge of a crystal beside something without a lattice."""

from __future__ import annotations

import numpy as np
import pytest
from half_crystals import HalfCrystal, half_crystal
from scipy import ndimage

from napari_stem_defects.anomaly import crystal_edge as module
from napari_stem_defects.anomaly.crystal_edge import CrystalEdge, crystal_edge
from napari_stem_defects.anomaly.grain_structure import grains_of
from napari_stem_defects.anomaly.outside_crystal import outside_crystal
from napari_stem_defects.anomaly.sampling import Sampled, at_samples, sample
from napari_stem_defects.lattice.measurement import measure_lattices


def edge_of(image: HalfCrystal) -> tuple[CrystalEdge, Sampled]:
    pixels = image.micrograph.pixels
    sampled = sample(pixels, measure_lattices(pixels).cells)
    outside = outside_crystal(pixels, grains_of(sampled))
    assert outside is not None
    return crystal_edge(sampled, at_samples(outside, sampled)), sampled


@pytest.mark.parametrize("beside", ["fine film", "coarse film", "vacuum"])
@pytest.mark.parametrize("spacing", [9.0, 14.0])
def test_the_edge_is_known_to_less_than_a_period(beside, spacing):
    image = half_crystal(beside, spacing=spacing, size=400)
    edge, sampled = edge_of(image)
    truth = ~at_samples(image.outside, sampled)
    away = ndimage.distance_transform_edt(truth) + ndimage.distance_transform_edt(~truth)
    wrong = away[edge.crystal != truth] / sampled.period
    assert wrong.max(initial=0) < 1.2
    assert np.mean(wrong > 0.8) < 0.1


def test_missing_columns_at_the_edge_are_no_part_of_it():
    image = half_crystal("vacuum", missing=60, spacing=14.0, size=400, depth=1.2)
    edge, sampled = edge_of(image)
    at = np.rint(sampled.to_samples(image.missing)).astype(int)
    assert len(at) >= 15
    assert edge.crystal[tuple(at.T)].all()


def test_squares_of_a_large_image_do_not_show(monkeypatch):
    image = half_crystal("fine film", spacing=14.0, size=400)
    whole, _ = edge_of(image)
    monkeypatch.setattr(module, "_BLOCK", 50)
    squares, _ = edge_of(image)
    np.testing.assert_array_equal(squares.crystal, whole.crystal)


def test_the_edge_and_corners_are_not_searched_but_the_border_of_the_image_is():
    period, size = 5.0, 200
    y, x = np.mgrid[:size, :size]
    wedge = np.abs(y - size / 2) < 0.25 * (x - 40)
    searched = CrystalEdge(wedge, np.zeros(wedge.shape, np.uint8)).searched(period)
    assert not searched[~wedge].any()
    assert ndimage.distance_transform_edt(wedge)[searched].min() > 1.5 * period
    assert searched[size // 2, -1]
    assert not searched[size // 2, : 40 + round(3 * 2 * period)].any()


def test_a_small_crystal_has_nothing_but_edge():
    crystal = np.zeros((60, 60), bool)
    crystal[20:40, 20:40] = True
    assert not CrystalEdge(crystal, np.zeros(crystal.shape, np.uint8)).searched(5.0).any()


def test_where_all_is_crystal_there_is_no_edge():
    everything = np.ones((40, 60), bool)
    edge = CrystalEdge(everything, np.zeros(everything.shape, np.uint8))
    assert np.isinf(edge.depth()).all()
    assert edge.searched(5.0).all()
