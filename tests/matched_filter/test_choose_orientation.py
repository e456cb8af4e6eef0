"""The orientation of an image follows from its defects where the lattice leaves it open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image

from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.matched_filter import choose_orientation as module
from napari_stem_defects.matched_filter.choose_orientation import suited_orientation
from napari_stem_defects.matched_filter.class_maps import class_maps
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.like_sites import SiteFilter
from napari_stem_defects.matched_filter.model import MatchedFilterModel
from napari_stem_defects.matched_filter.unusual_patches import unusual_patches

FORMS = {
    "as learned": lambda pixels: pixels,
    "turned by 90": lambda pixels: np.rot90(pixels),
    "turned by 180": lambda pixels: np.rot90(pixels, 2),
    "mirrored": lambda pixels: pixels[:, ::-1],
    "transposed": lambda pixels: pixels.T,
}


def in_periods(cells):
    vectors = np.array(cells[0].vectors_px) / lattice_period(cells[0])
    return tuple(map(tuple, vectors.tolist()))


@pytest.fixture(scope="module")
def learned():
    """An image with a fault along a row of a square lattice, and a model of it."""
    image = crystal_image(shape=SQUARE, fault=True, rotation_deg=0, spacing=14, size=320)
    residual = lattice_residual(sample(image.pixels, image.cells))
    values = residual.rows(slice(0, residual.shape[0]))
    places = residual.sampled.to_samples(image.defects)
    clicks = [Click(0, *map(float, places[n]), "D") for n in range(0, 60, 8)]
    found = fit([values], clicks, {"D": "line"}, residual.sampled.samples)
    return image, MatchedFilterModel(
        found.samples, found.classes, found.negatives, in_periods(image.cells)
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_fault_is_found_in_every_orientation_of_its_lattice(learned, form):
    image, model = learned
    pixels = np.ascontiguousarray(FORMS[form](image.pixels))
    residual = lattice_residual(sample(pixels, image.cells))
    suited = suited_orientation(residual, model, in_periods(image.cells))
    found = class_maps(residual, suited).probability[1] > 0.5
    along = found.any(axis=0 if form in ("as learned", "turned by 180", "mirrored") else 1)
    assert along.mean() > 0.95
    assert found.mean() < 0.2


def test_a_perfect_crystal_turns_nothing(learned):
    _, model = learned
    perfect = crystal_image(shape=SQUARE, rotation_deg=0, spacing=14, size=320)
    residual = lattice_residual(sample(perfect.pixels, perfect.cells))
    assert suited_orientation(residual, model, in_periods(perfect.cells)) is model


def test_another_lattice_leaves_the_model_as_it_is(learned):
    image, model = learned
    residual = lattice_residual(sample(image.pixels, image.cells))
    oblique = ((0.0, 1.0), (1.3, 0.35))
    assert suited_orientation(residual, model, oblique) is model


def test_an_image_with_both_orientations_keeps_the_learned_one(learned):
    """The other one may be longer, but what was clicked is there."""
    image, model = learned
    height = image.pixels.shape[0]
    both = np.concatenate([image.pixels, image.pixels.T, image.pixels.T])
    assert both.shape[0] == 3 * height
    residual = lattice_residual(sample(np.ascontiguousarray(both), image.cells))
    assert suited_orientation(residual, model, in_periods(image.cells)) is model


def test_what_looks_the_same_in_all_orientations_decides_nothing(learned):
    """Missing columns beside the fault: the image shows them in the learned orientation, too."""
    image, model = learned
    missing = crystal_image(shape=SQUARE, missing=12, rotation_deg=0, spacing=14, size=320)
    residual = lattice_residual(sample(missing.pixels, missing.cells))
    values = residual.rows(slice(0, residual.shape[0]))
    places = residual.sampled.to_samples(missing.defects)
    clicks = [Click(0, *map(float, place), "V") for place in places[:4]]
    vacancies = fit([values], clicks, {}, residual.sampled.samples).classes
    both = replace(model, classes=(*model.classes, *vacancies))
    pixels = np.ascontiguousarray(np.concatenate([image.pixels.T, missing.pixels]))
    residual = lattice_residual(sample(pixels, image.cells))
    suited = suited_orientation(residual, both, in_periods(image.cells))
    _, fault, vacant = class_maps(residual, suited).probability
    rows = fault.shape[0] // 2
    assert (fault[: rows - 10] > 0.5).any(axis=1).mean() > 0.9
    assert (vacant[rows + 5 :] > 0.5).any()
    assert not (vacant[: rows - 10] > 0.5).any()


def test_a_class_with_like_sites_is_counted_by_its_templates(learned):
    image, model = learned
    residual = lattice_residual(sample(image.pixels, image.cells))
    patches = [patch.values for patch in unusual_patches(residual)]
    pattern = np.zeros((3, 3), np.float32)
    (item,) = model.classes
    sited = replace(
        item,
        sites=(SiteFilter(pattern, pattern),),
        threshold=0.95,
        template_threshold=item.threshold,
    )
    expected = module._shown(model, patches)
    assert expected.any()
    np.testing.assert_array_equal(
        module._shown(replace(model, classes=(sited,)), patches), expected
    )
