"""Which column of a cell is missing or weaker at a place, and by how much.

All columns of the cell are known from the mean of like windows (`lattice.column_motif`), resolved
or not. What the place has less than the mean is fitted by Gaussians of their width at their places:
by the one column that explains most of it, or by two where the second one explains more than noise
does. The amplitude over the height of the column is the share that was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.lattice.column_motif import columns_near, fit_motif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.lattice.column_motif import Array, Motif
    from napari_stem_defects.lattice.site_surroundings import Surroundings

_REACH = 0.55
"""Distance of a change from the columns that it may have taken, in lattice periods."""
_AROUND = 0.5
"""Standard deviation of the weights around a change, in lattice periods."""
_BOTH = 0.35
"""Share lost by a second column, relative to that of the first one, from which both are."""
_MORE_THAN_NOISE = 20.0
"""What a second column explains, in units of the median of what it explains of like windows."""
_LARGEST_ERROR = 0.25
"""Relative error of a height up to which a column is known."""
_NEGLIGIBLE = 0.03


class Loss(NamedTuple):
    """What a place has lost.

    Attributes
    ----------
    y, x : float
        The column, or the middle of two that lost as much, in px from the centre of the window.
    share : float
        Integrated intensity that is gone, relative to like columns.
    shares : ndarray of float64, shape (N,)
        The same figure of the like windows.
    error : float
        Standard deviation of the share from that of the heights of the columns.
    rank : int
        How many columns of the cell are brighter.
    """

    y: float
    x: float
    share: float
    shares: Array
    error: float
    rank: int


def measure_loss(
    around: Surroundings, change: tuple[float, float], peaks: Sequence[tuple[float, float]]
) -> Loss | None:
    """Measure what a place has less than like places.

    Parameters
    ----------
    around : Surroundings
        The window of the place and like windows.
    change : (float, float)
        Middle (y, x) of the change in px from the centre of the window.
    peaks : sequence of (float, float)
        Peaks of the mean, where columns are sought first.

    Returns
    -------
    Loss or None
        None where the columns of the cell cannot be distinguished, or none is near the change.
    """
    motif = fit_motif(around, np.array(peaks).reshape(-1, 2))
    if motif is None:
        return None
    near = columns_near(motif, around.vectors, change, _REACH * around.period)
    near = near[motif.errors[near[:, 2].astype(int)] < _LARGEST_ERROR]
    if not len(near):
        return None
    fits = _Fits.of(around, change, motif, near)
    one = min(range(len(near)), key=lambda number: float(fits.left([number])[0]))
    return _loss(fits, fits.with_second(one), motif)


class _Fits(NamedTuple):
    """Differences of windows from the mean, weighted, and the columns near a change."""

    targets: Array
    bumps: Array
    ground: Array
    columns: Array
    heights: Array

    @classmethod
    def of(
        cls, around: Surroundings, change: tuple[float, float], motif: Motif, near: Array
    ) -> _Fits:
        radius = around.radius
        y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1)
        apart = (y - change[0]) ** 2 + (x - change[1]) ** 2
        weight = np.exp(-apart / (2 * (_AROUND * around.period) ** 2))
        used = np.flatnonzero(weight > _NEGLIGIBLE)
        y, x, weight = y[used], x[used], weight[used]
        windows = np.concatenate([around.window[None], around.others])
        targets = weight * (around.mean - windows).reshape(len(windows), -1)[:, used]
        squares = (y - near[:, :1]) ** 2 + (x - near[:, 1:2]) ** 2
        bumps = weight * np.exp(-squares / (2 * motif.sigma**2))
        return cls(targets, bumps, weight, near, motif.heights[near[:, 2].astype(int)])

    def lost(self, numbers: Sequence[int]) -> tuple[Array, Array]:
        """Return the shares that columns lost (N, K) of each window, and what that leaves (N,)."""
        design = np.array([*self.bumps[numbers], self.ground])
        found = np.linalg.pinv(design @ design.T, hermitian=True) @ (design @ self.targets.T)
        left = self.targets - found.T @ design
        return found[:-1].T / self.heights[numbers], (left**2).sum(axis=1)

    def left(self, numbers: Sequence[int]) -> Array:
        """Return what columns do not explain of each window, (N,)."""
        return self.lost(numbers)[1]

    def with_second(self, one: int) -> list[int]:
        """Return the columns that lost something: the one that did, or it and a second one."""
        alone, best = self.left([one]), [one]
        least = alone[0]
        for other in range(len(self.columns)):
            if other == one:
                continue
            shares, left = self.lost([one, other])
            gained = alone - left
            is_more = gained[0] > _MORE_THAN_NOISE * float(np.median(gained[1:]))
            if shares[0].min() > _BOTH * shares[0].max() and is_more and left[0] < least:
                least, best = left[0], [one, other]
        return best


def _loss(fits: _Fits, numbers: list[int], motif: Motif) -> Loss:
    shares, _ = fits.lost(numbers)
    heights = fits.heights[numbers]
    kinds = fits.columns[numbers, 2].astype(int)
    every = shares @ heights / heights.sum()
    relative = float(np.sqrt(((motif.errors[kinds] * heights) ** 2).sum()) / heights.sum())
    y, x = fits.columns[numbers, :2].mean(axis=0)
    rank = int((motif.heights > heights.max()).sum())
    return Loss(float(y), float(x), float(every[0]), every[1:], abs(every[0]) * relative, rank)
