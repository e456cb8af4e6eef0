"""Tiles of an image that show the same lattice.

The magnitude of the Fourier transform of a tile does not depend on where the lattice lies in it, so
tiles of one grain have magnitudes that correlate, and tiles of two grains do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE_PERIODS = 7
_MAX_TILES = 500
_SAME = 0.9
"""Correlation of two magnitudes from which tiles show the same lattice.

In simulated and recorded images, tiles of one grain reach 0.91 to 0.99 and tiles of two grains at
most 0.78; tiles across a boundary lie between.
"""
_BETWEEN = 0.85
_SMALLEST = 0.15
"""Smallest share of the tiles that is a grain; smaller parts, as precipitates, are unusual."""
MAX_GRAINS = 4
_ALIKE, _FEWEST = 0.93, 10
"""Quantile of the correlations of a tile, with at least so many that it does not overlap, that is
reached by tiles of its own grain: a grain has at least 15 % of them."""
_LEAST_RELIABLE = 0.7
"""Tiles that repeat nowhere are not taken for a noisy lattice."""


class Tile(NamedTuple):
    """Square part of an image.

    Attributes
    ----------
    row, column : int
        Upper left corner in px.
    edge : int
        Edge in px.
    """

    row: int
    column: int
    edge: int


def grain_tiles(image: NDArray[np.float32], samples: float) -> list[list[Tile]]:
    """Group the tiles of an image by the lattice that they show.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Filtered image.
    samples : float
        Px per lattice period.

    Returns
    -------
    list of list of Tile
        The tiles of each grain, largest grain first; at most `MAX_GRAINS`. One group with one
        tile, the image, if it is too small to be divided or nothing repeats in it.
    """
    edge = round(_TILE_PERIODS * samples)
    step = max(edge // 3, int(np.sqrt(image.size / _MAX_TILES)))
    if min(image.shape) < edge + step:
        return [[Tile(0, 0, min(image.shape))]]
    tiles = [
        Tile(row, column, edge)
        for row in range(0, image.shape[0] - edge + 1, step)
        for column in range(0, image.shape[1] - edge + 1, step)
    ]
    correlation = _correlations(image, tiles)
    least = max(2.0, _SMALLEST * len(tiles))
    left = np.ones(len(tiles), bool)
    grains: list[list[Tile]] = []
    while left.sum() >= least and len(grains) < MAX_GRAINS:
        same = (correlation > _SAME) & left & left[:, None]
        counts = same.sum(axis=1)
        centre = int(counts.argmax())
        if counts[centre] < least:
            break
        grains.append([tiles[n] for n in np.flatnonzero(same[centre])])
        left &= correlation[centre] <= _BETWEEN
    return grains or [[Tile(0, 0, min(image.shape))]]


def _correlations(image: NDArray[np.float32], tiles: list[Tile]) -> NDArray[np.float32]:
    """Return the correlation coefficients (N, N) of the Fourier magnitudes of all tiles."""
    edge = tiles[0].edge
    window = np.outer(np.hanning(edge), np.hanning(edge)).astype(np.float32)
    rows, columns, _ = np.array(tiles).T
    stacked = sliding_window_view(image, (edge, edge))[rows, columns]
    stacked -= stacked.mean(axis=(1, 2), keepdims=True)
    magnitudes = np.abs(fft.rfft2(stacked * window))
    # Lattices that differ by a little strain share their reflections after this blur.
    magnitudes = ndimage.gaussian_filter(magnitudes, (0, 0.7, 0.7)).reshape(len(tiles), -1)
    magnitudes -= magnitudes.mean(axis=1, keepdims=True)
    magnitudes /= np.linalg.norm(magnitudes, axis=1, keepdims=True) + np.float32(1e-12)
    correlation: NDArray[np.float32] = magnitudes @ magnitudes.T
    return _without_noise(correlation, tiles)


def _without_noise(correlation: NDArray[np.float32], tiles: list[Tile]) -> NDArray[np.float32]:
    """Return the correlations that tiles would have without their noise.

    Noise reduces all correlations of a tile by the same factor. Tiles of one lattice that share no
    pixel show it: their correlation is the reliability of both (Spearman, American Journal of
    Psychology 15, 72, 1904).
    """
    places = np.array(tiles)[:, :2]
    apart = np.abs(places[:, None] - places).max(axis=2) >= tiles[0].edge
    others = np.where(apart, correlation, np.float32(np.inf))
    count = apart.sum(axis=1)
    enough = count >= _FEWEST
    # Quantiles of rows with different numbers of values, which come first in each row.
    at = _ALIKE * (count[enough] - 1)
    low, number = np.floor(at).astype(np.intp), np.arange(len(at))
    ordered = np.sort(others[enough], axis=1)
    values = ordered[number, low], ordered[number, np.minimum(low + 1, count[enough] - 1)]
    reliable = np.ones(len(tiles), np.float32)
    reliable[enough] = values[0] + (at - low) * (values[1] - values[0])
    root = np.sqrt(np.clip(reliable, _LEAST_RELIABLE, 1))
    corrected: NDArray[np.float32] = correlation / (root[:, None] * root)
    return corrected
