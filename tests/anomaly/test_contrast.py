"""Bright and dark columns are told apart, and give the same residual."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, crystal_image

from napari_stem_defects.anomaly.contrast import bright_residual, column_sign
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample


@pytest.mark.parametrize("vectors", [SQUARE, HEXAGONAL, OBLIQUE])
def test_columns_are_brighter_or_darker_than_the_ground(vectors) -> None:
    image = crystal_image(vectors, missing=3, size=200)
    assert column_sign(sample(image.pixels, image.cells)) == 1
    inverted = (image.pixels.max() - image.pixels).astype(np.float32)
    assert column_sign(sample(inverted, image.cells)) == -1


def test_a_missing_column_is_a_deficit_in_both_contrasts() -> None:
    image = crystal_image(SQUARE, missing=4, size=200)
    inverted = (image.pixels.max() - image.pixels).astype(np.float32)
    for pixels in (image.pixels, inverted):
        residual = lattice_residual(sample(pixels, image.cells, 7.0))
        bright = bright_residual(residual)
        y, x = np.rint(residual.sampled.to_samples(image.defects)).astype(int).T
        assert (bright[y, x] < -3).all()
