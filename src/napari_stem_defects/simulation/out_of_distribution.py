"""Out-of-distribution content of simulated scenes: amorphous films, other lattices, edges.

An ensemble should assign none of its defect classes to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MARGIN_PX = 30


def amorphous_film(size: int, spacing_px: float, rng: np.random.Generator) -> Array:
    """Draw the atoms of an amorphous film.

    The points of a square grid are displaced randomly until no order remains. They cluster less
    than independent points would.

    Parameters
    ----------
    size : int
        Height and width of the image in px.
    spacing_px : float
        Mean distance between atoms in px.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (N, 3)
        y and x in px, and brightness.
    """
    ticks = np.arange(-_MARGIN_PX, size + _MARGIN_PX, spacing_px)
    y, x = np.meshgrid(ticks, ticks, indexing="ij")
    points = np.stack([y.ravel(), x.ravel()], axis=1)
    points = points + rng.normal(0, 0.4 * spacing_px, points.shape)
    return np.column_stack([points, rng.uniform(0.3, 1.0, len(points))])


def crystal_edge(size: int, softness_px: float, rng: np.random.Generator) -> Array:
    """Draw an envelope that ends along a random line.

    Parameters
    ----------
    size : int
        Height and width of the image in px.
    softness_px : float
        Width of the edge in px.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (Y, X)
        1 on one side of the line, 0 on the other.
    """
    angle = rng.uniform(0, 2 * np.pi)
    ticks = np.arange(size) - size / 2
    height = np.cos(angle) * ticks[:, None] + np.sin(angle) * ticks[None, :]
    height = height - rng.uniform(-0.35, 0.35) * size
    return np.asarray(1 / (1 + np.exp(np.clip(height / softness_px, -50, 50))))


LATTICE_TYPES: tuple[str, ...] = ("square", "hexagonal", "honeycomb", "perovskite", "oblique")
"""Types of two-dimensional lattices that `lattice_2d` generates."""


def random_lattice(size: int, period_px: float, rng: np.random.Generator) -> Array:
    """Draw a random lattice: one to four columns at random in an oblique unit cell.

    Parameters
    ----------
    size : int
        Height and width of the image in px.
    period_px : float
        Length of the first lattice vector in px.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (N, 3)
        y and x of the columns in px, and brightness.
    """
    columns = rng.integers(1, 5)
    basis = np.column_stack([rng.random((columns, 2)), rng.uniform(0.2, 1.0, columns)])
    turn = rng.uniform(0, 2 * np.pi) + np.radians([0, rng.uniform(55, 125)])
    periods = period_px * np.array([[1.0], [rng.uniform(0.6, 1.7)]])
    vectors = np.stack([np.sin(turn), np.cos(turn)], axis=1) * periods
    return _repeat(basis, vectors, size, int(np.ceil(2 * size / periods.min())))


def lattice_2d(kind: str, size: int, period_px: float, rng: np.random.Generator) -> Array:
    """Draw a two-dimensional lattice of a given type in a random direction.

    Parameters
    ----------
    kind : str
        One of `LATTICE_TYPES`.
    size : int
        Height and width of the image in px.
    period_px : float
        Length of the first lattice vector in px.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (N, 3)
        y and x of the columns in px, and brightness.
    """
    ratio, angle = 1.0, 90.0 if kind in ("square", "perovskite") else 120.0
    if kind == "oblique":
        ratio, angle = rng.uniform(0.7, 1.5), rng.uniform(65, 115)
    basis = [(0.0, 0.0, 1.0)]
    if kind == "honeycomb":
        basis = [(1 / 3, 2 / 3, 1.0), (2 / 3, 1 / 3, rng.uniform(0.2, 0.6))]
    elif kind == "perovskite":
        basis += [(0.5, 0.5, rng.uniform(0.2, 0.8))]
    turn = rng.uniform(0, 2 * np.pi) + np.radians([0, angle])
    vectors = np.stack([np.sin(turn), np.cos(turn)], axis=1) * [[period_px], [period_px * ratio]]
    count = int(np.ceil(1.6 * size / (period_px * min(ratio, 1))))
    return _repeat(np.array(basis), vectors, size, count)


def _repeat(basis: Array, vectors: Array, size: int, count: int) -> Array:
    """Repeat a cell ``count`` times to every side; return the columns in or near the image."""
    i, j = np.meshgrid(np.arange(-count, count), np.arange(-count, count))
    cells = np.stack([i.ravel(), j.ravel()], axis=1)
    columns = np.concatenate(
        [
            np.column_stack(
                [(cells + np.array([u, v])) @ vectors + size / 2, np.full(len(cells), w)]
            )
            for u, v, w in basis
        ]
    )
    near = np.all((columns[:, :2] > -_MARGIN_PX) & (columns[:, :2] < size + _MARGIN_PX), axis=1)
    return columns[near]
