"""Local contrast beside places that have far more of it."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import contaminated, crystal_image

from napari_stem_defects.anomaly.even_contrast import even_contrast
from napari_stem_defects.anomaly.sampling import sample


def _contrast(sampled, places, reach=10):
    values = np.asarray(sampled.filtered[:, :])
    at = np.rint(sampled.to_samples(places)).astype(int)
    return np.array(
        [values[y - reach : y + reach, x - reach : x + reach].std() for y, x in at.tolist()]
    )


def test_a_crystal_beside_contamination_has_the_contrast_of_the_rest():
    image = crystal_image(size=320, spacing=10, counts=40)
    blob = np.array([(160.0, 160.0)])
    pixels = contaminated(image, blob, 10, 40).astype(np.float32)
    sampled = sample(pixels, image.cells)
    near, far = _contrast(sampled, np.array([(160.0, 225.0), (40.0, 40.0)]))
    assert near == pytest.approx(far, rel=0.1)


@pytest.mark.parametrize("missing", [0, 10])
def test_other_images_are_as_they_were(missing):
    image = crystal_image(size=320, spacing=10, missing=missing)
    filtered = np.asarray(sample(image.pixels, image.cells).filtered[:, :])
    assert even_contrast(filtered, 7.0) is filtered


def test_an_image_that_is_half_bright_is_as_it_was():
    values = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    values[:, :95] *= 3
    assert even_contrast(values, 7.0) is values
