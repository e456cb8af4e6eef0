"""Amplitude spectra of overlapping tiles of an image, and how well they show a given lattice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Amplitudes = NDArray[np.float32]

TILE_PERIODS = 5.0
_STEP_PERIODS = 2.5
_MAX_TILES = 1600
HIGHEST = 0.4
"""Highest frequency in cycles per sample."""
_OVERSAMPLING = 2
_SPOT = 0.8
"""Standard deviation of a reflection under a Hann window, times the edge of the window."""
_NEGATIVE_COLUMNS = 6
_REACH = 3
"""Bins around an expected reflection whose centroid is taken; `_NEGATIVE_COLUMNS` is larger."""


class Rows(Protocol):
    """An image whose rows are computed or read where they are accessed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        ...

    def __getitem__(self, key: tuple[slice, slice], /) -> NDArray[np.float32]:
        """Return some rows, all columns."""
        ...


@dataclass(frozen=True)
class LocalSpectra:
    """Amplitude spectra of tiles on a regular grid.

    Attributes
    ----------
    amplitude : ndarray of float32, shape (tiles_y, tiles_x, H, K)
        Magnitude of the Fourier transform of each tile under a Hann window, over its mean.
    mean : ndarray of float32, shape (tiles_y, tiles_x)
        That mean.
    frequency_y, frequency_x : ndarray of float64, shapes (H,) and (K,)
        Frequencies in cycles per px; those along x begin slightly below zero.
    centre_y, centre_x : ndarray of float64, shapes (tiles_y,) and (tiles_x,)
        Centres of the tiles in px.
    edge : int
        Edge of a tile in px.
    """

    amplitude: Amplitudes
    mean: Amplitudes
    frequency_y: Array
    frequency_x: Array
    centre_y: Array
    centre_x: Array
    edge: int

    @property
    def bin_size(self) -> float:
        """Distance of two frequencies in cycles per px."""
        return float(self.frequency_y[1] - self.frequency_y[0])

    @property
    def grid(self) -> tuple[int, int]:
        """Number of tiles along y and x."""
        return len(self.centre_y), len(self.centre_x)

    @property
    def flat(self) -> Amplitudes:
        """The spectra as rows, shape (tiles, H * K)."""
        found: Amplitudes = self.amplitude.reshape(self.grid[0] * self.grid[1], -1)
        return found


def local_spectra(image: Rows, period: float) -> LocalSpectra | None:
    """Compute the amplitude spectra of overlapping tiles of five lattice periods.

    Parameters
    ----------
    image : array-like of float32, shape (Y, X)
        Filtered image; only the rows of one row of tiles are accessed at a time.
    period : float
        Lattice period in px of ``image``.

    Returns
    -------
    LocalSpectra or None
        None where the image is smaller than a tile.
    """
    edge = round(TILE_PERIODS * period)
    height, width = image.shape[0], image.shape[1]
    if min(height, width) < edge:
        return None
    step = max(_STEP_PERIODS * period, np.sqrt(height * width / _MAX_TILES))
    tops, lefts = (_starts(length, edge, step) for length in (height, width))
    bin_size = 1 / (_OVERSAMPLING * edge)
    highest = int(HIGHEST / bin_size)
    rows = np.arange(-highest, highest + 1) * bin_size
    columns = np.arange(-_NEGATIVE_COLUMNS, highest + 1) * bin_size
    window = np.hanning(edge + 2)[1:-1]
    place = np.arange(edge) - (edge - 1) / 2
    along_y = (np.exp(-2j * np.pi * rows[:, None] * place) * window).astype(np.complex64)
    along_x = (np.exp(-2j * np.pi * place[:, None] * columns) * window[:, None]).astype(
        np.complex64
    )
    found = np.empty((len(tops), len(lefts), len(rows), len(columns)), np.float32)
    for number, top in enumerate(tops):
        strip = np.asarray(image[top : top + edge, slice(None)])
        tiles = np.stack([strip[:, left : left + edge] for left in lefts])
        tiles = tiles - tiles.mean(axis=(1, 2), keepdims=True)
        found[number] = np.abs(along_y @ (tiles @ along_x))
    mean = found.mean(axis=(2, 3))
    found /= np.maximum(mean, 1e-12)[:, :, None, None]
    middle = (edge - 1) / 2
    y, x = (np.asarray(starts + middle, np.float64) for starts in (tops, lefts))
    return LocalSpectra(found, mean, _as_array(rows), _as_array(columns), y, x, edge)


def _as_array(values: NDArray[Any]) -> Array:
    return np.asarray(values, np.float64)


def _starts(length: int, edge: int, step: float) -> NDArray[np.intp]:
    count = int(np.ceil((length - edge) / step)) + 1
    return np.rint(np.linspace(0, length - edge, count)).astype(np.intp)


def template(spectra: LocalSpectra, points: Array, weights: Array) -> NDArray[np.float32]:
    """Return the spectrum expected of some reflections, with mean zero and norm one.

    Parameters
    ----------
    spectra : LocalSpectra
        Whose frequencies are used.
    points : ndarray of float64, shape (N, 2)
        Reflections (y, x) in cycles per px, one of each pair of opposite ones.
    weights : ndarray of float64, shape (N,)
        Amplitude of each.

    Returns
    -------
    ndarray of float32, shape (H * K,)
    """
    width = _SPOT / spectra.edge
    both = np.concatenate([points, -points])
    # A Gaussian is the product of one along y and one along x.
    along_y = np.exp(-0.5 * ((spectra.frequency_y[:, None] - both[:, 0]) / width) ** 2)
    along_x = np.exp(-0.5 * ((spectra.frequency_x[:, None] - both[:, 1]) / width) ** 2)
    expected = ((along_y * np.tile(weights, 2)) @ along_x.T).ravel()
    expected -= expected.mean()
    expected /= max(float(np.linalg.norm(expected)), 1e-12)
    return np.asarray(expected, np.float32)


def amplitudes_at(spectra: LocalSpectra, points: Array) -> Amplitudes:
    """Return the amplitudes of all tiles at some frequencies.

    Parameters
    ----------
    spectra : LocalSpectra
    points : ndarray of float64, shape (N, 2)
        Frequencies (y, x) in cycles per px, below `HIGHEST`.

    Returns
    -------
    ndarray of float32, shape (tiles, N)
    """
    rows, columns = _bins(spectra, points)
    found: Amplitudes = spectra.flat[:, rows * len(spectra.frequency_x) + columns]
    return found


def refined_bases(
    spectra: LocalSpectra, tiles: NDArray[np.intp], bases: Array, orders: Array
) -> Array:
    """Fit the reciprocal basis of each tile to the centroids of its reflections.

    Parameters
    ----------
    spectra : LocalSpectra
    tiles : ndarray of int, shape (T,)
        Numbers of tiles, row by row.
    bases : ndarray of float64, shape (T, 2, 2)
        Approximate reciprocal vectors (y, x) of each tile in cycles per px.
    orders : ndarray of float64, shape (N, 2)
        Whole numbers of the reflections used.

    Returns
    -------
    ndarray of float64, shape (T, 2, 2)
        The approximate basis where the reflections do not determine it.
    """
    for _ in range(2):
        expected = orders @ bases
        measured, power = _centroids(spectra, tiles, expected)
        power[np.hypot(expected[..., 0], expected[..., 1]) > HIGHEST] = 0
        normal = np.einsum("tn,ni,nj->tij", power, orders, orders)
        usable = np.linalg.det(normal) > 1e-6 * np.square(power.sum(axis=1)) + 1e-30
        right = np.einsum("tn,ni,tnj->tij", power, orders, measured)
        bases = bases.copy()
        bases[usable] = np.linalg.solve(normal[usable], right[usable])
    return bases


def _centroids(
    spectra: LocalSpectra, tiles: NDArray[np.intp], expected: Array
) -> tuple[Array, Array]:
    """Return the centroids (T, N, 2) around expected reflections, and their power (T, N)."""
    sign = np.where(expected[..., 1] < 0, -1.0, 1.0)
    rows, columns = _bins(spectra, expected)
    height, width = len(spectra.frequency_y), len(spectra.frequency_x)
    rows = np.clip(rows, _REACH, height - _REACH - 1)
    columns = np.clip(columns, _REACH, width - _REACH - 1)
    flat = spectra.flat
    total = np.zeros(expected.shape[:2])
    moment = np.zeros(expected.shape)
    offsets = range(-_REACH, _REACH + 1)
    inside = [(y, x) for y in offsets for x in offsets if np.hypot(y, x) <= _REACH + 0.1]
    values = np.stack(
        [flat[tiles[:, None], (rows + y) * width + columns + x] for y, x in inside], axis=-1
    ).astype(np.float64)
    rim = np.array([np.hypot(y, x) > _REACH - 0.6 for y, x in inside])
    values = np.square(np.maximum(values - values[..., rim].mean(axis=-1, keepdims=True), 0))
    total = values.sum(axis=-1)
    moment = values @ np.array(inside, float) / np.maximum(total, 1e-12)[..., None]
    found = np.stack([spectra.frequency_y[rows], spectra.frequency_x[columns]], axis=-1)
    return (found + moment * spectra.bin_size) * sign[..., None], total


def _bins(spectra: LocalSpectra, points: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of frequencies (..., 2), in the stored half."""
    flipped = np.where(points[..., 1:] < 0, -points, points)
    index = np.rint(flipped / spectra.bin_size).astype(np.intp)
    middle = len(spectra.frequency_y) // 2
    rows = np.clip(index[..., 0] + middle, 0, len(spectra.frequency_y) - 1)
    columns = np.clip(index[..., 1] + _NEGATIVE_COLUMNS, 0, len(spectra.frequency_x) - 1)
    return rows, columns
