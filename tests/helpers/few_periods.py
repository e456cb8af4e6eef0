"""Images of a few lattice periods, with little noise or none, as simulations and crops are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from crystal_images import columns, render
from numpy.typing import NDArray
from scipy import ndimage

Shape = tuple[tuple[float, float], tuple[float, float]]


class SmallImage(NamedTuple):
    """Pixels, the lattice period in px, and where a column is missing."""

    pixels: NDArray[np.float32]
    period: float
    missing: NDArray[np.float64] | None


def small_image(
    shape: Shape,
    periods: float,
    *,
    spacing: float = 30.0,
    missing: bool = False,
    counts: float = 0.0,
    jitter: float = 0.0,
    seed: int = 0,
) -> SmallImage:
    """Draw a perfect crystal, or one with a missing column near its middle.

    ``counts`` are the electrons per pixel of a column, 0 for no noise; ``jitter`` is the standard
    deviation of the smooth displacement of scan rows in spacings.
    """
    rng = np.random.default_rng(seed)
    vectors = spacing * np.asarray(shape)
    period = float(np.sqrt(abs(np.linalg.det(vectors))))
    size = round(periods * period)
    positions = columns(vectors, size, origin=float(rng.uniform(0, spacing)))
    place = None
    if missing:
        chosen = int(np.hypot(*(positions - size / 2).T).argmin())
        place, positions = positions[chosen], np.delete(positions, chosen, axis=0)
    image = render(positions, np.ones(len(positions)), size, 0.14 * spacing) + 0.2
    if jitter:
        moved = ndimage.gaussian_filter1d(rng.normal(size=size), 2)
        moved *= jitter * spacing / moved.std()
        image = np.stack(
            [
                ndimage.shift(row, shift, order=1, mode="nearest")
                for row, shift in zip(image, moved, strict=True)
            ]
        )
    if counts:
        image = rng.poisson(counts * image)
    return SmallImage(np.asarray(image, np.float32), period, place)
