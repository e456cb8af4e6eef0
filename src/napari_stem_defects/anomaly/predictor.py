"""Linear filter that subtracts from an image what its lattice predicts; see `anomaly.residual`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy
from numpy.lib.stride_tricks import sliding_window_view
from scipy import linalg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.grains import Tile

_LATTICE_COMPONENTS = 8
"""Principal components that span most of a lattice: a sine and a cosine of four reflections."""
_DROPPED = 0.3
"""Share of the windows that fit the lattice least, left out so that no defect is learned."""
_ROUNDS = 2
_DRAWN = 8
"""Windows drawn for each that is wanted where parts of the image are ignored."""


@dataclass(frozen=True)
class Predictor:
    """Linear filter that subtracts what a lattice predicts.

    Attributes
    ----------
    kernel : ndarray of float32, shape (w, w)
        w is odd.
    offset : float
        What the kernel yields for the mean window.
    lattice : ndarray of float, shape (2, 2), or None
        Base vectors (y, x) in samples, by which the grain is continued beyond the border.
    """

    kernel: NDArray[np.float32]
    offset: float
    lattice: NDArray[np.float64] | None = None

    def apply(self, padded: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the residual of an image that is padded by half a kernel on each side."""
        flipped = self.kernel[::-1, ::-1]
        left = scipy.signal.oaconvolve(padded, flipped, mode="valid") - np.float32(self.offset)
        residual: NDArray[np.float32] = left.astype(np.float32, copy=False)
        return residual


def cut_windows(
    image: NDArray[np.float32],
    width: int,
    tiles: Sequence[Tile],
    count: int,
    rng: np.random.Generator,
    ignored: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Cut windows of an image at random places.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
    width : int
        Of a window in samples, odd.
    tiles : sequence of Tile
        Where they are cut.
    count : int
    rng : numpy.random.Generator
        Of the places.
    ignored : ndarray of bool, shape (rows, columns), optional
        Where no window has its middle.

    Returns
    -------
    ndarray of float32, shape (count, width * width)
    """
    half, drawn = width // 2, count if ignored is None else _DRAWN * count
    chosen = np.array(tiles)[rng.integers(0, len(tiles), drawn)]
    inside = rng.integers(0, 1 << 30, (2, drawn))
    if len(tiles) == 1:  # the whole image: also what lies beyond its inscribed square
        y, x = (inside[axis] % image.shape[axis] for axis in (0, 1))
    else:
        y, x = (chosen[:, axis] + inside[axis] % chosen[:, 2] for axis in (0, 1))
    y = np.clip(y, half, image.shape[0] - half - 1) - half
    x = np.clip(x, half, image.shape[1] - half - 1) - half
    if ignored is not None:
        kept = np.flatnonzero(~ignored[y + half, x + half])[:count]
        y, x = (axis[kept] if len(kept) else axis[:count] for axis in (y, x))
    windows: NDArray[np.float32] = sliding_window_view(image, (width, width))[y, x]
    return windows.reshape(len(windows), -1)


def fit_predictor(windows: NDArray[np.float32], width: int) -> Predictor:
    """Fit a predictor to the windows that a few principal components describe best.

    Parameters
    ----------
    windows : ndarray of float32, shape (N, width * width)
    width : int
        Of a window in samples.

    Returns
    -------
    Predictor
    """
    kept = windows
    for remaining in range(_ROUNDS, -1, -1):
        mean = kept.mean(axis=0)
        covariance = _covariance(kept - mean)
        if remaining:
            _, axes = linalg.eigh(
                covariance,
                subset_by_index=(len(covariance) - _LATTICE_COMPONENTS, len(covariance) - 1),
            )
            centred = windows - mean
            left = np.square(centred).sum(axis=1) - np.square(centred @ axes).sum(axis=1)
            kept = windows[left <= np.quantile(left, 1 - _DROPPED)]
    noise = max(float(np.trace(covariance)) / len(covariance), 1e-12)
    centre = np.zeros(len(covariance), np.float32)
    centre[len(centre) // 2] = 1
    regularised = covariance + noise * np.eye(len(covariance), dtype=covariance.dtype)
    kernel = noise * linalg.solve(regularised, centre, assume_a="pos")
    return Predictor(kernel.reshape(width, width).astype(np.float32), float(mean @ kernel))


def _covariance(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    covariance: NDArray[np.float32] = centred.T @ centred / np.float32(len(centred))
    return covariance
