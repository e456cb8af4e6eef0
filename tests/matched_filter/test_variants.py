"""Variants of a point defect that look different."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.similarity import best_similarity, local_maxima

SAMPLES = 7.0
GRID = np.array([(y, x) for y in range(40, 361, 80) for x in range(40, 361, 80)], float)


def crystal(variants: np.ndarray) -> np.ndarray:
    """Return noise with pairs of a bright and a dark spot, turned by quarters, at the grid."""
    values = np.random.default_rng(0).normal(size=(400, 400))
    rows, columns = np.mgrid[:400, :400]
    for (y, x), variant in zip(GRID, variants, strict=True):
        turn = np.exp(0.5j * np.pi * variant)
        for side in (1, -1):
            at = y + side * 3 * turn.imag, x + side * 3 * turn.real
            spot = np.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / 5)
            values += side * 10 * spot
    return values.astype(np.float32)


def learned(variants: np.ndarray, clicked: list[int], places: np.ndarray = GRID):
    clicks = [Click(0, *places[n], "Core") for n in clicked]
    return fit([crystal(variants)], clicks, {}, SAMPLES).classes[0]


def found(item, variants: np.ndarray) -> np.ndarray:
    similar = best_similarity(crystal(variants), item.templates)
    at, heights = local_maxima(similar, 0.5 * SAMPLES)
    return at[heights >= item.threshold]


@pytest.mark.parametrize("clicked", [[0, 2, 4, 6, 1], [0, 1, 2, 3, 4, 5, 6]])
def test_a_single_click_on_another_variant_finds_its_like(clicked):
    variants = np.arange(len(GRID)) % 2
    places = found(learned(variants, clicked), variants)
    assert len(places) == len(GRID)
    assert (np.hypot(*(places[:, None] - GRID).T).min(axis=1) < 0.5 * SAMPLES).all()


def test_a_group_of_clicks_is_learned_where_all_together_are_not_alike():
    variants = np.arange(len(GRID)) % 4
    item = learned(variants, [0, 1, 2, 3, 4, 5, 6, 7])
    assert item.templates
    near = np.hypot(*(found(item, variants)[:, None] - GRID).T).min(axis=1)
    assert (near < SAMPLES).mean() > 0.9


def test_a_click_on_perfect_crystal_is_no_variant():
    variants = np.zeros(len(GRID))
    places = GRID.copy()
    places[4] = (80, 320)
    item = learned(variants, [0, 1, 2, 3, 4], places)
    assert len(item.templates) == 1
    assert len(found(item, variants)) == len(GRID)


@pytest.mark.parametrize("wrong", [1, 2])
def test_few_unlike_clicks_of_many_are_no_variant(wrong):
    """Labels of thousands of columns hold some that are wrong."""
    variants = np.zeros(len(GRID))
    variants[:wrong] = 1
    clicked = [*range(len(GRID)), *range(wrong, len(GRID))]  # each place twice, but the wrong ones
    item = learned(variants, clicked)
    assert [template.clicks for template in item.templates] == [len(clicked) - wrong]
    near = np.hypot(*(found(item, variants)[:, None] - GRID).T).min(axis=0)
    assert (near[wrong:] < 0.5 * SAMPLES).all()
