"""Amorphous films, other lattices and crystal edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_stem_defects.simulation.out_of_distribution import (
    LATTICE_TYPES,
    amorphous_film,
    crystal_edge,
    lattice_2d,
    random_lattice,
)

SIZE = 200


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_an_amorphous_film_has_its_density_and_no_order() -> None:
    film = amorphous_film(SIZE, 8.0, rng())
    inside = film[np.all((film[:, :2] >= 0) & (film[:, :2] < SIZE), axis=1)]
    assert len(inside) == pytest.approx((SIZE / 8) ** 2, rel=0.1)
    assert 0.3 <= film[:, 2].min() < film[:, 2].max() <= 1
    order = np.abs(np.exp(2j * np.pi * inside[:, :2] / 8.0).mean(axis=0))
    assert order.max() < 0.15


@pytest.mark.parametrize("seed", range(5))
def test_a_crystal_edge_falls_from_one_to_zero(seed: int) -> None:
    envelope = crystal_edge(SIZE, 2.0, rng(seed))
    assert envelope.shape == (SIZE, SIZE)
    assert envelope.max() > 0.99
    assert envelope.min() < 0.01
    between = (envelope > 0.1) & (envelope < 0.9)
    assert between.mean() < 0.1


def test_a_softer_edge_is_wider() -> None:
    widths = [
        ((envelope > 0.1) & (envelope < 0.9)).sum()
        for envelope in (crystal_edge(SIZE, softness, rng()) for softness in (1.0, 8.0))
    ]
    assert widths[1] > 4 * widths[0]


@pytest.mark.parametrize("kind", LATTICE_TYPES)
def test_a_lattice_repeats_and_fills_the_image(kind: str) -> None:
    columns = lattice_2d(kind, SIZE, 12.0, rng(3))
    position = columns[:, :2]
    tree = cKDTree(position)
    corners = [(0, 0), (0, SIZE), (SIZE, 0), (SIZE, SIZE), (SIZE / 2, SIZE / 2)]
    assert tree.query(corners)[0].max() < 12 * 1.5
    first = position[columns[:, 2] == 1][0]
    same = position[columns[:, 2] == 1]
    vectors = same[np.argsort(np.hypot(*(same - first).T))][1:3] - first
    inner = same[np.all((same > 40) & (same < SIZE - 40), axis=1)]
    if kind != "honeycomb":  # of which the two sites may be equally bright
        for vector in vectors:
            assert tree.query(inner + vector)[0].max() < 1e-6


def test_a_honeycomb_has_two_columns_in_a_cell() -> None:
    columns = lattice_2d("honeycomb", SIZE, 12.0, rng())
    assert len(np.unique(columns[:, 2])) == 2
    assert np.sum(columns[:, 2] == 1) == pytest.approx(np.sum(columns[:, 2] != 1), rel=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_a_random_lattice_has_one_to_four_columns_in_a_cell(seed: int) -> None:
    columns = random_lattice(SIZE, 15.0, rng(seed))
    assert 1 <= len(np.unique(columns[:, 2])) <= 4
    assert columns[:, 2].min() >= 0.2
    assert columns[:, 2].max() <= 1
    assert columns[:, :2].min() > -31
    assert columns[:, :2].max() < SIZE + 31


def test_random_lattices_differ() -> None:
    counts = {len(np.unique(random_lattice(SIZE, 15.0, rng(seed))[:, 2])) for seed in range(20)}
    assert len(counts) > 2
