"""How strong defects are in multiples of the noise, found without a defect."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import crystal_image
from half_crystals import half_crystal

from napari_stem_defects.anomaly.residual import (
    image_residual,
    lattice_residual,
    with_predictors,
)
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.visibility import visibility
from napari_stem_defects.lattice.measurement import measure_lattices


def measured(**options):
    """Return the visibility in an image, and the strength of the residual at missing columns."""
    image = crystal_image(**{"missing": 9, "size": 300, "grain_deg": 0.0, **options})
    residual = lattice_residual(sample(image.pixels, image.cells))
    values = residual.whole()
    y, x = np.rint(residual.sampled.to_samples(image.defects)).astype(int).T
    cuts = [values[a - 4 : a + 5, b - 4 : b + 5] for a, b in zip(y, x, strict=True)]
    return visibility(residual), float(np.std(np.mean(cuts, axis=0))) if cuts else 0.0


@pytest.mark.parametrize("counts", [15.0, 6.0])
def test_the_ratio_of_two_doses_is_that_of_the_residuals_of_defects(counts):
    (bright, deep), (faint, flat) = measured(counts=40.0), measured(counts=counts)
    assert faint / bright == pytest.approx(flat / deep, rel=0.12)
    assert faint < 0.75 * bright


def test_grains_repeat_each_by_its_own_lattice():
    options = {"size": 384, "spacing": 10.0, "missing": 0}
    (one, _), (two, _) = measured(**options), measured(**options, grain_deg=18.0)
    assert two == pytest.approx(one, rel=0.2)


@pytest.mark.parametrize("beside", ["coarse film", "vacuum"])
def test_what_is_beside_the_crystal_does_not_count(beside):
    image = half_crystal(beside, size=400, spacing=12.0)
    whole = crystal_image(size=400, spacing=12.0)
    part = image_residual(image.micrograph, measure_lattices(image.micrograph.pixels).cells)
    alone = image_residual(whole.micrograph, whole.cells)
    assert visibility(part) == pytest.approx(visibility(alone), rel=0.15)


def test_of_several_predictors_that_count_which_leaves_least_of_a_defect():
    """As in a crystal of which a part has a predictor of its own, though it is the same grain."""
    clear, noisy = (
        crystal_image(missing=9, size=300, grain_deg=0.0, counts=counts) for counts in (40.0, 4.0)
    )
    one = lattice_residual(sample(clear.pixels, clear.cells))
    other = lattice_residual(sample(noisy.pixels, noisy.cells)).predictors
    both = with_predictors(one.sampled, (*one.predictors, *other))
    y, x = np.rint(one.sampled.to_samples(clear.defects)).astype(int).T
    alone, together = (
        np.mean(
            [np.std(each.whole()[a - 4 : a + 5, b - 4 : b + 5]) for a, b in zip(y, x, strict=True)]
        )
        for each in (one, both)
    )
    assert visibility(both) / visibility(one) == pytest.approx(together / alone, rel=0.2)
