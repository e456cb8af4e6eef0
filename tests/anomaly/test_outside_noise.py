"""Noise in place of what a residual is outside of its crystal."""

from __future__ import annotations

import numpy as np
from half_crystals import half_crystal

from napari_stem_defects.anomaly.outside_noise import far_outside, fill_with_noise
from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.lattice.measurement import measure_lattices


def test_what_is_near_the_crystal_is_not_far():
    blocked = np.zeros((60, 80), bool)
    blocked[:, :40] = True
    far = far_outside(blocked, 7.0)
    assert far[:, :18].all()
    assert not far[:, 20:].any()
    assert far_outside(np.ones((30, 30), bool), 7.0).all()


def test_a_row_has_the_same_noise_in_whichever_block():
    far = np.zeros((40, 50), bool)
    far[10:, :20] = True
    whole = fill_with_noise(np.full((40, 50), 9, np.float32), far, 0)
    part = fill_with_noise(np.full((15, 50), 9, np.float32), far[:], 20)
    np.testing.assert_array_equal(whole[20:35], part)
    assert (whole[:10] == 9).all()
    assert 0.8 < whole[10:, :20].std() < 1.2


def test_a_film_beside_a_crystal_is_no_stronger_than_the_crystal():
    image = half_crystal("coarse film", size=400)
    residual = image_residual(image.micrograph, measure_lattices(image.micrograph.pixels).cells)
    values = residual.whole()
    assert np.square(values[:, :100]).mean() < 1.5
    np.testing.assert_allclose(residual.rows(slice(30, 60)), values[30:60], atol=1e-4)
