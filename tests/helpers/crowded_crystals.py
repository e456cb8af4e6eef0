"""Crystals in which a share of the columns is missing or dim, anywhere, so many side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from crystal_images import columns, render
from numpy.typing import NDArray

SPACING, SIZE = 12.0, 300


class CrowdedCrystal(NamedTuple):
    """An image, and where its dim and its usual columns are, two spacings from the border."""

    pixels: NDArray[np.float32]
    dim: NDArray[np.float64]
    usual: NDArray[np.float64]


def crowded_crystal(
    shape: tuple[tuple[float, float], tuple[float, float]],
    share: float,
    left: float,
    *,
    fault: bool = False,
    counts: float = 60.0,
    seed: int = 3,
) -> CrowdedCrystal:
    """Draw a crystal of which a share of the columns has only what is left of its height.

    Its lower half is shifted by half a vector along a fault.
    """
    rng = np.random.default_rng(seed)
    places = columns(SPACING * np.asarray(shape), SIZE)
    places[:, 1] += fault * 0.5 * SPACING * (places[:, 0] > SIZE / 2 + 1)
    is_dim = rng.random(len(places)) < share
    heights = np.where(is_dim, left, 1.0) * (1 + rng.normal(0, 0.03, len(places)))
    image = rng.poisson(counts * (render(places, heights, SIZE, 0.19 * SPACING) + 0.2))
    inside = ((places > 2 * SPACING) & (places < SIZE - 2 * SPACING)).all(axis=1)
    return CrowdedCrystal(
        image.astype(np.float32), places[is_dim & inside], places[~is_dim & inside]
    )
