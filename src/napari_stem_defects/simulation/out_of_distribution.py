"""What an ensemble should not claim to know: amorphous films, other lattices, borders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MARGIN_PX = 30


def amorphous_film(size: int, spacing_px: float, rng: np.random.Generator) -> Array:
    """Return the atoms of an amorphous film, shape (N, 3): y, x in px, brightness.

    A grid of the right density is shaken until no order is left, which keeps the atoms from
    clumping as much as independent ones would.
    """
    ticks = np.arange(-_MARGIN_PX, size + _MARGIN_PX, spacing_px)
    y, x = np.meshgrid(ticks, ticks, indexing="ij")
    points = np.stack([y.ravel(), x.ravel()], axis=1)
    points = points + rng.normal(0, 0.4 * spacing_px, points.shape)
    return np.column_stack([points, rng.uniform(0.3, 1.0, len(points))])


def border(size: int, softness_px: float, rng: np.random.Generator) -> Array:
    """Return an envelope that ends along a random line: 1 on one side, 0 on the other; (Y, X)."""
    angle = rng.uniform(0, 2 * np.pi)
    ticks = np.arange(size) - size / 2
    height = np.cos(angle) * ticks[:, None] + np.sin(angle) * ticks[None, :]
    height = height - rng.uniform(-0.35, 0.35) * size
    return np.asarray(1 / (1 + np.exp(np.clip(height / softness_px, -50, 50))))


LATTICES: tuple[str, ...] = ("square", "hexagonal", "honeycomb", "perovskite", "oblique")


def chance_crystal(size: int, period_px: float, rng: np.random.Generator) -> Array:
    """Return the columns of a lattice nobody chose, shape (N, 3): y, x in px, brightness.

    One to four columns of any brightness anywhere in an oblique cell.
    """
    columns = rng.integers(1, 5)
    basis = np.column_stack([rng.random((columns, 2)), rng.uniform(0.2, 1.0, columns)])
    turn = rng.uniform(0, 2 * np.pi) + np.radians([0, rng.uniform(55, 125)])
    periods = period_px * np.array([[1.0], [rng.uniform(0.6, 1.7)]])
    vectors = np.stack([np.sin(turn), np.cos(turn)], axis=1) * periods
    return _repeated(basis, vectors, size, int(np.ceil(2 * size / periods.min())))


def flat_lattice(kind: str, size: int, period_px: float, rng: np.random.Generator) -> Array:
    """Return the columns of a two-dimensional lattice, shape (N, 3): y, x in px, brightness."""
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
    return _repeated(np.array(basis), vectors, size, count)


def _repeated(basis: Array, vectors: Array, size: int, count: int) -> Array:
    """Return the columns of ``count`` cells to every side that lie in or near the image."""
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
