"""Responses for the self-test of a model file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from quick_models import quick_filters

from napari_stem_defects.matched_filter.like_sites import SiteFilter, filter_edges
from napari_stem_defects.matched_filter.responses import responses


def test_responses_depend_on_every_template():
    patches = np.random.default_rng(0).normal(size=(3, 48, 48)).astype(np.float32)
    model = quick_filters()
    found = responses(model, patches)
    assert found.shape == (3, 3)
    assert np.isfinite(found).all()
    for template in model.classes[1].templates:
        template.pattern[:] = 0
    changed = responses(model, patches)
    np.testing.assert_array_equal(changed[:, :2], found[:, :2])
    assert (changed[:, 2] != found[:, 2]).all()


@pytest.mark.parametrize("part", SiteFilter._fields)
@pytest.mark.parametrize("patterns", [2, 3])
def test_responses_depend_on_every_part_of_a_site_filter(part, patterns):
    patches = np.random.default_rng(0).normal(size=(3, 48, 48)).astype(np.float32)
    model = quick_filters()
    boundary, vacancy = model.classes
    rng = np.random.default_rng(1)
    edges = filter_edges(model.samples)[:patterns]
    site = SiteFilter(*(rng.normal(size=(n, n)).astype(np.float32) for n in edges))
    if getattr(site, part) is None:
        pytest.skip("filters of earlier versions have no observer")
    compared = replace(model, classes=(boundary, replace(vacancy, sites=(site,))))
    found = responses(compared, patches)
    np.testing.assert_array_equal(found[:, :2], responses(model, patches)[:, :2])
    getattr(site, part)[:] = rng.normal(size=getattr(site, part).shape)
    assert (np.abs(responses(compared, patches)[:, 2] - found[:, 2]) > 1e-3).all()
