"""A crystal continued beyond its edge."""

from __future__ import annotations

import numpy as np
import pytest
from half_crystals import half_crystal
from scipy import ndimage

from napari_stem_defects.anomaly import continued_crystal as module
from napari_stem_defects.anomaly.continued_crystal import continued_crystal
from napari_stem_defects.anomaly.crystal_edge import CrystalEdge
from napari_stem_defects.anomaly.sampling import at_samples, sample
from napari_stem_defects.lattice.measurement import measure_lattices


def likeness(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    return float(np.corrcoef(first[where], second[where])[0, 1])


@pytest.mark.parametrize("spacing", [7.0, 14.0])
def test_the_crystal_goes_on_where_it_ended(spacing):
    image = half_crystal("vacuum", spacing=spacing, size=400)
    pixels = image.micrograph.pixels
    sampled = sample(pixels, measure_lattices(pixels).cells)
    crystal = ~at_samples(image.outside, sampled)
    edge = CrystalEdge(crystal, np.zeros(crystal.shape, np.uint8))
    found = continued_crystal(pixels, sampled, edge)
    depth = ndimage.distance_transform_edt(~image.outside) / image.period
    np.testing.assert_array_equal(found[depth > 0.8], pixels[depth > 0.8])
    beyond = image.outside & (ndimage.distance_transform_edt(image.outside) < 5 * image.period)
    assert likeness(found, image.whole, beyond) > 0.8
    assert abs(likeness(pixels, image.whole, beyond)) < 0.1


def test_each_of_two_lattices_goes_on_beside_itself():
    images = [half_crystal("vacuum", spacing=spacing, size=400) for spacing in (12.0, 15.0)]
    upper = np.arange(400)[:, None] < 200
    pixels = np.where(upper, *(each.micrograph.pixels for each in images))
    whole = np.where(upper, *(each.whole for each in images))
    cells = [measure_lattices(each.whole).cells[0] for each in images]
    sampled = sample(pixels, cells)
    crystal = ~at_samples(images[0].outside, sampled)
    lattice = at_samples(np.broadcast_to(~upper, pixels.shape), sampled).astype(np.uint8)
    found = continued_crystal(pixels, sampled, CrystalEdge(crystal, lattice))
    near = ndimage.distance_transform_edt(images[0].outside) < 3 * images[0].period
    for part in (np.s_[:170], np.s_[230:]):
        where = np.zeros(pixels.shape, bool)
        where[part] = (images[0].outside & near)[part]
        assert likeness(found, whole, where) > 0.8


def test_strips_of_a_large_image_do_not_show(monkeypatch):
    image = half_crystal("vacuum", spacing=14.0)
    pixels = image.micrograph.pixels
    sampled = sample(pixels, measure_lattices(pixels).cells)
    crystal = ~at_samples(image.outside, sampled)
    edge = CrystalEdge(crystal, np.zeros(crystal.shape, np.uint8))
    whole = continued_crystal(pixels, sampled, edge)
    monkeypatch.setattr(module, "_STRIP_ROWS", 37)
    np.testing.assert_array_equal(continued_crystal(pixels, sampled, edge), whole)


def test_without_a_crystal_nothing_goes_on():
    image = half_crystal("vacuum")
    pixels = image.micrograph.pixels
    sampled = sample(pixels, measure_lattices(pixels).cells)
    nothing = np.zeros(sampled.filtered.shape, bool)
    found = continued_crystal(pixels, sampled, CrystalEdge(nothing, nothing.astype(np.uint8)))
    assert found is pixels
