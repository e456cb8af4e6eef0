"""A crystal with dense dim columns, which change what their neighbours predict."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from crystal_images import HEXAGONAL, columns, render
from numpy.typing import NDArray

from napari_stem_defects.anomaly.residual import LatticeResidual, lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.matched_filter.examples import Click, ImageContext
from napari_stem_defects.matched_filter.like_sites import ImagePart, image_part

SPACING, SIZE = 9.0, 270


class DenseCrystal(NamedTuple):
    """A crystal in which a quarter of the columns is dim, anywhere, so many side by side."""

    residual: LatticeResidual
    values: NDArray[np.float32]
    dim: NDArray[np.float64]
    bright: NDArray[np.float64]

    @property
    def samples(self) -> float:
        return self.residual.sampled.samples

    @property
    def part(self) -> ImagePart:
        whole = slice(0, self.values.shape[0]), slice(0, self.values.shape[1])
        return image_part(self.residual, whole, self.values)

    @property
    def context(self) -> tuple[ImageContext, ...]:
        return (ImageContext(0.0, None, self.residual),)

    def clicks(self, count: int = 8) -> list[Click]:
        return [Click(0, float(y), float(x), "Dim") for y, x in self.dim[:count]]


def dense_crystal(
    seed: int = 1, counts: float = 60.0, share: float = 0.25, varied: float = 0.12
) -> DenseCrystal:
    """Draw a crystal of which a share of the columns is dim, all varied a little."""
    rng = np.random.default_rng(seed)
    places = columns(SPACING * np.asarray(HEXAGONAL), SIZE)
    is_dim = rng.random(len(places)) < share
    heights = np.where(is_dim, 0.45, 1.0) + rng.normal(0, varied, len(places))
    image = rng.poisson(counts * (render(places, heights, SIZE, 0.17 * SPACING) + 0.2))
    pixels = image.astype(np.float32)
    residual = lattice_residual(sample(pixels, measure_lattices(pixels).cells))
    values = residual.rows(slice(0, residual.shape[0]))
    inside = ((places > 2 * SPACING) & (places < SIZE - 2 * SPACING)).all(axis=1)
    at = residual.sampled.to_samples
    return DenseCrystal(residual, values, at(places[is_dim & inside]), at(places[~is_dim & inside]))
