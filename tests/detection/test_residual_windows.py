"""Maps in samples as maps in px of the image."""

from __future__ import annotations

import numpy as np
from crystal_images import SQUARE, crystal_image
from half_crystals import half_crystal

from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.detection.residual_windows import map_in_image, nothing_recognised
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.networks.spec import EnsembleSpec

SPEC = EnsembleSpec("two", ("Bulk", "Vac"))


def test_centres_are_where_their_samples_are() -> None:
    image = crystal_image(SQUARE, size=210, spacing=21.0)
    residual = image_residual(image.micrograph, image.cells, Scale(7.0))
    sampled = residual.sampled
    at = np.array([0.0, 10.0, 40.0])
    found = map_in_image(np.ones((2, 3, 3), np.float32), at, at, residual, image.micrograph, SPEC)
    np.testing.assert_allclose(found.y, (at + 0.5) / sampled.factor[0] - 0.5, atol=1e-4)
    assert found.valid.all()
    assert found.classes == SPEC.classes


def test_no_class_has_a_probability_outside_of_the_crystal():
    image = half_crystal("fine film")
    residual = image_residual(image.micrograph, measure_lattices(image.micrograph.pixels).cells)
    at = np.arange(5.0, 315.0, 5.0)
    ones = np.ones((2, len(at), len(at)), np.float32)
    found = map_in_image(ones, at, at, residual, image.micrograph, SPEC)
    assert found.valid.all()
    assert not found.probability[:, :, found.x < 160].any()
    assert (found.probability[:, :, found.x > 220] == 1).all()


def test_nothing_is_one_window_in_the_middle() -> None:
    image = crystal_image(SQUARE, size=100)
    found = nothing_recognised(image.micrograph, SPEC)
    assert (found.y[0], found.x[0]) == (49.5, 49.5)
    assert not found.probability.any()
    assert found.valid.all()
