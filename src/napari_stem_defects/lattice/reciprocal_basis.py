"""Basis of a reciprocal lattice from the positions of reflections."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_REDUCTIONS = 20


def best_basis(positions: Array, weights: Array, bin_size: float) -> tuple[Array | None, float]:
    """Return the pair of peaks whose lattice explains most peaks, corrected for coincidence.

    A pair must be the shortest basis of its lattice. Denser lattices, such as that of two twins
    together, explain more peaks, but their shortest vectors are no peaks.

    Parameters
    ----------
    positions : ndarray of float64, shape (N, 2)
        Peaks of half the spectrum as y, x in cycles per px.
    weights : ndarray of float64, shape (N,)
        Weight of each peak.
    bin_size : float
        Size of a bin of the spectrum in cycles per px.

    Returns
    -------
    basis : ndarray of float64, shape (2, 2), or None
        Rows are vectors; None where no pair of peaks is a basis.
    share : float
        Fraction of the weight of all peaks that the basis explains.
    """
    pairs = np.array(list(combinations(range(len(positions)), 2)), np.intp).reshape(-1, 2)
    bases = positions[pairs]
    shorter = (bases**2).sum(axis=2).min(axis=1)
    bases = bases[np.abs((bases[:, 0] * bases[:, 1]).sum(axis=1)) <= 0.55 * shorter]
    # All pairs at once; those that are left are far from parallel.
    shares = explained_peaks(bases, positions, bin_size) @ weights / weights.sum()
    expected_by_chance = np.pi * (2 * bin_size) ** 2 / np.abs(np.linalg.det(bases))
    scores = shares * (1 - np.minimum(expected_by_chance, 1.0))
    best, best_score, best_share = None, 0.0, 0.0
    for number, score in enumerate(scores.tolist()):
        if score > best_score + 1e-9:
            best, best_score, best_share = bases[number], score, float(shares[number])
    return best, best_share


def explained_peaks(basis: Array, positions: Array, bin_size: float) -> NDArray[np.bool_]:
    """Return which peaks are integer combinations of the basis, within scan distortion.

    Parameters
    ----------
    basis : ndarray of float64, shape (..., 2, 2)
        Rows are vectors (y, x) in cycles per px.
    positions : ndarray of float64, shape (N, 2)
        Peaks in cycles per px.
    bin_size : float
        Size of a bin of the spectrum in cycles per px.

    Returns
    -------
    ndarray of bool, shape (..., N)
    """
    order = np.rint(positions @ np.linalg.inv(basis))
    left = positions - order @ basis
    away = np.hypot(left[..., 0], left[..., 1])
    return np.asarray(away < 1.2 * bin_size + 0.015 * np.hypot(*positions.T))


def refine_basis(basis: Array, positions: Array, weights: Array, bin_size: float) -> Array:
    """Fit a basis to all peaks that it explains.

    Parameters
    ----------
    basis : ndarray of float64, shape (2, 2)
        Rows are vectors (y, x) in cycles per px.
    positions : ndarray of float64, shape (N, 2)
        Peaks in cycles per px.
    weights : ndarray of float64, shape (N,)
        Weight of each peak.
    bin_size : float
        Size of a bin of the spectrum in cycles per px.

    Returns
    -------
    ndarray of float64, shape (2, 2)
    """
    for _ in range(2):
        hit = explained_peaks(basis, positions, bin_size)
        order = np.rint(positions @ np.linalg.inv(basis))[hit]
        root = np.sqrt(weights[hit])[:, None]
        fitted, *_ = np.linalg.lstsq(order * root, positions[hit] * root, rcond=None)
        if abs(np.linalg.det(fitted)) < 0.5 * abs(np.linalg.det(basis)):
            break
        basis = fitted
    return basis


def reduce_basis(basis: Array) -> Array:
    """Return the shortest basis of the same lattice (Gauss reduction), shortest vector first.

    Parameters
    ----------
    basis : ndarray of float64, shape (2, 2)
        Rows are linearly independent vectors.

    Returns
    -------
    ndarray of float64, shape (2, 2)
    """
    a, b = basis
    while True:
        if a @ a > b @ b:
            a, b = b, a
        turns = np.rint((a @ b) / (a @ a))
        if turns == 0:
            return np.stack([a, b])
        b = b - turns * a
        if b @ b >= a @ a:
            return np.stack([a, b])


def reduce_bases(bases: Array) -> Array:
    """Return the shortest basis of each of many lattices, shortest vector first.

    Parameters
    ----------
    bases : ndarray of float64, shape (N, 2, 2)
        Rows of each are linearly independent vectors.

    Returns
    -------
    ndarray of float64, shape (N, 2, 2)
        With an angle of at most 90 degrees.
    """
    a, b = bases[:, 0], bases[:, 1]
    for _ in range(_REDUCTIONS):
        swap = ((a**2).sum(axis=1) > (b**2).sum(axis=1))[:, None]
        a, b = np.where(swap, b, a), np.where(swap, a, b)
        turns = np.rint((a * b).sum(axis=1) / (a**2).sum(axis=1))
        if not turns.any():
            break
        b = b - turns[:, None] * a
    acute = ((a * b).sum(axis=1) >= 0)[:, None]
    return np.stack([a, np.where(acute, b, -b)], axis=1)


def same_lattice(first: Array, second: Array, tolerance: float = 0.04) -> bool:
    """Return whether two bases span the same lattice, orientation included.

    Parameters
    ----------
    first, second : ndarray of float64, shape (2, 2)
        Rows are vectors.
    tolerance : float
        Largest difference of a vector, as a fraction of its length.

    Returns
    -------
    bool
    """
    order = np.rint(second @ np.linalg.inv(first))
    if abs(np.linalg.det(order)) < 0.5 or abs(np.linalg.det(order)) > 1.5:
        return False
    away = np.hypot(*(second - order @ first).T)
    return bool((away < tolerance * np.hypot(*second.T)).all())
