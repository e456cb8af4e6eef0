"""The part of an image in which something can be unusual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from crystal_images import crystal_image
from half_crystals import half_crystal

from napari_stem_defects.anomaly.searched_crystal import searched_crystal
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.lattice.measurement import measure_lattices


def test_a_whole_crystal_is_searched_throughout():
    image = crystal_image(spacing=12.0)
    found = searched_crystal(Micrograph(image.pixels, "whole"), image.cells)
    assert found.outside is None
    assert not found.blocked.any()


def test_pixels_without_a_value_and_the_edge_are_blocked():
    image = half_crystal("vacuum", spacing=14.0, size=400)
    invalid = np.zeros(image.outside.shape, bool)
    invalid[:5, -5:] = True
    micrograph = replace(image.micrograph, invalid=invalid)
    found = searched_crystal(micrograph, measure_lattices(micrograph.pixels).cells)
    edge = image.outside.shape[1] // 2
    assert found.outside is not None
    assert found.unknown[5, -6]
    assert not found.unknown[:, :edge].any()
    assert found.blocked[:, : edge + round(image.period)].all()
    assert found.blocked[5, -6]
    assert not found.blocked[:, edge + round(3 * image.period) : -round(5 * image.period)].any()
