"""Point defects compared with the like sites of their image."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from dense_crystal import dense_crystal
from scipy import ndimage

from napari_stem_defects.anomaly.score import null_thresholds
from napari_stem_defects.matched_filter import like_sites as module
from napari_stem_defects.matched_filter.class_maps import class_maps, probabilities_at
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.like_sites import (
    ImagePart,
    SiteFilter,
    filter_edges,
    learn_sites,
    with_sites,
)
from napari_stem_defects.matched_filter.similarity import best_similarity


@pytest.fixture(scope="module")
def scene():
    return dense_crystal()


def highest(similar, places, samples):
    wide = ndimage.maximum_filter(similar, 2 * round(0.3 * samples) + 1)
    y, x = np.rint(places).astype(int).T
    return wide[y, x]


def overlap(similar, scene):
    """Return the share of dim and bright columns on the wrong side of the best threshold."""
    dim, bright = (highest(similar, p, scene.samples) for p in (scene.dim, scene.bright))
    limits = np.sort(np.concatenate([dim, bright]))
    wrong = [(dim < limit).sum() + (bright >= limit).sum() for limit in limits]
    return min(wrong) / (len(dim) + len(bright))


def learned(scene):
    return fit(
        [scene.values], scene.clicks(), {"Dim": "point"}, scene.samples, context=scene.context
    )


def test_dense_dim_columns_are_told_better_with_like_sites(scene):
    (item,) = fit([scene.values], scene.clicks(), {"Dim": "point"}, scene.samples).classes
    look = best_similarity(scene.values, item.templates)
    sites = learn_sites([scene.part], [scene.dim[:8]], scene.part.samples)
    both = with_sites(look, scene.part, (sites,))
    assert overlap(both, scene) < 0.75 * overlap(look, scene)


def test_a_model_with_sites_finds_dense_defects_in_another_image(scene):
    other = dense_crystal(seed=2)
    model = learned(scene)
    assert model.has_sites
    found = class_maps(other.residual, model)
    y = np.abs(found.y[:, None] - other.dim[:, 0]).argmin(axis=0)
    x = np.abs(found.x[:, None] - other.dim[:, 1]).argmin(axis=0)
    wide = ndimage.maximum_filter(found.probability[1], 3)
    assert (wide[y, x] > 0.5).mean() > 0.9
    _, count = ndimage.label(found.probability[1] > 0.5, np.ones((3, 3)))
    assert count < 1.15 * len(other.dim) + 40  # 40: columns of the rim, which are not counted


def test_probabilities_at_places_use_like_sites_as_maps_do(scene):
    model = learned(scene)
    limits = null_thresholds(scene.residual)
    places = np.concatenate([scene.dim[:20], scene.bright[:20]])
    alone = probabilities_at(scene.values, places, model, limits)[:, 1]
    both = probabilities_at(scene.values, places, model, limits, image=scene.residual)[:, 1]
    is_dim = np.arange(40) < 20
    assert ((both > 0.5) == is_dim).mean() >= ((alone > 0.5) == is_dim).mean()
    assert ((both > 0.5) == is_dim).mean() > 0.9


def test_clicks_at_different_places_of_the_cell_have_no_like_sites(scene):
    rng = np.random.default_rng(3)
    anywhere = rng.uniform(40, scene.values.shape[0] - 40, (12, 2))
    assert learn_sites([scene.part], [anywhere], scene.part.samples) is None


def test_a_defect_has_a_response_of_one_and_a_usual_site_none(scene):
    sites = learn_sites([scene.part], [scene.dim[:10]], scene.part.samples)
    assert sites is not None
    none = np.zeros_like(scene.values)
    score = with_sites(none, scene.part, (sites,)) / (1 - module._TEMPLATES)
    dim, bright = (highest(score, places, scene.samples) for places in (scene.dim, scene.bright))
    assert np.median(dim) == pytest.approx(1, abs=0.15)
    assert np.median(bright) < 0.25
    opposite = replace(scene.part, filtered=-scene.part.filtered)
    assert np.median(highest(with_sites(none, opposite, (sites,)), scene.dim, 1.0)) < 0.1


def test_the_response_of_a_site_falls_towards_its_neighbours(scene):
    """Otherwise two defects at neighbouring sites are one region."""
    sites = learn_sites([scene.part], [scene.dim[:10]], scene.part.samples)
    score = with_sites(np.zeros_like(scene.values), scene.part, (sites,))
    y, x = np.rint(scene.dim).astype(int).T
    rim = round(0.2 * scene.samples)
    middle = np.median(score[y, x])
    for beside in (score[y - rim, x], score[y, x + rim]):
        assert 0.7 * middle < np.median(beside) < 0.95 * middle


def test_a_filter_of_an_earlier_version_is_averaged_with_the_templates(scene):
    sites = learn_sites([scene.part], [scene.dim[:10]], scene.part.samples)
    earlier = SiteFilter(sites.around, sites.change)
    alike = np.full_like(scene.values, 0.6)
    score = with_sites(alike, scene.part, (earlier,))
    dim, bright = (highest(score, places, scene.samples) for places in (scene.dim, scene.bright))
    assert np.median(dim) == pytest.approx(0.8, abs=0.1)
    assert np.median(bright) == pytest.approx(0.3, abs=0.15)


def test_chunks_of_sites_give_what_all_at_once_give(scene, monkeypatch):
    sites = learn_sites([scene.part], [scene.dim[:10]], scene.part.samples)
    look = np.zeros_like(scene.values)
    chunked = {}
    for size in (7, 10**6):
        monkeypatch.setattr(module, "_CHUNK", size)
        chunked[size] = with_sites(look, scene.part, (sites,))
    np.testing.assert_allclose(chunked[7], chunked[10**6], atol=1e-6)


def test_memory_of_a_large_image_is_a_few_images():
    """Of 86 thousand sites, cut all at once, the memory would be more than 30 images."""
    edge = 2048
    ticks = np.arange(edge, dtype=np.float32) * np.float32(2 * np.pi / 7)
    lattice = np.cos(ticks)[:, None] + np.cos(ticks)
    noise = np.random.default_rng(0).normal(0, 0.1, lattice.shape).astype(np.float32)
    part = ImagePart(lattice + noise, lattice, 7.0)
    clicks = 7.0 * np.array([[30, 40], [50, 90], [100, 20], [210, 200]])
    similar = np.zeros_like(lattice)
    tracemalloc.start()
    try:
        sites = learn_sites([part], [clicks], part.samples)
        both = with_sites(similar, part, (sites,))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (both > 0).any()
    assert peak < 13 * lattice.nbytes, peak / lattice.nbytes


def test_a_filter_has_the_stated_edges(scene):
    sites = learn_sites([scene.part], [scene.dim[:10]], scene.part.samples)
    assert tuple(each.shape[0] for each in sites) == filter_edges(scene.samples)


def test_where_the_image_shows_no_like_site_there_is_no_comparison(scene):
    sites = learn_sites([scene.part], [scene.dim[:10]], scene.part.samples)
    flat = replace(scene.part, predicted=np.zeros_like(scene.values))
    assert with_sites(np.full_like(scene.values, 0.8), flat, (sites,)) is None


def test_where_no_like_site_is_recognised_the_templates_decide(scene, monkeypatch):
    """A map shows what templates alone find with the threshold that they had."""
    model = learned(scene)
    (item,) = model.classes
    alone = replace(item, sites=(), threshold=item.template_threshold)
    expected = class_maps(scene.residual, replace(model, classes=(alone,))).probability[1] > 0.5
    monkeypatch.setattr(module, "_FEWEST", 10**9)
    found = class_maps(scene.residual, model).probability[1] > 0.5
    assert found.any()
    assert (found & expected).sum() > 0.8 * max(found.sum(), expected.sum())
