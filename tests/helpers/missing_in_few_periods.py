"""A crystal of so few periods that a few missing columns are many of its columns."""

from __future__ import annotations

import numpy as np
from crystal_images import SQUARE, columns, render
from numpy.typing import NDArray


def few_periods(unlike: float = 0.0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return ten periods of a crystal with nine missing columns, and where these are.

    With ``unlike``, the standard deviation of their brightness, all columns differ and none is
    missing.
    """
    rng, spacing, size = np.random.default_rng(1), 12.0, 144
    places = columns(spacing * np.asarray(SQUARE), size)
    inner = np.flatnonzero(((places > 24) & (places < size - 25)).all(axis=1))
    chosen: list[int] = []
    for index in rng.permutation(inner):
        apart = np.hypot(*(places[chosen] - places[index]).T)
        if len(chosen) < 9 and (apart > 1.9 * spacing).all():
            chosen.append(int(index))
    heights = 1 + unlike * rng.normal(size=len(places))
    if not unlike:
        heights[chosen] = 0
    pixels = rng.poisson(300 * (render(places, heights, size, 0.17 * spacing) + 0.2))
    return pixels.astype(np.float32), places[chosen]
