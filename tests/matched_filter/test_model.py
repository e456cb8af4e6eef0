"""The matched-filter model is a value."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from quick_models import quick_filters

from napari_stem_defects.matched_filter.like_sites import SiteFilter


def test_a_model_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        quick_filters().samples = 8.0  # type: ignore[misc]


def test_the_lattice_is_in_lattice_periods():
    (y0, x0), (y1, x1) = quick_filters().lattice
    assert abs(y0 * x1 - y1 * x0) == pytest.approx(1)


def _with_sites(threshold: float, alone: float):
    pattern = np.ones((3, 3), np.float32)
    return dataclasses.replace(
        quick_filters().classes[1],
        sites=(SiteFilter(pattern, pattern),),
        threshold=threshold,
        template_threshold=alone,
    )


@pytest.mark.parametrize(("threshold", "alone"), [(0.55, 0.7), (0.7, 0.5), (0.95, 0.45)])
def test_similarities_to_templates_and_with_sites_have_a_common_scale(threshold, alone):
    item = _with_sites(threshold, alone)
    assert item.from_templates(alone) == pytest.approx(threshold)
    assert item.from_templates(1.0) == pytest.approx(1)
    assert item.template_limit == pytest.approx(alone)
    values = np.linspace(-0.5, 1.5, 9, dtype=np.float32)
    back = item.to_templates(item.from_templates(values))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, values, atol=1e-5)


def test_without_site_filters_both_scales_are_one():
    item = quick_filters().classes[1]
    assert item.from_templates(0.3) == item.to_templates(0.3) == 0.3
    assert item.template_limit == item.limit
