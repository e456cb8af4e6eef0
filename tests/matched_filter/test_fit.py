"""From clicks to a model."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image
from scipy import ndimage

from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import InputError
from napari_stem_defects.matched_filter import templates
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.similarity import best_similarity, local_maxima


def _prepared(**options):
    image = crystal_image(**options)
    residual = lattice_residual(sample(image.pixels, image.cells))
    values = residual.rows(slice(0, residual.shape[0]))
    return values, residual.sampled.to_samples(image.defects), residual.sampled.samples


def _clicks(places, name="Vac"):
    return [Click(0, float(y), float(x), name) for y, x in places]


def test_point_clicks_make_one_template_and_a_threshold_in_the_gap():
    values, places, samples = _prepared(missing=8)
    model = fit([values], _clicks(places[:4]), {"Vac": "point"}, samples)
    (item,) = model.classes
    assert len(item.templates) == 1
    assert item.templates[0].clicks == 4
    assert 0.45 <= item.threshold <= 0.9
    assert item.consistency > 0.9


def test_a_fault_is_learned_by_its_look():
    values, places, samples = _prepared(shape=SQUARE, fault=True, rotation_deg=0, size=320)
    model = fit([values], _clicks(places[10:120:15], "SF"), {"SF": "line"}, samples)
    assert model.classes[0].templates
    assert model.classes[0].kind == "line"


def test_a_general_boundary_is_learned_by_its_anomaly():
    values, places, samples = _prepared(size=384, spacing=10, grain_deg=17)
    model = fit([values], _clicks(places[5::25], "GB"), {"GB": "line"}, samples)
    (item,) = model.classes
    assert item.templates == ()
    assert item.anomaly > 1.3


def test_bulk_clicks_on_a_defect_become_negatives_and_on_bulk_do_not():
    values, places, samples = _prepared(missing=8)
    between = np.array(values.shape) / 2
    assert np.hypot(*(places - between).T).min() > samples
    bulk = _clicks([places[5], between], BULK)
    model = fit([values], _clicks(places[:3]) + bulk, {"Vac": "point"}, samples)
    assert len(model.negatives) == 1


def test_bulk_clicks_beside_defects_teach_nothing():
    values, places, samples = _prepared(missing=8)
    beside = _clicks(places + np.array([0.0, 0.6 * samples]), BULK)
    model = fit([values], _clicks(places[:3]) + beside, {"Vac": "point"}, samples)
    assert model.negatives == ()


def test_given_thresholds_are_used():
    values, places, samples = _prepared(missing=8)
    model = fit([values], _clicks(places[:3]), {}, samples, thresholds={"Vac": 0.61})
    assert model.classes[0].threshold == 0.61


def test_two_looks_of_one_class_make_two_templates():
    values, places, samples = _prepared(missing=8)
    mixed = values.copy()
    for y, x in np.rint(places[4:]).astype(int):
        mixed[y - 12 : y + 13, x - 12 : x + 13] *= -1
    clicks = _clicks([*places[:4], *places[4:7]])
    model = fit([mixed], clicks, {"Vac": "point"}, samples)
    assert len(model.classes[0].templates) == 2


def test_missed_clicks_that_are_alike_make_a_template_of_their_own(monkeypatch):
    """Two of eight show the inverted defect; as if neither were an outlier among the others."""
    monkeypatch.setattr(templates, "_OUTLIER", -10.0)
    values, places, samples = _prepared(missing=12)
    mixed = values.copy()
    for y, x in np.rint(places[8:]).astype(int):
        mixed[y - 12 : y + 13, x - 12 : x + 13] *= -1
    clicks = _clicks([*places[:6], *places[8:10]])
    (item,) = fit([mixed], clicks, {"Vac": "point"}, samples).classes
    assert len(item.templates) == 2
    found = [best_similarity(mixed, item.templates)[round(y), round(x)] for y, x in places[8:]]
    assert min(found) > item.threshold


@pytest.mark.parametrize(("good", "wrong"), [(8, 2), (5, 2), (12, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_clicks_on_perfect_crystal_do_not_make_it_a_defect(good: int, wrong: int, seed: int):
    values, places, samples = _prepared(shape=SQUARE, size=400, missing=30, seed=seed)
    rng = np.random.default_rng(seed)
    anywhere = rng.uniform(40, np.array(values.shape) - 40, (200, 2))
    apart = np.hypot(*(anywhere[:, None] - places).T).min(axis=0) > 2 * samples
    clicks = _clicks([*places[:good], *anywhere[apart][:wrong]])
    (item,) = fit([values], clicks, {"Vac": "point"}, samples).classes
    heights = local_maxima(best_similarity(values, item.templates), 0.35 * samples)[1]
    assert (heights >= item.threshold).sum() == 30


def test_fainter_clicks_in_another_image_leave_the_class_its_look():
    clear, places, samples = _prepared(missing=12)
    faint, others, _ = _prepared(missing=12, seed=3)
    clicks = _clicks(places[:8])
    clicks += [Click(1, float(y), float(x), "Vac") for y, x in others[:4]]
    (item,) = fit([clear, (0.5 * faint).astype(np.float32)], clicks, {}, samples).classes
    assert item.templates


@pytest.mark.parametrize("place", [(-5.0, 10.0), (10.0, 5000.0)])
def test_a_click_outside_is_refused(place):
    values, _, samples = _prepared()
    with pytest.raises(InputError, match="outside"):
        fit([values], _clicks([place]), {}, samples)


def test_bulk_alone_is_refused():
    values, _, samples = _prepared()
    with pytest.raises(InputError, match="no click shows a defect"):
        fit([values], _clicks([(40, 40)], BULK), {}, samples)


def test_a_click_in_the_middle_of_a_large_area_teaches_how_unusual_its_rim_is():
    y, x = np.mgrid[:300, :300]
    away = np.hypot(y - 150, x - 150)
    values = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(300, 300)), 0.8)
    values /= values.std()
    values += 5 * np.exp(-(((away - 40) / 5) ** 2)) * np.cos(x)
    (item,) = fit(
        [values.astype(np.float32)], _clicks([(150, 150)], "P"), {"P": "area"}, 7.0
    ).classes
    assert not item.is_hidden
    assert item.anomaly > 1.8
