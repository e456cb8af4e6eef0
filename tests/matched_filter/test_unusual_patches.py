"""The most unusual places of an image."""

from __future__ import annotations

import numpy as np
from crystal_images import SQUARE, crystal_image

from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.matched_filter.unusual_patches import unusual_patches


def test_the_places_of_defects_come_first_with_their_surroundings():
    image = crystal_image(SQUARE, size=300, missing=6)
    residual = lattice_residual(sample(image.pixels, image.cells))
    values = residual.rows(slice(0, residual.shape[0]))
    patches = unusual_patches(residual)
    assert [patch.level for patch in patches] == sorted(
        (patch.level for patch in patches), reverse=True
    )
    strongest = np.abs(values).max()
    assert any(np.abs(patch.values).max() == strongest for patch in patches[:6])
    edges = {patch.values.shape for patch in patches}
    assert len(edges) == 1
    assert next(iter(edges))[0] % 2 == 1


def test_beyond_the_border_a_patch_is_zero():
    image = crystal_image(SQUARE, size=160)
    residual = lattice_residual(sample(image.pixels, image.cells))
    patches = unusual_patches(residual)
    assert any((patch.values == 0).any(axis=0).any() for patch in patches)
    assert all(np.isfinite(patch.values).all() for patch in patches)
