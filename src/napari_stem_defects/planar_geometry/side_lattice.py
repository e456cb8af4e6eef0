"""The lattice on one side of a planar defect: reciprocal vectors and phases, from Fourier sums.

A reflection is a plane wave in the image. Its Fourier sum over a weighted part of the image has the
amplitude and phase of the wave, and its first moments show how far the wave vector is off: for
weights w, places x around their centre and their covariance C, the sum at g of a wave of g + d is
F, its moments are M, and Im(M / F) = 2 pi C d to first order. Iterated, this measures wave vectors
to a small part of the width of a reflection (geometric phase analysis: Hytch, Snoeck and Kilaas,
Ultramicroscopy 74, 131, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_stem_defects.lattice.reciprocal_basis import reduce_basis

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_MAX_ORDER = 3
_STEP_DEG = 1.0
_ITERATIONS = 4
_LEAST_SIGNAL = 6.0
"""Least amplitude of a reflection over the median amplitude, which is that of noise."""
HIGHEST = 0.42
"""Highest frequency that is used, in cycles per row or column of a patch."""


@dataclass(frozen=True)
class Patch:
    """A rectangular part of an image with weights.

    Attributes
    ----------
    pixels, weights : ndarray of float64, shape (Y, X)
        Intensities, and weights from 0 to 1.
    y, x : ndarray of float64, shapes (Y,) and (X,)
        Places of rows and columns in px of the image, relative to a point on the defect.
    least_edge : int
        The spectrum is that of a square of at least so many rows.
    """

    pixels: Array
    weights: Array
    y: Array
    x: Array
    least_edge: int = 0

    @property
    def spacing(self) -> float:
        """Distance of two rows in px of the image: more than 1 where px were averaged."""
        return float(self.y[1] - self.y[0]) if len(self.y) > 1 else float(self.x[1] - self.x[0])

    def cropped(self) -> Patch:
        """Return the rows and columns that have weight; their spectrum stays the same."""
        rows, columns = (np.flatnonzero(self.weights.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return self
        down, across = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return Patch(
            self.pixels[down, across],
            self.weights[down, across],
            self.y[down],
            self.x[across],
            max(self.least_edge, *self.pixels.shape),
        )

    @cached_property
    def weighted(self) -> Array:
        """The intensities without their mean, times the weights."""
        total = max(float(self.weights.sum()), 1e-12)
        mean = float((self.pixels * self.weights).sum()) / total
        return np.asarray((self.pixels - mean) * self.weights)


@dataclass(frozen=True)
class SideLattice:
    """The lattice on one side.

    Attributes
    ----------
    reciprocal : ndarray of float64, shape (2, 2)
        Reciprocal base vectors (y, x) as rows, in cycles per px.
    orders : ndarray of float64, shape (N, 2)
        Whole numbers of the reflections that stand out from the noise.
    signal : ndarray of float64, shape (N,)
        Amplitude of each over the noise.
    """

    reciprocal: Array
    orders: Array
    signal: Array

    @property
    def vectors(self) -> Array:
        """Base vectors (y, x) as rows, in px."""
        return np.asarray(np.linalg.inv(self.reciprocal).T)


def fourier_sums(patch: Patch, frequencies: Array) -> Complex:
    """Return the Fourier sums of a weighted patch.

    Parameters
    ----------
    patch : Patch
    frequencies : ndarray of float64, shape (N, 2)
        Wave vectors (y, x) in cycles per px.

    Returns
    -------
    ndarray of complex128, shape (N,)
    """
    phases = 2 * np.pi * np.outer(patch.x, frequencies[:, 1])
    parts = np.concatenate([np.cos(phases), -np.sin(phases)], axis=1)
    real, imaginary = np.split(patch.weighted @ parts, 2, axis=1)
    down = np.exp(-2j * np.pi * np.outer(patch.y, frequencies[:, 0]))
    return np.asarray((down * (real + 1j * imaginary)).sum(axis=0))


def fourier_moments(patch: Patch, frequencies: Array) -> tuple[Complex, Complex]:
    """Return the Fourier sums of a weighted patch, and their first moments.

    Parameters
    ----------
    patch : Patch
    frequencies : ndarray of float64, shape (N, 2)
        Wave vectors (y, x) in cycles per px.

    Returns
    -------
    sums : ndarray of complex128, shape (N,)
        As `fourier_sums`.
    moments : ndarray of complex128, shape (N, 2)
        Sums weighted with y and with x.
    """
    count, phases = len(frequencies), 2 * np.pi * np.outer(patch.x, frequencies[:, 1])
    parts = np.concatenate([np.cos(phases), -np.sin(phases)], axis=1)
    # One real product for all: numpy would make the patch complex for a complex one.
    real, imaginary, x_real, x_imaginary = np.split(
        patch.weighted @ np.concatenate([parts, patch.x[:, None] * parts], axis=1),
        [count, 2 * count, 3 * count],
        axis=1,
    )
    down = np.exp(-2j * np.pi * np.outer(patch.y, frequencies[:, 0]))
    rows = down * (real + 1j * imaginary)
    by_x = (down * (x_real + 1j * x_imaginary)).sum(axis=0)
    return rows.sum(axis=0), np.stack([patch.y @ rows, by_x], axis=1)


def find_side_lattice(patch: Patch, cells: Sequence[Array]) -> SideLattice | None:
    """Find the lattice of a patch among known unit cells in any orientation.

    Parameters
    ----------
    patch : Patch
    cells : sequence of ndarray of float64, shape (2, 2)
        Base vectors (y, x) in px of the unit cells of the image, as rows.

    Returns
    -------
    SideLattice or None
        None where reflections in two directions do not stand out from the noise.
    """
    spectrum, noise = _spectrum(patch)
    size = len(spectrum)
    best: tuple[float, Array] | None = None
    for bases in _orientations(cells):
        # All of one cell have the same reflections.
        orders = _orders(bases[0], patch.spacing)
        found = _lookup(spectrum, size, patch.spacing * (orders @ bases))
        scores = np.sqrt(found).sum(axis=1) / np.sqrt(max(len(orders), 1))
        number = int(scores.argmax())
        if best is None or scores[number] > best[0] + 1e-9:
            best = float(scores[number]), bases[number]
    return None if best is None else refined(patch, best[1], noise)


def refined(patch: Patch, basis: Array, noise: float) -> SideLattice | None:
    """Fit the reciprocal basis of a patch to its reflections.

    Parameters
    ----------
    patch : Patch
    basis : ndarray of float64, shape (2, 2)
        Approximate reciprocal vectors (y, x) as rows, in cycles per px.
    noise : float
        Median amplitude of a Fourier sum without a reflection.

    Returns
    -------
    SideLattice or None
        None where the reflections do not determine it.
    """
    orders = _orders(basis, patch.spacing)
    spread = _covariance(patch)
    centre = _centre(patch)
    for _ in range(_ITERATIONS):
        sums, moments = fourier_moments(patch, orders @ basis)
        signal = np.abs(sums) / noise
        use = signal > _LEAST_SIGNAL
        if np.linalg.matrix_rank(orders[use]) < 2:
            return None
        moment = moments[use] / sums[use, None] - centre
        away = np.linalg.solve(spread, moment.imag.T).T / (2 * np.pi)
        weight = np.minimum(signal[use], 10 * _LEAST_SIGNAL)[:, None]
        change, *_ = np.linalg.lstsq(orders[use] * weight, away * weight, rcond=None)
        basis = basis + change
    sums = fourier_sums(patch, orders @ basis)
    signal = np.abs(sums) / noise
    use = signal > _LEAST_SIGNAL
    if np.linalg.matrix_rank(orders[use]) < 2:
        return None
    return SideLattice(basis, orders[use], signal[use])


def _spectrum(patch: Patch) -> tuple[NDArray[np.float32], float]:
    """Return the amplitude spectrum of a patch, zero-padded to a square, over the noise; both."""
    size = int(2 ** np.ceil(np.log2(max(patch.least_edge, *patch.pixels.shape))))
    # Rows of zeros, which fill the square, need no transform of their own.
    rows = fft.rfft(patch.weighted.astype(np.float32), size, axis=1)
    half = np.abs(fft.fft(rows, size, axis=0))
    # The median at the higher frequencies, where there is mostly noise.
    part = half[size // 8 : size // 2 : 3, size // 8 : size // 2 : 3]
    noise = max(float(np.median(part)), 1e-12)
    return np.asarray(half / noise), noise


def _lookup(spectrum: NDArray[np.float32], size: int, frequencies: Array) -> Array:
    """Return the highest amplitude within a bin of each frequency (..., 2) in cycles per row."""
    flipped = np.where(frequencies[..., 1:] < 0, -frequencies, frequencies)
    index = np.rint(flipped * size).astype(np.intp)
    found = np.zeros(index.shape[:-1])
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            columns = np.clip(index[..., 1] + right, 0, spectrum.shape[1] - 1)
            np.maximum(found, spectrum[(index[..., 0] + down) % size, columns], out=found)
    return found


def _orders(basis: Array, spacing: float) -> Array:
    """Return the reflections (N, 2) of a reciprocal basis, one of each opposite pair."""
    size = range(-_MAX_ORDER, _MAX_ORDER + 1)
    orders = np.array([(h, k) for h in size for k in size if (h, k) > (0, 0)], np.float64)
    length = np.hypot(*(orders @ basis).T)
    limit = min(HIGHEST / spacing, 2.6 * float(np.hypot(*basis.T).max()))
    return np.asarray(orders[length < limit])


def _orientations(cells: Sequence[Array]) -> list[Array]:
    """Return arrays (n, 2, 2) of reciprocal bases: each cell, the first one turned and mirrored."""
    bases = [reduce_basis(np.linalg.inv(np.asarray(each)).T) for each in cells]
    angles = np.radians(np.arange(0, 180, _STEP_DEG))
    cosine, sine = np.cos(angles), np.sin(angles)
    turns = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], -2)
    turned = [start @ turns for start in (bases[0], bases[0] * [1, -1])]
    return [*(each[None] for each in bases), *turned]


def _centre(patch: Patch) -> Array:
    total = max(float(patch.weights.sum()), 1e-12)
    y = float(patch.weights.sum(axis=1) @ patch.y) / total
    x = float(patch.weights.sum(axis=0) @ patch.x) / total
    return np.array([y, x])


def _covariance(patch: Patch) -> Array:
    total = max(float(patch.weights.sum()), 1e-12)
    centre = _centre(patch)
    y, x = patch.y - centre[0], patch.x - centre[1]
    yy = float(patch.weights.sum(axis=1) @ y**2) / total
    xx = float(patch.weights.sum(axis=0) @ x**2) / total
    xy = float(y @ patch.weights @ x) / total
    return np.array([[yy, xy], [xy, xx]])
