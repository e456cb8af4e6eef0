"""Similarity to a class with and without like sites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dense_crystal import dense_crystal

from napari_stem_defects.matched_filter.class_similarity import class_similarity
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.like_sites import with_sites
from napari_stem_defects.matched_filter.similarity import best_similarity


@pytest.fixture(scope="module")
def scene():
    return dense_crystal()


@pytest.fixture(scope="module")
def item(scene):
    model = fit(
        [scene.values], scene.clicks(), {"Dim": "point"}, scene.samples, context=scene.context
    )
    return model.classes[0]


def test_the_class_has_a_threshold_of_each_kind(item):
    assert item.sites
    assert item.threshold != item.template_threshold


def test_with_like_sites_it_is_the_comparison_with_these(scene, item):
    found = class_similarity(scene.values, item, scene.part)
    look = best_similarity(scene.values, item.templates)
    np.testing.assert_array_equal(found, with_sites(look, scene.part, item.sites))


def test_without_like_sites_as_much_is_found_as_templates_find(scene, item):
    flat = replace(scene.part, predicted=np.zeros_like(scene.values))
    expected = best_similarity(scene.values, item.templates) >= item.template_threshold
    assert expected.any()
    for part in (flat, None):
        found = class_similarity(scene.values, item, part) >= item.limit
        assert (found != expected).mean() < 1e-5  # rounding


def test_a_class_without_site_filters_needs_no_image(scene, item):
    alone = replace(item, sites=())
    look = best_similarity(scene.values, item.templates)
    for part in (scene.part, None):
        np.testing.assert_array_equal(class_similarity(scene.values, alone, part), look)
