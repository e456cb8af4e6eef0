"""Linear filters that predict an image from itself, and their fit.

The filter is that of Wiener: windows of the image, wherever they lie on the lattice, have a
covariance C, and the part of a window v that noise of variance s does not explain is
C (C + s)^-1 v. Its centre, subtracted from the image, leaves s (C + s)^-1 v: one convolution.
(Pratt, Digital Image Processing, 2007, chapter 12.)

A window of a few columns does not show where in a cell of many columns it lies. There, the same
place in the cells around belongs to the window, too. A defect in one of them is predicted where
there is none, so filters that use only the cells on one side take over where they leave far less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy
from numpy.lib.stride_tricks import sliding_window_view
from scipy import linalg

from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur

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
_AROUND = (2.4, 1.6)
"""Distance in periods up to which cells belong to the window of a large one: about 18 cells, or 8
in a small image."""
_LARGEST_SHARE = 0.4
"""Half the width of a filter, at most, as a share of the smaller edge of the image."""
_MOST_ORDER = 12
_FAR_LESS = 0.5
"""Power left by a filter of one side, in that of all sides, up to which it takes over."""


class Taps(NamedTuple):
    """Places of a window that a prediction uses.

    Attributes
    ----------
    width : int
        Edge of the square around the centre in samples, odd.
    further : ndarray of int, shape (K, 2)
        y and x of further places from the centre.
    cells : ndarray of int, shape (K, 2)
        The cell of each, in lattice vectors from that of the centre.
    """

    width: int
    further: NDArray[np.intp]
    cells: NDArray[np.intp]

    @property
    def reach(self) -> int:
        """Largest distance from the centre along y or x."""
        return max(self.width // 2, int(np.abs(self.further).max(initial=0)))


def square_taps(width: int) -> Taps:
    """Return the taps of a square window.

    Parameters
    ----------
    width : int
        Edge in samples, odd.

    Returns
    -------
    Taps
    """
    return Taps(width, np.zeros((0, 2), np.intp), np.zeros((0, 2), np.intp))


def with_cells_around(taps: Taps, lattice: NDArray[np.float64], shape: tuple[int, int]) -> Taps:
    """Add the same place of the cells around, as many as suit the image.

    Parameters
    ----------
    taps : Taps
        Of a square window.
    lattice : ndarray of float, shape (2, 2)
        Base vectors (y, x) in samples.
    shape : (Y, X)
        Of the image.

    Returns
    -------
    Taps
        With 3 x 3 samples of each cell.
    """
    half = taps.width // 2
    near = np.array(list(np.ndindex(3, 3))) - 1
    size = range(-_MOST_ORDER, _MOST_ORDER + 1)
    orders = np.array([(i, j) for i in size for j in size if (i, j) != (0, 0)])
    distance = np.hypot(*(orders @ lattice).T) / np.sqrt(abs(np.linalg.det(lattice)))
    for most in _AROUND:
        cells = orders[distance <= most]
        places = np.rint(cells @ lattice).astype(np.intp)[:, None] + near
        further, of_cell = places.reshape(-1, 2), np.repeat(cells, len(near), axis=0)
        new = np.abs(further).max(axis=1) > half
        found = Taps(taps.width, further[new], of_cell[new])
        if found.reach <= _LARGEST_SHARE * min(shape):
            return found
    return taps


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
    sides : tuple of Predictor
        Filters as wide that use the cells on one side only.
    """

    kernel: NDArray[np.float32]
    offset: float
    lattice: NDArray[np.float64] | None = None
    sides: tuple[Predictor, ...] = ()

    @property
    def half(self) -> int:
        """Half the width of the kernel, rounded down."""
        return int(self.kernel.shape[0]) // 2

    @property
    def own(self) -> float:
        """Weight of a sample in its own residual."""
        return float(self.kernel[self.half, self.half])

    def apply(self, padded: NDArray[np.float32], pool: float) -> NDArray[np.float32]:
        """Return the residual of an image.

        Parameters
        ----------
        padded : ndarray of float32, shape (Y + 2 * half, X + 2 * half)
            The image with half a kernel on each side.
        pool : float
            Standard deviation in samples of the Gaussian within which filters are compared.

        Returns
        -------
        ndarray of float32, shape (Y, X)
        """
        best = self._convolved(padded)
        if self.sides:
            least = gaussian_blur(np.square(best), pool) * np.float32(_FAR_LESS)
            for side in self.sides:
                residual = side._convolved(padded)
                power = gaussian_blur(np.square(residual), pool)
                better = power < least
                best[better], least[better] = residual[better], power[better]
        return best

    def _convolved(self, padded: NDArray[np.float32]) -> NDArray[np.float32]:
        flipped = self.kernel[::-1, ::-1]
        left = scipy.signal.oaconvolve(padded, flipped, mode="valid") - np.float32(self.offset)
        residual: NDArray[np.float32] = left.astype(np.float32, copy=False)
        return residual


def draw_windows(
    image: NDArray[np.float32],
    taps: Taps,
    tiles: Sequence[Tile],
    count: int,
    rng: np.random.Generator,
    ignored: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Cut windows at random places of some tiles.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    taps : Taps
    tiles : sequence of Tile
        A single one stands for the whole image.
    count : int
    rng : numpy.random.Generator
    ignored : ndarray of bool, shape (Y, X), optional
        Places where no window is wanted; they are used if there are no others.

    Returns
    -------
    ndarray of float32, shape (N, T)
        The square row by row, then the further places; N is count or less.
    """
    reach, drawn = taps.reach, count if ignored is None else _DRAWN * count
    chosen = np.array(tiles)[rng.integers(0, len(tiles), drawn)]
    inside = rng.integers(0, 1 << 30, (2, drawn))
    if len(tiles) == 1:  # the whole image: also what lies beyond its inscribed square
        y, x = (inside[axis] % image.shape[axis] for axis in (0, 1))
    else:
        y, x = (chosen[:, axis] + inside[axis] % chosen[:, 2] for axis in (0, 1))
    y = np.clip(y, reach, image.shape[0] - reach - 1)
    x = np.clip(x, reach, image.shape[1] - reach - 1)
    if ignored is not None:
        kept = np.flatnonzero(~ignored[y, x])[:count]
        y, x = (axis[kept] if len(kept) else axis[:count] for axis in (y, x))
    half = taps.width // 2
    square = sliding_window_view(image, (taps.width, taps.width))[y - half, x - half]
    windows: NDArray[np.float32] = square.reshape(len(square), -1)
    if not len(taps.further):
        return windows
    further = image[y[:, None] + taps.further[:, 0], x[:, None] + taps.further[:, 1]]
    return np.concatenate([windows, further], axis=1)


def fit_predictor(windows: NDArray[np.float32], taps: Taps) -> Predictor:
    """Fit a predictor to the windows that a few principal components describe best.

    Parameters
    ----------
    windows : ndarray of float32, shape (N, T)
        See `draw_windows`.
    taps : Taps

    Returns
    -------
    Predictor
        With one filter for each side if there are further places.
    """
    centre = windows.mean(axis=0)
    centred = windows - centre
    power = np.einsum("nt,nt->n", centred, centred)
    total, count = centred.T @ centred, len(windows)
    shift, covariance = np.zeros_like(centre), total / np.float32(count)
    for _ in range(_ROUNDS):
        _, axes = linalg.eigh(
            covariance,
            subset_by_index=(len(covariance) - _LATTICE_COMPONENTS, len(covariance) - 1),
        )
        along = centred @ axes - shift @ axes
        left = power - 2 * (centred @ shift) + shift @ shift - np.square(along).sum(axis=1)
        # Sums over the windows that are kept are those over all without the fewer that are not.
        dropped = centred[left > np.quantile(left, 1 - _DROPPED)]
        kept = count - len(dropped)
        shift = -dropped.sum(axis=0) / np.float32(kept)
        covariance = (total - dropped.T @ dropped) / np.float32(kept) - np.outer(shift, shift)
    mean = centre + shift
    whole = _solved(covariance, mean, taps, np.ones(len(mean), bool))
    if not len(taps.further):
        return whole
    square = np.ones(taps.width**2, bool)
    sides = [sign * taps.cells[:, axis] > 0 for axis in (0, 1) for sign in (1, -1)]
    return replace(
        whole,
        sides=tuple(
            _solved(covariance, mean, taps, np.concatenate([square, side])) for side in sides
        ),
    )


def _solved(
    covariance: NDArray[np.float32],
    mean: NDArray[np.float32],
    taps: Taps,
    used: NDArray[np.bool_],
) -> Predictor:
    """Return the filter that uses some of the taps, the square among them."""
    part = covariance if used.all() else covariance[np.ix_(used, used)]
    noise = max(float(np.trace(part)) / len(part), 1e-12)
    centre = np.zeros(len(part), np.float32)
    centre[taps.width**2 // 2] = 1
    regularised = part + noise * np.eye(len(part), dtype=part.dtype)
    weights = noise * linalg.solve(regularised, centre, assume_a="pos")
    square, further = np.split(weights, [taps.width**2])
    margin = taps.reach - taps.width // 2
    kernel = np.pad(square.reshape(taps.width, taps.width).astype(np.float32), margin)
    y, x = (taps.further[used[taps.width**2 :]] + taps.reach).T
    np.add.at(kernel, (y, x), further.astype(np.float32))
    return Predictor(kernel, float(mean[used] @ weights))
