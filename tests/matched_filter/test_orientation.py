"""Templates for a turned lattice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE

from napari_stem_defects.matched_filter.like_sites import SiteFilter
from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel
from napari_stem_defects.matched_filter.orientation import orientations, turned, turns
from napari_stem_defects.matched_filter.templates import REACH, Template, gaussian_weight


def _turn(vectors, degrees):
    """Turn vectors (y, x) from x towards y."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.array(vectors) @ np.array([[cosine, -sine], [sine, cosine]])
    return tuple(map(tuple, turned))


@pytest.mark.parametrize(("shape", "order"), [(OBLIQUE, 2), (SQUARE, 4), (HEXAGONAL, 6)])
@pytest.mark.parametrize("degrees", [0, 17, -25])
def test_every_turn_that_maps_the_lattice_is_found(shape, order, degrees):
    found = turns(shape, _turn(shape, degrees))
    assert len(found) == order
    step = 360 / order
    assert all(((angle - degrees + 1) % step) == pytest.approx(1, abs=0.1) for angle in found)


def test_another_cell_has_no_turns():
    assert turns(OBLIQUE, SQUARE) == []


def _model(pattern):
    weight = gaussian_weight(7.0, REACH["point"])
    template = Template(pattern, weight, 1.0, 3)
    item = ClassFilter("D", "point", (template,), 0.6, 3.0, 1.0)
    return MatchedFilterModel(7.0, (item,), (), OBLIQUE)


def _spot(y, x):
    edge = gaussian_weight(7.0, REACH["point"]).shape[0]
    rows, columns = np.mgrid[:edge, :edge] - edge // 2
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 4).astype(np.float32)


def test_templates_turn_with_the_lattice():
    model = turned(_model(_spot(0, 5)), _turn(OBLIQUE, 90))
    patterns = [template.pattern for template in model.classes[0].templates]
    tops = {
        tuple(np.array(np.unravel_index(p.argmax(), p.shape)) - p.shape[0] // 2) for p in patterns
    }
    assert tops == {(5, 0), (-5, 0)}


@pytest.mark.parametrize("degrees", [0, 3])
def test_a_lattice_that_is_hardly_turned_keeps_its_templates(degrees):
    model = _model(_spot(0, 5))
    assert turned(model, _turn(OBLIQUE, degrees)) is model


def test_another_lattice_keeps_its_templates():
    model = replace(_model(_spot(0, 5)), lattice=SQUARE)
    assert turned(model, OBLIQUE) is model


@pytest.mark.parametrize(("shape", "count"), [(OBLIQUE, 2), (SQUARE, 8), (HEXAGONAL, 12)])
def test_all_orientations_that_a_lattice_allows(shape, count):
    """The point group of the lattice; an oblique one has no mirror."""
    model = replace(_model(_spot(2, 5)), lattice=shape)
    found = orientations(model, shape)
    assert len(found) == count
    assert found[0] is model
    patterns = [each.classes[0].templates[0].pattern for each in found]
    tops = {tuple(np.unravel_index(each.argmax(), each.shape)) for each in patterns}
    assert len(tops) == count


def test_another_lattice_has_the_model_alone():
    model = _model(_spot(2, 5))
    assert orientations(model, SQUARE) == [model]


@pytest.mark.parametrize("patterns", [2, 3])
def test_site_filters_are_turned_as_templates_are(patterns):
    spot = _spot(2, 5)
    model = _model(spot)
    (item,) = model.classes
    pattern = item.templates[0].pattern
    model = replace(model, classes=(replace(item, sites=(SiteFilter(*[pattern] * patterns),)),))
    for each in orientations(model, _turn(OBLIQUE, 40)):
        (site,) = each.classes[0].sites
        expected = each.classes[0].templates[0].pattern
        assert sum(part is not None for part in site) == patterns
        for part in site[:patterns]:
            assert np.unravel_index(part.argmax(), part.shape) == np.unravel_index(
                expected.argmax(), expected.shape
            )
    assert len(turned(model, _turn(OBLIQUE, 40)).classes[0].sites) == 2
