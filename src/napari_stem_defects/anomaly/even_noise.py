"""Noise of a crystal that is thinner in some places, as in a wedge.

The contrast is normalised by that of several lattice periods around, so that where the crystal is
thin and its columns are faint, noise is amplified. The spread of a residual is one number for an
image: there, noise would be unusual. How much it is amplified is known twice: by the contrast of
the columns in the image, and by how much places a lattice vector apart differ. Both must agree,
because another crystal repeats as well as the first one, and what differs from the lattice is not
faint for that reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.transform import resize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Tiles = NDArray[np.float64]

_TILE = 3.0
"""Edge in lattice periods of the tiles of which contrast and noise are measured."""
_FEWEST = 4
"""Tiles along an edge, at least: with fewer there is no usual contrast to compare with."""
_FAINT, _LEAST_FAINT = 1.5, 0.05
"""A tile with this factor less contrast than usual is faint; and the share of all tiles that must
be, as a few are where a crystal is damaged."""
_REPEATS = 0.25
"""Correlation of a tile with places a lattice vector away from which it shows a crystal; a hole
shows none, and is unusual by its noise."""
_MOST_BLOCKED = 0.5
"""Share of a tile from which it does not count when no crystal is there."""
_SMOOTH = 0.7
"""Standard deviation, in tiles, over which the noise is averaged."""
_TINY = 1e-6
"""In place of zero in divisions."""


def even_noise(
    filtered: NDArray[np.float32],
    pixels: NDArray[np.float32],
    lattices: Sequence[NDArray[np.float64]],
    period: float,
    blocked: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Make the noise of a crystal the same where its columns are faint.

    Parameters
    ----------
    filtered : ndarray of float32, shape (rows, columns)
        Background subtracted, local contrast normalised.
    pixels : ndarray of float32, shape (Y, X)
        The image itself.
    lattices : sequence of ndarray of float64, each of shape (2, 2)
        Base vectors (y, x) in samples.
    period : float
        Samples per lattice period.
    blocked : ndarray of bool, shape (Y, X)
        Pixels that are no crystal.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        ``filtered`` itself where no part is faint and noisier than the rest; nowhere with more
        contrast than before.
    """
    count = [int(length / (_TILE * period)) for length in filtered.shape]
    if min(count) < _FEWEST:
        return filtered
    mean, power = (
        _tile_means(each, count) for each in (pixels, np.square(pixels, dtype=np.float64))
    )
    contrast = np.sqrt(np.maximum(power - mean**2, 0))
    shown = _tile_means(blocked, count) < _MOST_BLOCKED
    if not shown.any():
        return filtered
    usual = float(np.median(contrast[shown]))
    if usual <= 0:
        return filtered
    faint = usual / np.maximum(contrast, _TINY * usual)
    if (faint[shown] > _FAINT).mean() < _LEAST_FAINT:
        return filtered
    noise = np.min([_differences(filtered, each, count) for each in lattices], axis=0)
    power = _tile_means(np.square(filtered), count)
    crystal = shown & (noise < (1 - _REPEATS) * power)
    if not crystal.any():
        return filtered
    usual = max(float(np.median(noise[crystal])), _TINY)
    gain = np.where(crystal, np.maximum(np.minimum(np.sqrt(noise / usual), faint), 1), 1)
    gain = ndimage.gaussian_filter(gain, _SMOOTH, mode="nearest")
    between = resize(gain.astype(np.float32), filtered.shape, order=1, mode="edge")
    return np.asarray(filtered / between, np.float32)


def _edges(length: int, count: int) -> NDArray[np.intp]:
    return np.linspace(0, length, count + 1).astype(np.intp)[:-1]


def _tile_means(values: NDArray[np.floating] | NDArray[np.bool_], count: Sequence[int]) -> Tiles:
    """Return the mean of each tile."""
    rows, columns = (_edges(*each) for each in zip(values.shape, count, strict=True))
    sums = np.add.reduceat(values, columns, axis=1, dtype=np.float32)
    sums = np.add.reduceat(sums, rows, axis=0, dtype=np.float64)
    sizes = np.diff(np.append(rows, values.shape[0]))[:, None] * np.diff(
        np.append(columns, values.shape[1])
    )
    means: Tiles = sums / sizes
    return means


def _differences(
    filtered: NDArray[np.float32], vectors: NDArray[np.float64], count: Sequence[int]
) -> Tiles:
    """Return half the mean square of the differences between places a lattice vector apart."""
    total = np.zeros(tuple(count))
    for vector in vectors:
        moved = ndimage.shift(filtered, vector, order=1, cval=np.nan)
        squares = np.square(filtered - moved)
        known = np.isfinite(squares)
        share = np.maximum(_tile_means(known, count), _TINY)
        total += _tile_means(np.where(known, squares, np.float32(0)), count) / share / 4
    return total
