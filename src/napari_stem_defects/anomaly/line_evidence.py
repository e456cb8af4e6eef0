"""Evidence for lines: what the residual of a planar defect repeats along the lattice.

A stacking fault, a twin or an anti-phase boundary that is seen edge-on lies along a lattice vector
and repeats by it, so the mean of the residual over some periods along that vector keeps the fault
and averages noise out. A single column is limited before it is averaged, so that it does not become
a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.preprocessing.gaussian_blur import blur_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LINE_POOL = 0.5
"""Standard deviation of the average, in lattice periods."""
HALVED = 2
"""Samples per place of the evidence: it is smooth, so that every second place is enough."""
_REACH = 3.0
"""Distance in lattice periods, on both sides, over which the residual is averaged."""
_LIMIT = 2.5
_VECTORS_PER_LATTICE, _MAX_VECTORS = 4, 8
_ORDER = 2
_SAME = 0.04
"""Difference of two vectors in units of their length up to which they are one direction."""
_TRUNCATE = 3.0


def line_reach(samples: float) -> int:
    """Return how far away the residual counts for the evidence at a place.

    Parameters
    ----------
    samples : float
        Samples per lattice period.

    Returns
    -------
    int
        In samples.
    """
    return int(np.ceil((_REACH + 0.5 + _TRUNCATE * LINE_POOL) * samples)) + HALVED


def line_vectors(lattices: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return the vectors along which lines are sought: the shortest of every lattice.

    Parameters
    ----------
    lattices : sequence of ndarray of float, each of shape (2, 2)
        Base vectors (y, x) in samples.

    Returns
    -------
    list of ndarray of float, each of shape (2,)
        At most eight, none twice.
    """
    order = np.mgrid[-_ORDER : _ORDER + 1, -_ORDER : _ORDER + 1].reshape(2, -1).T
    # One of each pair of opposite vectors, and no multiples.
    order = order[(order[:, 0] > 0) | ((order[:, 0] == 0) & (order[:, 1] > 0))]
    order = order[np.gcd(*order.T) == 1]
    found: list[NDArray[np.float64]] = []
    for vectors in lattices:
        shortest = sorted(order @ vectors, key=lambda vector: float(np.hypot(*vector)))
        found += [
            vector
            for vector in shortest[:_VECTORS_PER_LATTICE]
            if not any(_is_same(vector, other) for other in found)
        ]
    return found[:_MAX_VECTORS]


def _is_same(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    apart = min(float(np.hypot(*(first - second))), float(np.hypot(*(first + second))))
    return apart < _SAME * float(np.hypot(*second))


def line_rms(
    residual: NDArray[np.float32], vectors: Sequence[NDArray[np.float64]], samples: float
) -> NDArray[np.float32]:
    """Return the root mean square of the residual averaged along the best of some vectors.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
        In multiples of its spread; limited to +-2.5 here.
    vectors : sequence of ndarray of float, each of shape (2,)
        See `line_vectors`.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of float32, shape (ceil(Y / 2), ceil(X / 2))
        In multiples of what noise without correlation leaves; zeros without vectors.
    """
    height, width = (-(-length // HALVED) for length in residual.shape)
    best = np.zeros((height, width), np.float32)
    limited, sigma = np.clip(residual, -_LIMIT, _LIMIT), LINE_POOL * samples / HALVED
    for vector in vectors:
        square = _binned_square(_averaged(limited, vector, samples))
        mean = blur_axes(square, sigma, int(_TRUNCATE * sigma + 0.5))
        np.maximum(best, mean, out=best)
    return np.sqrt(best, out=best)


def as_samples(evidence: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return evidence at every sample.

    Parameters
    ----------
    evidence : ndarray of float32, shape (ceil(Y / 2), ceil(X / 2))
        See `line_rms`.
    shape : (Y, X)

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    repeated = evidence.repeat(HALVED, axis=0).repeat(HALVED, axis=1)
    return repeated[: shape[0], : shape[1]]


def _averaged(
    values: NDArray[np.float32], vector: NDArray[np.float64], samples: float
) -> NDArray[np.float32]:
    """Return the sum of copies shifted along a vector, over the root of their number.

    Beyond the border there are none, so that fewer are averaged where a line leaves the image.
    """
    count = max(1, round(_REACH * samples / float(np.hypot(*vector))))
    total = values.copy()
    shifts = np.rint(np.arange(1, count + 1)[:, None] * vector).astype(int)
    for dy, dx in shifts.tolist():
        here, there = _overlap(values.shape[0], dy), _overlap(values.shape[0], -dy)
        left, right = _overlap(values.shape[1], dx), _overlap(values.shape[1], -dx)
        total[here, left] += values[there, right]
        total[there, right] += values[here, left]
    total /= np.sqrt(_copies(values.shape, shifts))
    return total


def _copies(shape: tuple[int, ...], shifts: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return how many of the copies, shifted there and back, cover each place, with itself."""
    found = np.ones(shape, np.float32)
    for moved in (shifts, -shifts):
        # A longer shift leaves the image wherever a shorter one does.
        along_y, along_x = map(_covering, shape, moved.T)
        found += np.minimum(along_y[:, None], along_x)
    return found


def _covering(length: int, shifts: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return how many shifted copies of an axis cover each of its places."""
    source = np.arange(length) - shifts[:, None]
    covered: NDArray[np.float32] = ((source >= 0) & (source < length)).sum(axis=0, dtype=np.float32)
    return covered


def _overlap(length: int, shift: int) -> slice:
    """Return the places of an axis that have a partner ``shift`` places back."""
    return slice(max(0, shift), max(0, length + min(0, shift)))


def _binned_square(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean square of 2 x 2 samples; the last row and column may repeat."""
    odd = [(0, length % HALVED) for length in values.shape]
    square = np.square(np.pad(values, odd, mode="edge") if any(odd[0] + odd[1]) else values)
    rows = square[0::2] + square[1::2]
    binned: NDArray[np.float32] = (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)
    return binned
