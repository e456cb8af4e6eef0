"""Which of several classes holds a place that looks like more than one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.matched_filter.competition import compete
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.like_sites import SiteFilter
from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel
from napari_stem_defects.matched_filter.similarity import best_similarity
from napari_stem_defects.matched_filter.templates import REACH, Template, gaussian_weight

SAMPLES = 7.0
MISSING = np.array([[30.0, 30], [30, 110], [110, 30], [150, 150], [110, 110]])
DIM = np.array([[70.0, 70], [70, 150], [150, 70], [30, 170], [170, 30]])
FIRST, SECOND = 50, 130
"""Rows of two faults."""


def spots() -> np.ndarray:
    """Return noise with missing columns, and dim ones that show 0.4 of the same residual."""
    values = np.random.default_rng(0).normal(size=(200, 200))
    y, x = np.mgrid[:200, :200]
    for places, height in ((MISSING, -15.0), (DIM, -6.0)):
        for at in places:
            values += height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 8)
    return values.astype(np.float32)


def faults() -> np.ndarray:
    """Return noise with two faults of one look, the second twice as strong."""
    values = np.random.default_rng(1).normal(size=(180, 200))
    y, x = np.mgrid[:180, :200]
    for row, height in ((FIRST, 3.0), (SECOND, 6.0)):
        across = np.exp(-((y - row) ** 2) / (2 * 6.0**2)) * np.cos(np.pi * (y - row) / 7)
        values += height * across * np.cos(2 * np.pi * x / SAMPLES)
    return values.astype(np.float32)


def found(image: np.ndarray, model: MatchedFilterModel) -> dict[str, np.ndarray]:
    """Return where each class is found."""
    similar = [best_similarity(image, item.templates) for item in model.classes]
    compete(similar, image, model)
    pairs = zip(model.classes, similar, strict=True)
    return {item.name: values >= item.threshold for item, values in pairs}


def near(places: np.ndarray, mask: np.ndarray) -> list[bool]:
    at = np.rint(places).astype(int)
    return [bool(mask[y - 2 : y + 3, x - 2 : x + 3].any()) for y, x in at]


def clicked(**places: np.ndarray) -> list[Click]:
    return [Click(0, y, x, name) for name, each in places.items() for y, x in each]


@pytest.mark.parametrize("count", [1, 3])
def test_a_stronger_defect_of_the_same_look_has_its_own_name(count):
    image = spots()
    model = fit([image], clicked(Dim=DIM[:count], Missing=MISSING[:count]), {}, SAMPLES)
    masks = found(image, model)
    assert near(DIM, masks["Dim"]) == near(MISSING, masks["Missing"]) == [True] * 5
    assert not any(near(MISSING, masks["Dim"]) + near(DIM, masks["Missing"]))


def test_one_class_alone_takes_what_is_stronger_as_well():
    """One click on a faint vacancy finds all: nothing states that the others are another kind."""
    image = spots()
    masks = found(image, fit([image], clicked(Dim=DIM[:3]), {}, SAMPLES))
    assert near(MISSING, masks["Dim"]) == [True] * 5


def test_a_bulk_click_on_the_stronger_defect_takes_its_like_away():
    image = spots()
    clicks = clicked(Dim=DIM[:3], Bulk=MISSING[:1])
    masks = found(image, fit([image], clicks, {}, SAMPLES))
    assert near(DIM, masks["Dim"]) == [True] * 5
    assert not any(near(MISSING, masks["Dim"]))


def test_a_bulk_click_on_the_defect_itself_takes_that_place_alone_away():
    image = spots()
    clicks = clicked(Missing=MISSING[:3], Bulk=MISSING[3:4])
    masks = found(image, fit([image], clicks, {}, SAMPLES))
    assert near(MISSING, masks["Missing"]) == [True, True, True, False, True]


@pytest.mark.parametrize("count", [1, 4])
def test_bulk_clicks_on_a_fainter_defect_take_no_stronger_one_away(count):
    image = spots()
    clicks = clicked(Missing=MISSING[:3], Bulk=DIM[:count])
    masks = found(image, fit([image], clicks, {}, SAMPLES))
    assert near(MISSING, masks["Missing"]) == [True] * 5
    assert not any(near(DIM, masks["Missing"]))


def test_many_bulk_clicks_take_no_defect_away():
    """On the crystal, and a column away from defects, whose flank they show."""
    image = spots()
    y, x = np.mgrid[10:200:9, 10:200:9]
    crystal = np.column_stack([y.ravel(), x.ravel()]).astype(float)
    crystal = crystal[np.hypot(*(crystal[:, None] - MISSING).T).min(axis=0) > 0.5 * SAMPLES]
    beside = MISSING + np.array([0.58 * SAMPLES, 0])
    bulk = np.concatenate([crystal, beside, beside[:, ::-1]])
    model = fit([image], clicked(Missing=MISSING[:3], Bulk=bulk), {}, SAMPLES)
    assert near(MISSING, found(image, model)["Missing"]) == [True] * 5


def test_each_of_two_faults_of_one_look_has_its_own_name_along_all_of_it():
    image, columns = faults(), np.arange(40.0, 110, 11)
    first, second = (
        np.column_stack([np.full(len(columns), row), columns]) for row in (FIRST, SECOND)
    )
    model = fit([image], clicked(F=first, G=second), {"F": "line", "G": "line"}, SAMPLES)
    assert all(item.templates for item in model.classes)
    masks = found(image, model)
    along = slice(20, 180)
    for name, own, other in (("F", FIRST, SECOND), ("G", SECOND, FIRST)):
        places = np.flatnonzero(masks[name][own - 5 : own + 6, along].any(axis=0))
        assert np.diff(places, prepend=0, append=160).max() < 2 * SAMPLES
        assert not masks[name][other - 14 : other + 15, along].any()


def test_a_class_with_like_sites_keeps_a_place_where_it_is_clearer():
    """Both are compared on the scale of templates: half-way above a limit is more than below."""
    first, second = (
        ClassFilter(name, "point", _templates(seed), 0.7, 3.0, 0.9, template_threshold=0.7)
        for seed, name in enumerate("AB")
    )
    pattern = np.zeros((3, 3), np.float32)
    sited = replace(first, sites=(SiteFilter(pattern, pattern),), threshold=0.5)
    similar = [np.full((40, 40), value, np.float32) for value in (0.55, 0.65)]
    residual = np.zeros((40, 40), np.float32)
    compete(similar, residual, MatchedFilterModel(7.0, (sited, second)))
    assert similar[0].min() == np.float32(0.55)
    assert similar[1].max() == 0


def _templates(seed):
    weight = gaussian_weight(7.0, REACH["point"])
    pattern = np.random.default_rng(seed).normal(size=weight.shape).astype(np.float32)
    return (Template(pattern, weight, 1.0, 1),)
