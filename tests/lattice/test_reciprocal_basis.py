"""A basis is found among peaks, fitted, reduced and compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.lattice.reciprocal_basis import (
    best_basis,
    explained_peaks,
    reduce_bases,
    reduce_basis,
    refine_basis,
    same_lattice,
)

BIN = 1 / 256
BASIS = np.array([[0.08, 0.01], [-0.02, 0.09]])
ORDERS = np.array([(1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2), (2, 1)])


def test_the_basis_of_exact_peaks_is_found_in_spite_of_others() -> None:
    peaks = np.vstack([ORDERS @ BASIS, [[0.031, 0.222]]])
    basis, share = best_basis(peaks, np.ones(len(peaks)), BIN)
    assert basis is not None
    assert same_lattice(basis, BASIS, 1e-6)
    assert share == pytest.approx(7 / 8)
    assert explained_peaks(basis, peaks, BIN).tolist() == [True] * 7 + [False]


def test_refining_averages_errors() -> None:
    rng = np.random.default_rng(0)
    peaks = ORDERS @ BASIS + rng.normal(0, 0.2 * BIN, (len(ORDERS), 2))
    refined = refine_basis(peaks[:2], peaks, np.ones(len(peaks)), BIN)
    assert np.abs(refined - BASIS).max() < np.abs(peaks[:2] - BASIS).max()


@given(a=st.integers(-3, 3), b=st.integers(-3, 3))
def test_reduction_returns_to_the_shortest_vectors(a: int, b: int) -> None:
    skewed = np.array([[1, a], [b, 1 + a * b]]) @ BASIS
    reduced = reduce_basis(skewed)
    assert np.hypot(*reduced.T) == pytest.approx(np.sort(np.hypot(*BASIS.T)))
    assert same_lattice(reduced, BASIS, 1e-9)


def test_turned_and_finer_lattices_are_others() -> None:
    turn = np.array([[0.94, 0.342], [-0.342, 0.94]])
    assert not same_lattice(BASIS, BASIS @ turn)
    assert not same_lattice(BASIS, BASIS / 2)
    assert same_lattice(BASIS, BASIS * 1.02)


def test_many_bases_are_reduced_as_one_is() -> None:
    rng = np.random.default_rng(0)
    bases = rng.normal(size=(50, 2, 2))
    for given_basis, reduced in zip(bases, reduce_bases(bases), strict=True):
        lengths = np.linalg.norm(reduced, axis=1)
        assert lengths == pytest.approx(np.linalg.norm(reduce_basis(given_basis), axis=1))
        assert reduced[0] @ reduced[1] >= -1e-12
        assert same_lattice(given_basis, reduced)
