"""Contrast and mean intensity of a crystal: what its lattice residual does not show.

The background is subtracted and the local contrast normalised before a residual is computed, so an
area of brighter columns is perfect crystal but for its rim. Here it differs: by the logarithm of
the local contrast of its lattice, and by its local mean in units of that contrast. What varies
slowly, as the thickness does, is taken away by a quadratic fitted to the crystal without its areas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.candidates import cell_edge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Sampled

_POOL = 0.8
"""Standard deviation of the averages in lattice periods: none of the lattice is left in them."""
_FITTED_CELLS = 20_000
_ROUNDS, _OUTLIER = 5, 2.5
"""Rounds in which the quadratic is fitted to what is within so many spreads of it."""
_CLEAR = 6.0
"""Spreads from which a difference separates an area from the crystal: three on either side."""


@dataclass(frozen=True)
class Levels:
    """Differences of every cell from the crystal around it.

    Attributes
    ----------
    values : ndarray of float32, shape (2, gy, gx)
        Logarithm of the local contrast, and local mean in units of the contrast.
    spread : ndarray of float64, shape (2,)
        Robust standard deviation of each.
    edge : int
        Edge of a cell in samples; see `anomaly.candidates.cell_edge`.
    """

    values: NDArray[np.float32]
    spread: NDArray[np.float64]
    edge: int

    def at(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the differences (N, 2) at places (N, 2) in samples."""
        y, x = self._cells(positions)
        return self.values[:, y, x].T.astype(np.float64)

    def similarity(self, difference: tuple[float, float]) -> NDArray[np.float32]:
        """Return how similar every cell is to an area.

        The projection on the difference that separates it best from the crystal (Fisher, Annals of
        Eugenics 7, 179, 1936), less where a cell differs more, and in another way.

        Parameters
        ----------
        difference : (float, float)
            Of the area.

        Returns
        -------
        ndarray of float32, shape (gy, gx)
            1 for the like of the area, 0 for the crystal; 0 everywhere where noise hides it.
        """
        power = self._power(difference)
        if power < _CLEAR**2:
            return np.zeros(self.values.shape[1:], np.float32)
        scaled = _averaged(self.values) / self.spread[:, None, None]
        product = np.tensordot(_averaged(np.array(difference)) / self.spread, scaled, axes=1)
        found = np.square(scaled).sum(axis=0)
        similar = product / np.sqrt(power * np.maximum(found, power))
        return np.asarray(similar, np.float32)

    def similarity_at(
        self, positions: NDArray[np.float64], difference: tuple[float, float]
    ) -> NDArray[np.float32]:
        """Return how similar places (N, 2) in samples are to an area."""
        y, x = self._cells(positions)
        return self.similarity(difference)[y, x]

    def spreads_at(
        self, positions: NDArray[np.float64], difference: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Return how far places (N, 2) in samples are from the crystal towards an area, in spreads.

        0 where noise hides the area.
        """
        away = np.sqrt(self._power(difference))
        return np.asarray(away * self.similarity_at(positions, difference), np.float64)

    def _power(self, difference: tuple[float, float]) -> float:
        return float(np.square(_averaged(np.array(difference)) / self.spread).sum())

    def _cells(self, positions: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        cells = np.rint((positions + 0.5) / self.edge - 0.5).astype(int)
        y, x = (np.clip(cells[:, n], 0, self.values.shape[1 + n] - 1) for n in (0, 1))
        return y, x


def local_levels(sampled: Sampled) -> Levels | None:
    """Measure contrast and mean intensity of an image on its cells.

    Parameters
    ----------
    sampled : Sampled
        With the pixels of the image.

    Returns
    -------
    Levels or None
        None where the pixels are not known.
    """
    if sampled.pixels is None:
        return None
    edge = cell_edge(sampled.samples)
    cells = _cell_means(sampled.pixels, sampled, edge)
    sigma = _POOL * sampled.samples / edge
    usual = float(np.median(cells))
    mean = ndimage.gaussian_filter(cells - usual, sigma)
    power = ndimage.gaussian_filter(np.square(cells - usual), sigma) - np.square(mean)
    contrast = np.sqrt(np.maximum(power, 1e-6 * max(float(np.median(power)), 1e-12)))
    unit = float(np.median(contrast))
    found, spreads = zip(
        *(_without_trend(each) for each in (np.log(contrast), mean / unit)), strict=True
    )
    return Levels(np.stack(found).astype(np.float32), np.array(spreads), edge)


def _averaged(values: NDArray[Any]) -> NDArray[Any]:
    """Return levels (2, ...) with half the relative power in place of the logarithmic contrast.

    Powers are what averages over cells add up: at the border of an area they are half-way between
    both sides, and their logarithm is not.
    """
    return np.stack([np.expm1(2 * values[0]) / 2, values[1]])


def _cell_means(pixels: NDArray[np.float32], sampled: Sampled, edge: int) -> NDArray[np.float64]:
    """Return the mean intensity of each cell."""
    means = pixels.astype(np.float64, copy=False)
    for axis, (count, factor) in enumerate(
        zip(sampled.filtered.shape, sampled.factor, strict=True)
    ):
        first = np.arange(0, count, edge) / factor
        starts = np.minimum(np.rint(first).astype(int), pixels.shape[axis] - 1)
        sizes = np.diff([*starts, pixels.shape[axis]])
        sums = np.add.reduceat(means, starts, axis=axis)
        means = sums / np.expand_dims(np.maximum(sizes, 1), 1 - axis)
    return means


def _without_trend(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Subtract a quadratic that is fitted to most of the cells; return their spread as well."""
    y, x = (np.linspace(-1, 1, length) for length in values.shape)
    step = max(1, int(np.sqrt(values.size / _FITTED_CELLS)))
    some = values[::step, ::step].ravel()
    terms = _quadratic(y[::step], x[::step])
    kept = np.ones(len(some), bool)
    for _ in range(_ROUNDS):
        fitted = np.linalg.lstsq(terms[kept], some[kept], rcond=None)[0]
        rest = some - terms @ fitted
        spread = 1.4826 * float(np.median(np.abs(rest[kept]))) + 1e-12
        kept = np.abs(rest) <= _OUTLIER * spread
    return values - (_quadratic(y, x) @ fitted).reshape(values.shape), spread


def _quadratic(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the terms (N, 6) of a quadratic on a grid."""
    down, across = (each.ravel() for each in np.meshgrid(y, x, indexing="ij"))
    ones = np.ones_like(down)
    return np.column_stack([ones, down, across, down**2, down * across, across**2])
