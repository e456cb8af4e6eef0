"""When a class is compared with the like sites of its images."""

from __future__ import annotations

import numpy as np
import pytest
from dense_crystal import dense_crystal

from napari_stem_defects.anomaly.score import null_thresholds
from napari_stem_defects.matched_filter import choose_sites as module
from napari_stem_defects.matched_filter import class_similarity as class_similarity_module
from napari_stem_defects.matched_filter import examples as examples_module
from napari_stem_defects.matched_filter.choose_sites import ClickedImage, choose_sites
from napari_stem_defects.matched_filter.class_maps import probabilities_at
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.similarity import best_similarity, local_maxima


def _learned(scene, context, clicks=None):
    clicks = scene.clicks() if clicks is None else clicks
    return fit([scene.values], clicks, {"Dim": "point"}, scene.samples, context=context)


@pytest.fixture(scope="module")
def scene():
    return dense_crystal()


def test_dense_defects_get_a_site_filter(scene):
    assert _learned(scene, scene.context).has_sites


def test_without_the_images_templates_are_all_there_is(scene):
    assert not _learned(scene, ()).has_sites


def test_classes_that_templates_separate_have_no_site_filter():
    sparse = dense_crystal(share=0.01, counts=4000.0, varied=0.0)
    assert not _learned(sparse, sparse.context).has_sites


def test_a_threshold_that_is_given_is_that_of_the_templates(scene):
    kinds, limits = {"Dim": "point"}, {"Dim": 0.8}
    model = fit(
        [scene.values],
        scene.clicks(),
        kinds,
        scene.samples,
        thresholds=limits,
        context=scene.context,
    )
    assert not model.has_sites
    assert model.classes[0].threshold == 0.8


def test_clicks_of_a_class_with_sites_are_found_beside_unlike_classes(scene):
    rows = scene.values.shape[0]
    unlike = [Click(0, 20.0 + 9 * n, rows - 30.0 - 4.3 * n, "Else") for n in range(12)]
    kinds = {"Dim": "point", "Else": "area"}
    clicks = scene.clicks() + unlike
    model = fit([scene.values], clicks, kinds, scene.samples, context=scene.context)
    names = [item.name for item in model.classes]
    found = probabilities_at(
        scene.values,
        scene.dim[:8],
        model,
        null_thresholds(scene.residual),
        image=scene.residual,
    )
    assert model.has_sites
    assert (found[:, 1 + names.index("Dim")] > 0.5).mean() >= 0.75


def test_defects_that_are_at_no_site_are_not_lost(scene):
    """Without its clicks at least as often found, a comparison with like sites is not taken."""
    found = choose_sites(*_between_columns(scene), 0.7, 3.0)
    assert found is None
    assert _chosen(scene) is not None


def _similar_at(scene, places, *, elsewhere):
    """Return a similarity of 1 at some places, and of chance up to a limit at all others."""
    rng = np.random.default_rng(0)
    similar = rng.uniform(0.3, elsewhere, scene.values.shape).astype(np.float32)
    y, x = np.rint(places).astype(int).T
    similar[y, x] = 1.0
    clicked = ClickedImage(scene.residual, scene.values, similar, places[:8], places[:8])
    return [clicked], local_maxima(similar, 3.0)[1]


def test_what_finds_much_else_is_not_taken(scene):
    """As columns along a fault, which are at like sites and like what was clicked beside it."""
    some = _similar_at(scene, scene.dim[::4], elsewhere=0.57)
    all_ = _similar_at(scene, scene.dim, elsewhere=0.62)
    assert choose_sites(*some, 0.7, 3.0) is None
    assert choose_sites(*all_, 0.7, 3.0) is not None


def test_where_templates_leave_no_gap_like_sites_need_not_agree_with_them(scene):
    images, heights = _similar_at(scene, scene.dim[::4], elsewhere=0.78)
    assert choose_sites(images, heights, 0.76, 3.0) is not None
    two = [images[0]._replace(clicks=images[0].clicks[:2], peaks=images[0].peaks[:2])]
    assert choose_sites(two, heights, 0.76, 3.0) is None


def _chosen(scene):
    (item,) = _learned(scene, ()).classes
    similar = best_similarity(scene.values, item.templates)
    at_sites = ClickedImage(scene.residual, scene.values, similar, scene.dim[:8], scene.dim[:8])
    heights = local_maxima(similar, 3.0)[1]
    return choose_sites([at_sites], heights, item.threshold, 3.0)


def _needed(scene, *, needed, by_noise=False, clicks=8):
    (item,) = _learned(scene, ()).classes
    similar = best_similarity(scene.values, item.templates)
    places = scene.dim[:clicks]
    at_sites = ClickedImage(scene.residual, scene.values, similar, places, places)
    nothing = np.zeros(0, np.float32)
    return choose_sites([at_sites], nothing, 0.9, 3.0, needed=needed, by_noise=by_noise)


def test_where_templates_find_nothing_like_sites_must_leave_a_gap_below_many_places():
    clear = dense_crystal(counts=2000.0, varied=0.0)
    assert _needed(clear, needed=False) is None
    assert _needed(clear, needed=True) is not None


def test_noise_is_rescued_by_like_sites_only_for_several_clicks():
    few = dense_crystal(counts=2000.0, varied=0.0, share=0.008)
    assert len(few.dim) < 10
    assert _needed(few, needed=True) is None
    assert _needed(few, needed=True, by_noise=True) is not None
    assert _needed(few, needed=True, by_noise=True, clicks=4) is None


def test_a_large_image_is_represented_by_tiles_around_its_clicks(scene, monkeypatch):
    """Smaller limits make this image a large one."""
    whole, limit = _chosen(scene)
    edge = scene.values.shape[0]
    monkeypatch.setattr(module, "_TILE", edge // 2 + 1)
    monkeypatch.setattr(module, "_LARGE", edge**2 - 1)
    tiled, tiled_limit = _chosen(scene)
    for one, other in zip(whole, tiled, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9
    assert tiled_limit == pytest.approx(limit, abs=0.2)


def test_tiles_hold_each_click_once_and_those_with_most_are_kept(monkeypatch):
    monkeypatch.setattr(module, "_TILE", 50)
    monkeypatch.setattr(module, "_LARGE", 2 * 50**2)
    values = np.arange(120 * 100, dtype=np.float32).reshape(120, 100)
    places = np.array([[5, 5], [10, 20], [119, 99], [81, 60], [79, 50], [100, 2.0]])
    tiles = module._tiles(ClickedImage(None, values, values, places, places))
    assert [tile.similar.shape for tile in tiles] == [(40, 50), (40, 50)]
    assert sorted(len(tile.peaks) for tile in tiles) == [2, 2]
    for tile in tiles:
        for y, x in tile.peaks.astype(int):
            assert tile.similar[y, x] in [values[int(a), int(b)] for a, b in places]


def test_a_click_beyond_the_tile_of_its_peak_is_no_error(scene, monkeypatch):
    """Peaks lie up to a third of a period beside their clicks, and decide the tile."""
    monkeypatch.setattr(module, "_TILE", 50)
    monkeypatch.setattr(module, "_LARGE", 100 * 50**2 - 1)
    values = np.zeros((500, 500), np.float32)
    peaks = np.array([[49.0, 30.0], [50.0, 450.0]])
    clicks = peaks + np.array([[1.4, 0.0], [-1.4, 0.0]])
    for tile in module._tiles(ClickedImage(None, values, values, clicks, peaks)):
        y, x = tile.peaks[0].astype(int)
        assert 0 <= y < tile.similar.shape[0]
        assert 0 <= x < tile.similar.shape[1]


def _between_columns(scene):
    """Return clicks in the middle between columns, and a similarity that is highest there."""
    places = scene.bright[20:60:4] + 0.5 * scene.samples
    similar = np.random.default_rng(0).uniform(0.4, 0.75, scene.values.shape).astype(np.float32)
    y, x = np.rint(places).astype(int).T
    similar[y, x] = 1.0
    clicked = ClickedImage(scene.residual, scene.values, similar, places, places)
    return [clicked], local_maxima(similar, 3.0)[1]


def test_an_image_is_compared_with_the_templates_once(scene, monkeypatch):
    whole = []

    def counted(values, templates):
        whole.append(values.shape == scene.values.shape)
        return best_similarity(values, templates)

    for each in (examples_module, class_similarity_module):
        monkeypatch.setattr(each, "best_similarity", counted)
    assert _learned(scene, scene.context).has_sites
    assert sum(whole) == 1
