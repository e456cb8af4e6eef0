"""Images prepared for quick models."""

from __future__ import annotations

import pytest
from labelled_crystals import labelled, vacancies

from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.training.quick_images import (
    model_from_clicks,
    prepare_image,
    scale_warnings,
)


def test_images_are_prepared_at_the_samples_that_are_asked_for():
    image = vacancies()
    assert prepare_image(image.micrograph, Scale(6.0)).residual.sampled.samples == 6.0
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


def test_a_pixel_size_of_no_crystal_is_stated_with_the_image() -> None:
    image = vacancies()
    ready = prepare_image(image.micrograph)
    odd = labelled(image, 2)._replace(micrograph=image.micrograph.with_pixel_size(50.0, "user"))
    (text,) = scale_warnings([odd], [ready])
    assert text.startswith(f"{image.micrograph.name}: warning: with 50 nm per px")
    assert scale_warnings([labelled(image, 2)], [ready]) == ()
