"""Places that repeat along the lattice are told from a crowd at random."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.ordered_places import are_ordered

LATTICE = np.array([(7.0, 0.5), (-1.0, 8.0)])
SHAPE = 150, 170
SAMPLES = 7.4


def sites(step: int = 1) -> np.ndarray:
    orders = np.stack(np.mgrid[-40:41:step, -40:41], axis=-1).reshape(-1, 2)
    if step == 1:
        orders = orders[(orders.sum(axis=1) % 2) == 0]
    at = np.rint(orders @ LATTICE + 3).astype(int)
    return at[((at >= 0) & (at < SHAPE)).all(axis=1)]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_every_second_or_third_site_is_ordered(step):
    rng = np.random.default_rng(0)
    places = sites(step)
    places = places[rng.random(len(places)) > 0.1]
    assert are_ordered(places, [LATTICE], SHAPE, SAMPLES)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_sites_at_random_are_not_ordered(share):
    rng = np.random.default_rng(1)
    orders = np.stack(np.mgrid[-40:41, -40:41], axis=-1).reshape(-1, 2)
    at = np.rint(orders @ LATTICE + 3).astype(int)
    at = at[((at >= 0) & (at < SHAPE)).all(axis=1)]
    assert not are_ordered(at[rng.random(len(at)) < share], [LATTICE], SHAPE, SAMPLES)


def test_a_row_is_no_order_of_two_directions():
    places = np.rint(np.arange(12)[:, None] * LATTICE[0] + (5, 60)).astype(int)
    assert not are_ordered(places, [LATTICE], SHAPE, SAMPLES)


def test_without_places_or_lattice_nothing_is_ordered():
    assert not are_ordered(np.zeros((0, 2), int), [LATTICE], SHAPE, SAMPLES)
    assert not are_ordered(sites(), [], SHAPE, SAMPLES)
