"""Small images of crystals with known defects, as sums of Gaussian columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.unit_cell import UnitCell

Array = NDArray[np.float64]


class CrystalImage(NamedTuple):
    """An image, its lattice period in px and the positions (N, 2) of its defects in px."""

    pixels: NDArray[np.float32]
    period: float
    defects: Array

    @property
    def cells(self) -> tuple[UnitCell, ...]:
        return measure_lattices(self.pixels).cells

    @property
    def micrograph(self) -> Micrograph:
        return Micrograph(self.pixels, "crystal")


def square_cell(period: float) -> UnitCell:
    """Return the unit cell of a square lattice along the axes, with a period in px."""
    direct, reciprocal = (((length, 0.0), (0.0, length)) for length in (period, 1 / period))
    return UnitCell(direct, reciprocal, (0.01, 0.01), 90.0, 0.1, 1.0, 0.001, "square", 1.0)


HEXAGONAL = ((0.0, 1.0), (np.sqrt(0.75), 0.5))
SQUARE = ((1.0, 0.0), (0.0, 1.0))
OBLIQUE = ((1.0, 0.0), (0.35, 1.2))


def columns(vectors: Array, size: int, origin: float = 0.0) -> Array:
    """Return the positions (N, 2) of a lattice in and around an image."""
    reach = int(3 * size / np.sqrt(abs(np.linalg.det(vectors)))) + 4
    order = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    positions = order @ vectors + size / 2 + origin
    return np.asarray(positions[((positions > -40) & (positions < size + 40)).all(axis=1)])


def render(positions: Array, heights: Array, size: int, sigma: float) -> Array:
    """Return the sum of Gaussians of some heights."""
    image, reach = np.zeros((size, size)), int(4 * sigma) + 1
    for (y, x), height in zip(positions, heights, strict=True):
        rows = np.arange(max(0, int(y) - reach), min(size, int(y) + reach + 2))
        cols = np.arange(max(0, int(x) - reach), min(size, int(x) + reach + 2))
        if len(rows) and len(cols):
            profile_y, profile_x = (
                np.exp(-((axis - at) ** 2) / (2 * sigma**2)) for axis, at in ((rows, y), (cols, x))
            )
            image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] += height * np.outer(
                profile_y, profile_x
            )
    return image


def crystal_image(
    shape: tuple[tuple[float, float], tuple[float, float]] = HEXAGONAL,
    *,
    spacing: float = 12.0,
    size: int = 256,
    missing: int = 0,
    rotation_deg: float = 10.0,
    fault: bool = False,
    grain_deg: float = 0.0,
    counts: float = 60.0,
    unlike: float = 0.0,
    seed: int = 0,
) -> CrystalImage:
    """Draw a crystal with missing columns, a fault or a grain boundary across its middle.

    The lower half is shifted by half a vector (``fault``) or rotated (``grain_deg``). The
    brightness of columns has the standard deviation ``unlike``.
    """
    rng = np.random.default_rng(seed)
    turn = _rotation(rotation_deg)
    vectors = spacing * np.asarray(shape) @ turn
    positions = columns(vectors, size)
    period = float(np.sqrt(abs(np.linalg.det(vectors))))
    defects = np.zeros((0, 2))
    if missing:
        inner = ((positions > 2 * spacing) & (positions < size - 2 * spacing)).all(axis=1)
        chosen: list[int] = []
        for index in rng.permutation(np.flatnonzero(inner)):
            apart = np.hypot(*(positions[chosen] - positions[index]).T)
            if len(chosen) < missing and (apart > 3 * spacing).all():
                chosen.append(int(index))
        defects = positions[chosen]
        positions = np.delete(positions, chosen, axis=0)
    if fault:
        lower = positions[:, 0] > size / 2
        positions = positions + lower[:, None] * 0.5 * vectors[0]
    if grain_deg:
        other = columns(vectors @ _rotation(grain_deg), size)
        positions = np.concatenate(
            [positions[positions[:, 0] <= size / 2], other[other[:, 0] > size / 2]]
        )
    if fault or grain_deg:
        across = np.arange(2 * spacing, size - 2 * spacing, 2.0)
        defects = np.column_stack([np.full(len(across), size / 2), across])
    positions = positions + rng.normal(0, 0.01 * spacing, positions.shape)
    brightness = 1 + unlike * rng.normal(size=len(positions)) if unlike else np.ones(len(positions))
    image = render(positions, brightness, size, 0.17 * spacing) + 0.2
    pixels = rng.poisson(counts * image).astype(np.float32)
    return CrystalImage(pixels, period, defects)


def contaminated(image: CrystalImage, places: Array, spacing: float, counts: float) -> Array:
    """Return the pixels of an image with bright blobs, a radius of two columns wide, at places."""
    size = len(image.pixels)
    y, x = np.mgrid[:size, :size]
    haze = np.zeros((size, size))
    for at in places:
        away = np.hypot(y - at[0], x - at[1]) - 2 * spacing
        haze += 3 / (1 + np.exp(away / (0.3 * spacing)))
    return image.pixels + np.random.default_rng(1).poisson(counts * haze)


def _rotation(degrees: float) -> Array:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])
