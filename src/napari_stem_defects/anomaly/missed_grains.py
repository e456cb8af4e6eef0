"""Grains that their Fourier magnitudes do not distinguish, found by what their residual leaves.

Twins share reflections, so tiles of two of them may look like one lattice. The prediction of one
then leaves more of the other than of itself, everywhere, and less if it gets one of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.grains import Tile
from napari_stem_defects.anomaly.outside_crystal import reaches_border

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CELL = 1.0
"""Edge of a cell in lattice periods, over which squares of the residual are averaged."""
_POOL = 1.5
_MOST_OF_A_CELL = 2.0
"""Cells count at most so many times the usual, so that defects do not raise what is around them."""
_USUAL = 0.25
"""Quantile of the averaged power: that of the grains that are predicted."""
_RAISED = 1.15
_DEEP = 3.5
"""Distance in periods from the edge of a missed grain of the windows that it is learned from."""
_SMALLEST = 0.1
"""Smallest share of a crystal that is a grain; smaller parts, as precipitates, are unusual."""
_GAIN = 0.5
"""Share of the excess power of a missed grain that its own prediction takes away at least."""


@dataclass(frozen=True)
class MissedGrain:
    """Part of an image with more residual than the rest.

    Attributes
    ----------
    tiles : list of Tile
        Where windows of its own may be centred.
    square : Tile
        The largest square in it.
    cells : ndarray of bool, shape (gy, gx)
    crystal : ndarray of bool, shape (gy, gx)
        Cells of all grains.
    excess : float
        Power of its residual above the usual one.
    edge : int
        Edge of a cell in samples.
    pool : float
        Standard deviation in cells of the averages of their power.
    """

    tiles: list[Tile]
    square: Tile
    cells: NDArray[np.bool_]
    crystal: NDArray[np.bool_]
    excess: float
    edge: int
    pool: float

    def is_explained(self, residual: NDArray[np.float32]) -> bool:
        """Return whether another prediction, which left this residual (Y, X), suits the grain."""
        power = _power(residual, self.edge, self.pool, self.crystal)
        usual = float(np.quantile(power[self.crystal], _USUAL))
        return float(np.median(power[self.cells])) - usual < (1 - _GAIN) * self.excess


def missed_grain(
    residual: NDArray[np.float32], samples: float, blocked: NDArray[np.bool_] | None = None
) -> MissedGrain | None:
    """Find the largest part of an image with more residual than the rest.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
        In any unit.
    samples : float
        Samples per lattice period.
    blocked : ndarray of bool, shape (Y, X), optional
        Samples that belong to no grain.

    Returns
    -------
    MissedGrain or None
        None where nothing as large as a grain has more residual.
    """
    edge = max(1, round(_CELL * samples))
    pool = _POOL * samples / edge
    crystal = _crystal_cells(residual.shape, edge, blocked)
    power = _power(residual, edge, pool, crystal)
    usual = float(np.quantile(power[crystal], _USUAL))
    raised = (power > _RAISED * usual) & crystal
    depth = ndimage.distance_transform_edt(np.pad(raised, 1))[1:-1, 1:-1]
    deep = depth > _DEEP * samples / edge
    parts, count = ndimage.label(deep)
    if not count:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    inside = parts == sizes.argmax()
    # Grown by what its edge lost, for the share that it has of the crystal.
    grain = raised & (ndimage.distance_transform_edt(~inside) <= _DEEP * samples / edge)
    if grain.sum() < _SMALLEST * crystal.sum() or inside.sum() < 2:
        return None
    excess = float(np.median(power[grain])) - usual
    # What the crystal encloses, as a precipitate, is unusual however large.
    if not reaches_border(grain & (power > usual + excess / 2), ~crystal):
        return None
    tiles = [Tile(int(row) * edge, int(column) * edge, edge) for row, column in np.argwhere(inside)]
    middle = np.unravel_index(int(np.where(inside, depth, 0).argmax()), depth.shape)
    reach = int(depth[middle] / np.sqrt(2))
    top, left = (max(0, int(place) - reach) for place in middle)
    square = Tile(top * edge, left * edge, 2 * reach * edge)
    return MissedGrain(tiles, square, grain, crystal, excess, edge, pool)


def _crystal_cells(
    shape: tuple[int, ...], edge: int, blocked: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    """Return the whole cells of which the middle is not blocked; all if there are none."""
    rows, columns = (length // edge for length in shape)
    if blocked is None:
        return np.ones((rows, columns), bool)
    half = edge // 2
    crystal = ~blocked[half::edge, half::edge][:rows, :columns]
    return crystal if crystal.any() else np.ones_like(crystal)


def _power(
    residual: NDArray[np.float32], edge: int, pool: float, crystal: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the mean square of the residual around whole cells, each of limited weight.

    What is not crystal has the usual power, so that it does not raise what is beside it.
    """
    rows, columns = crystal.shape
    cells = residual[: rows * edge, : columns * edge].reshape(rows, edge, columns, edge)
    power: NDArray[np.float32] = np.square(cells).mean(axis=(1, 3))
    usual = np.median(power[crystal])
    limited = np.minimum(power, np.float32(_MOST_OF_A_CELL * usual))
    limited[~crystal] = usual
    return np.asarray(ndimage.gaussian_filter(limited, pool), np.float32)
