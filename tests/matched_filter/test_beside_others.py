"""Sides of one defect that look like another."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.beside_others import left_beside_others
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.similarity import best_similarity

SAMPLES = 7.0
SPOT = 1.6
SIDE = np.array([0.0, 6.0])
"""Distance in samples of the sides of a core from its centre."""
VACANCIES = np.array([[40.0, 40], [40, 160], [160, 40], [160, 160], [100, 30], [30, 100]])
CORES = np.array([[70.0, 70], [130, 130], [70, 130], [130, 70]])


def residual(vacancies: np.ndarray = VACANCIES, cores: np.ndarray = CORES) -> np.ndarray:
    """Return noise with vacancies, and cores: an added column between two vacancies."""
    values = np.random.default_rng(0).normal(size=(200, 200))
    spots = [(y, x, -8.0) for y, x in vacancies]
    for y, x in cores:
        spots += [(y, x, 12.0), (y, x - SIDE[1], -7.0), (y, x + SIDE[1], -7.0)]
    rows, columns = np.mgrid[:200, :200]
    for y, x, height in spots:
        values += height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * SPOT**2))
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def model():
    clicks = [Click(0, y, x, "Vac") for y, x in VACANCIES]
    clicks += [Click(0, y, x, "Core") for y, x in CORES]
    return fit([residual()], clicks, {}, SAMPLES)


def found(model, image: np.ndarray) -> np.ndarray:
    """Return the similarity to vacancies without other defects."""
    own = {n: best_similarity(image, item.templates) for n, item in enumerate(model.classes)}
    names = [item.name for item in model.classes]
    vacancy = names.index("Vac")
    similar = own[vacancy]
    for number, beside, left in left_beside_others(image, own, model):
        if number == vacancy:
            similar = np.where(beside, np.minimum(similar, left), similar)
    return similar


def highest(similar: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.array(
        [similar[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].max() for y, x in at]
    )


def test_sides_of_a_core_are_no_vacancies(model):
    image = residual()
    sides = np.concatenate([CORES - SIDE, CORES + SIDE])
    before = best_similarity(image, model.classes[1].templates)
    assert model.classes[1].name == "Vac"
    assert (highest(before, sides) > 0.6).all()
    after = found(model, image)
    assert (highest(after, sides) < 0.4).all()
    assert (highest(after, VACANCIES) > 0.9).all()


def test_a_vacancy_beside_a_core_is_one(model):
    near = CORES + np.array([10.0, 0.0])
    image = residual(vacancies=np.concatenate([VACANCIES, near]))
    limit = next(item for item in model.classes if item.name == "Vac").template_limit
    assert (highest(found(model, image), near) > limit).all()


def test_classes_alone_have_nothing_beside_them(model):
    image = residual()
    own = {0: best_similarity(image, model.classes[0].templates)}
    assert not list(left_beside_others(image, own, model))
    quiet = {0: np.zeros_like(image), 1: np.zeros_like(image)}
    assert not list(left_beside_others(image, quiet, model))
