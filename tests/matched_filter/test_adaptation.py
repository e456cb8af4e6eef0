"""Models of clearly visible defects find fainter ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import crystal_image
from labelled_crystals import labelled, vacancies

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.matched_filter import adaptation, extended_classes
from napari_stem_defects.matched_filter.adaptation import adapted_to
from napari_stem_defects.matched_filter.class_maps import class_maps
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.like_sites import SiteFilter
from napari_stem_defects.training.quick import click_classes, clicks_of
from napari_stem_defects.training.quick_images import model_from_clicks, prepare_image

GOOD, POOR = 240.0, 25.0


@pytest.fixture(scope="module")
def taught():
    image = vacancies(counts=GOOD)
    ready = prepare_image(image.micrograph)
    clicks, _ = clicks_of([labelled(image, 5)], [ready])
    classes = click_classes(clicks, [DefectClass("Vac", "point")])
    return model_from_clicks([ready], clicks, classes), ready


def found(model, image):
    """Return how many defects are found, and how many places that are none."""
    ready = prepare_image(image.micrograph, model.scale)
    maps = class_maps(ready.residual, adapted_to(ready.residual, model))
    places = ready.residual.sampled.to_samples(image.defects)
    y, x = np.nonzero(maps.probability[1] >= 0.5)
    cells = np.column_stack([maps.y[y], maps.x[x]])
    apart = np.hypot(*(cells[:, None] - places).transpose(2, 0, 1)) / model.samples
    if not len(cells):
        return 0, 0
    return int((apart.min(axis=0) < 0.6).sum()), int((apart.min(axis=1) >= 1).sum())


def test_vacancies_are_found_at_a_tenth_of_the_dose(taught):
    model, _ = taught
    hits, false = found(model, vacancies(counts=POOR, seed=3))
    assert hits >= 8
    assert false <= 1


def test_they_are_lost_by_a_model_that_does_not_know_where_it_was_clicked(taught):
    model, _ = taught
    unknown = replace(model, classes=tuple(replace(c, visibility=0.0) for c in model.classes))
    assert found(unknown, vacancies(counts=POOR, seed=3))[0] < 5


def test_noise_of_a_perfect_crystal_is_no_defect(taught):
    model, _ = taught
    assert found(model, vacancies(counts=POOR, seed=4, missing=0))[1] == 0


def test_the_clicked_image_changes_nothing(taught):
    model, ready = taught
    (before,), (after,) = model.classes, adapted_to(ready.residual, model).classes
    assert after.floor == 0
    np.testing.assert_allclose(after.templates[0].pattern, before.templates[0].pattern, rtol=1e-5)
    assert after.templates[0].power == pytest.approx(before.templates[0].power)


def test_models_of_earlier_versions_stay_as_they_are(taught):
    model, ready = taught
    unknown = replace(model, classes=tuple(replace(c, visibility=0.0) for c in model.classes))
    assert adapted_to(ready.residual, unknown) is unknown


def test_the_floor_of_a_class_with_like_sites_is_on_the_scale_of_its_threshold(taught):
    model, _ = taught
    (item,) = model.classes
    pattern = np.zeros((3, 3), np.float32)
    sited = replace(item, sites=(SiteFilter(pattern, pattern),), threshold=0.5)
    poor = prepare_image(vacancies(counts=POOR, seed=3).micrograph, model.scale).residual
    (alone,) = adapted_to(poor, model).classes
    (both,) = adapted_to(poor, replace(model, classes=(sited,))).classes
    assert alone.floor > 0
    assert both.floor == pytest.approx(min(sited.from_templates(alone.floor), 0.5))
    assert both.floor != pytest.approx(min(alone.floor, 0.5))


def test_a_faint_boundary_without_a_look_is_not_seen_in_noise(monkeypatch):
    options = {"size": 384, "spacing": 10.0}
    image = crystal_image(**options, grain_deg=17, counts=40)
    ready = prepare_image(image.micrograph)
    places = ready.residual.sampled.to_samples(image.defects)
    clicks = [Click(0, *map(float, places[n]), "GB") for n in range(0, 80, 12)]
    model = model_from_clicks([ready], clicks, click_classes(clicks, [DefectClass("GB", "line")]))
    faint = replace(model, classes=(replace(model.classes[0], anomaly=1.3),))
    other = prepare_image(crystal_image(**options, counts=10, seed=1).micrograph)

    def share():
        maps = class_maps(other.residual, adapted_to(other.residual, faint))
        return float((maps.probability[1] >= 0.5).mean())

    assert share() < 0.005
    monkeypatch.setattr(adaptation, "_NOISE_SHARE", 0.0)
    monkeypatch.setattr(extended_classes, "_MIN_FAINT", 3.0)
    assert share() > 0.1
