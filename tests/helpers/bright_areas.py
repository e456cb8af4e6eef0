"""Small images of crystals with an elliptic area of brighter columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from crystal_images import OBLIQUE, columns, render
from numpy.typing import NDArray

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.unit_cell import UnitCell


class BrightArea(NamedTuple):
    """An image with its area (Y, X) and missing columns (N, 2) outside it."""

    pixels: NDArray[np.float32]
    area: NDArray[np.bool_]
    middle: tuple[float, float]
    missing: NDArray[np.float64]

    @property
    def cells(self) -> tuple[UnitCell, ...]:
        return measure_lattices(self.pixels).cells

    @property
    def micrograph(self) -> Micrograph:
        return Micrograph(self.pixels, "area")


def bright_area(
    *,
    brightness: float = 1.6,
    counts: float = 60.0,
    slope: float = 0.0,
    missing: int = 0,
    size: int = 360,
    seed: int = 0,
) -> BrightArea:
    """Draw a crystal whose columns are brighter inside an ellipse."""
    rng = np.random.default_rng(seed)
    spacing, middle, radii = 11.0, (0.55 * size, 0.6 * size), (0.16 * size, 0.22 * size)
    positions = columns(spacing * np.asarray(OBLIQUE), size)

    def away(y, x):
        return ((y - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2

    heights = np.where(away(*positions.T) < 1, brightness, 1.0)
    inner = ((positions > 30) & (positions < size - 30)).all(axis=1) & (away(*positions.T) > 2)
    gone: list[int] = []
    for index in rng.permutation(np.flatnonzero(inner)):
        apart = np.hypot(*(positions[gone] - positions[index]).T)
        if len(gone) < missing and (apart > 4 * spacing).all():
            gone.append(int(index))
    heights[gone] = 0.05
    positions = positions + rng.normal(0, 0.01 * spacing, positions.shape)
    y, x = np.mgrid[:size, :size]
    image = render(positions, heights, size, 0.17 * spacing) + 0.25 + slope * x / size
    pixels = rng.poisson(counts * image).astype(np.float32)
    return BrightArea(pixels, away(y, x) < 1, middle, positions[gone])
