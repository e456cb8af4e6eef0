"""A model as arrays and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from quick_models import quick_filters

from napari_stem_defects.matched_filter.like_sites import SiteFilter, filter_edges
from napari_stem_defects.matched_filter.storage import (
    array_shapes,
    from_arrays,
    site_patterns,
    to_arrays,
)


def test_a_model_survives_its_arrays():
    model = quick_filters()
    arrays = to_arrays(model)
    read = from_arrays(arrays, model.samples, [(c.name, c.kind) for c in model.classes])
    again = to_arrays(read)
    assert arrays.keys() == again.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
    assert [c.name for c in read.classes] == ["GB", "Vac"]
    assert read.classes[0].templates == ()
    assert len(read.classes[1].templates) == 2
    assert len(read.negatives) == 1


def test_the_shapes_are_those_of_the_arrays():
    model = quick_filters()
    shapes = array_shapes(
        model.samples,
        [c.kind for c in model.classes],
        [len(c.templates) for c in model.classes],
        len(model.negatives),
    )
    assert shapes == {name: array.shape for name, array in to_arrays(model).items()}


def test_models_of_earlier_versions_have_fewer_numbers():
    model = quick_filters()
    arrays = to_arrays(model)
    kinds, counts = [c.kind for c in model.classes], [len(c.templates) for c in model.classes]
    earlier = {
        name: array[:3] if name.endswith("decision") else array for name, array in arrays.items()
    }
    shapes = array_shapes(model.samples, kinds, counts, len(model.negatives), 3)
    assert shapes == {name: array.shape for name, array in earlier.items()}
    read = from_arrays(earlier, model.samples, [(c.name, c.kind) for c in model.classes])
    assert [c.threshold for c in read.classes] == [c.threshold for c in model.classes]
    assert all(c.visibility == 0 and c.difference == (0, 0) for c in read.classes)


@pytest.mark.parametrize("count", [2, 3])
def test_site_filters_survive_with_the_stated_shapes(count):
    """Those of earlier versions have two patterns."""
    model = quick_filters()
    rng = np.random.default_rng(1)
    edges = filter_edges(model.samples)[:count]
    patterns = (rng.normal(size=(n, n)).astype(np.float32) for n in edges)
    boundary, vacancy = model.classes
    vacancy = replace(vacancy, sites=(SiteFilter(*patterns),), template_threshold=0.75)
    model = replace(model, classes=(boundary, vacancy))
    arrays = to_arrays(model)
    kinds, counts = [c.kind for c in model.classes], [len(c.templates) for c in model.classes]
    assert site_patterns(model) == (3 if count == 3 else 0)
    shapes = array_shapes(model.samples, kinds, counts, 1, sites=(0, 1), site_patterns=count)
    assert shapes == {name: array.shape for name, array in arrays.items()}
    read = from_arrays(arrays, model.samples, [(c.name, c.kind) for c in model.classes])
    assert read.classes[0].sites == ()
    assert read.classes[1].template_threshold == 0.75
    for found, stored in zip(read.classes[1].sites[0], vacancy_sites(model), strict=True):
        np.testing.assert_array_equal(found, stored)


def vacancy_sites(model):
    return model.classes[1].sites[0]
