"""Images prepared for quick models."""

from __future__ import annotations

import pytest
from labelled_crystals import vacancies

from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.matched_filter.fit import Click
from napari_stem_defects.training.quick_images import model_from_clicks, prepare_image


def test_images_are_prepared_at_the_samples_that_are_asked_for():
    image = vacancies()
    assert prepare_image(image.micrograph, 6.0).residual.sampled.samples == 6.0
    ready = prepare_image(image.micrograph)
    assert ready.values.shape == ready.residual.shape
    assert ready.limits.point > 1.5


def test_the_model_knows_the_lattice_of_its_first_image():
    image = vacancies()
    ready = prepare_image(image.micrograph)
    y, x = ready.residual.sampled.to_samples(image.defects[0])
    classes = (DefectClass(BULK, "bulk"), DefectClass("Vac"))
    model = model_from_clicks([ready], [Click(0, float(y), float(x), "Vac")], classes)
    (y0, x0), (y1, x1) = model.lattice
    assert abs(y0 * x1 - y1 * x0) == pytest.approx(1, rel=1e-3)
