"""Responses for the self-test of a model file."""

from __future__ import annotations

import numpy as np
from quick_models import quick_filters

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
