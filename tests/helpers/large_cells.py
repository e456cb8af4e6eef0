"""Images of crystals with many columns in a unit cell, at random places."""

from __future__ import annotations

import numpy as np
from crystal_images import Array, CrystalImage, columns, render

_APART = 0.8
"""Least distance of two columns in mean spacings."""
_HEIGHTS = (0.4, 0.7, 1.0)


def many_columns(
    count: int,
    *,
    spacing: float = 9.0,
    size: int = 420,
    ratio: float = 1.2,
    rotation_deg: float = 0.0,
    vacancies: int = 0,
    shift: float = 0.0,
    sigma: float = 0.18,
    counts: float = 400.0,
    motif: int = 0,
    seed: int = 0,
) -> CrystalImage:
    """Draw a crystal whose cell has some columns at random places, of three heights.

    A third of the height is left of columns at ``vacancies`` cells, always the same one of the
    cell; the lower half is shifted by a share of the first base vector. ``sigma`` is the width of a
    column in spacings.
    """
    rng = np.random.default_rng(seed)
    width = spacing * np.sqrt(count / ratio)
    turn = np.radians(rotation_deg)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    vectors = np.diag([ratio * width, width]) @ axes
    places, heights = _motif(count, vectors, spacing, motif)
    cells = columns(vectors, size)
    positions = (cells[:, None] + places @ vectors).reshape(-1, 2)
    height = np.tile(heights, len(cells))
    defects = np.zeros((0, 2))
    if vacancies:
        site = np.arange(len(positions)) % count == int(heights.argmax())
        inner = ((positions > 2 * spacing) & (positions < size - 2 * spacing)).all(axis=1)
        chosen = rng.choice(np.flatnonzero(site & inner), vacancies, replace=False)
        height[chosen] *= 0.33
        defects = positions[chosen]
    if shift:
        positions[positions[:, 0] > size / 2] += shift * vectors[0]
    image = render(positions, height, size, sigma * spacing) + 0.15
    pixels = rng.poisson(counts * image).astype(np.float32)
    return CrystalImage(pixels, float(np.sqrt(abs(np.linalg.det(vectors)))), defects)


def _motif(count: int, vectors: Array, spacing: float, seed: int) -> tuple[Array, Array]:
    """Return places (N, 2) in base vectors, none near another one, and heights."""
    rng = np.random.default_rng(seed)
    places: list[Array] = []
    for tried in range(1, 10**6):
        place = rng.random(2)
        away = ((np.array(places).reshape(-1, 2) - place + 0.5) % 1 - 0.5) @ vectors
        if np.hypot(*away.T).min(initial=np.inf) > _APART * spacing:
            places.append(place)
        if len(places) == count:
            break
        if tried % 2000 == 0:  # what is left is too narrow: begin again
            places.clear()
    return np.array(places), rng.choice(_HEIGHTS, count)
