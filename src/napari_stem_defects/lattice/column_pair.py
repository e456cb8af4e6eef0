"""Two columns that the probe does not resolve, as those of a dumbbell, fitted together.

Their image is one elongated peak. Its centre lies nowhere in particular: towards the heavier
column, by a distance that depends on the probe. Two Gaussians of one width, fitted at once, find
both columns down to distances of about two standard deviations of the probe.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Array = NDArray[np.float64]

_ELONGATED = 1.25
"""Ratio of the axes of a peak from which it can be two columns."""
_CLOSEST, _FARTHEST = 1.2, 4.5
"""Distances of two columns, in standard deviations of the probe, between which they are a pair."""
_FAINTEST = 0.25
"""Least height of the lower column, as a share of the higher one."""
_ASTRIDE = 0.4
"""Distance of the middle of a pair from the centre of its peak, as a share of the pair's distance.

A peak that lies on one of two columns is a column by itself.
"""
_WINDOW, _REACH = 1.0, 2.2
"""Standard deviation of the weights, and half width of the part that is fitted, in long axes."""
_MOST_STEPS = 36
_NARROWEST_PX, _WIDEST_PX = 0.01, 1e3
"""Standard deviations between which a fit has converged."""
_PARAMETERS = 8
"""Two places, two heights, the width and the ground."""


class ColumnPair(NamedTuple):
    """Two columns of a window.

    Attributes
    ----------
    places : ndarray of float64, shape (2, 2)
        y and x of each in px from the centre of the window.
    heights : ndarray of float64, shape (2,)
        In units of the image.
    sigma : float
        Standard deviation of both in px.
    misfit : float
        Root mean square deviation of the window from both, relative to the higher one.
    """

    places: Array
    heights: Array
    sigma: float
    misfit: float = 0.0

    @property
    def middle(self) -> Array:
        """The place (y, x) half way between both columns."""
        return np.asarray(self.places.mean(axis=0))

    @property
    def distance_px(self) -> float:
        """Distance of the two columns."""
        return float(np.hypot(*(self.places[1] - self.places[0])))

    def lost(self, differences: Array) -> Array:
        """Return which share of each column changes of the image take away.

        Parameters
        ----------
        differences : ndarray of float64, shape (N, Y, X)
            Windows with a change minus that without.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            By linear least squares: 0 for a column that stays, 1 for one that is gone.
        """
        grid, weight = _weighted(differences.shape[1] // 2, self.middle, self._long)
        used = np.flatnonzero(weight)
        weight, at = weight.ravel()[used], grid.reshape(2, -1)[:, used]
        design = weight * np.stack([_bump(at, place, self.sigma) for place in self.places])
        changes = weight * differences.reshape(len(differences), -1)[:, used]
        found, *_ = np.linalg.lstsq(design.T, changes.T, rcond=None)
        return np.asarray(-found.T / self.heights)

    @property
    def _long(self) -> float:
        return float(np.hypot(self.sigma, self.distance_px / 2))


def fit_pair(image: Array, centre: Array, long_axis: Array, short_px: float) -> ColumnPair | None:
    """Fit two columns to an elongated peak.

    Parameters
    ----------
    image : ndarray of float64, shape (2 R + 1, 2 R + 1)
        A window with bright columns.
    centre : ndarray of float64, shape (2,)
        y and x of the peak in px from the centre of the window.
    long_axis : ndarray of float64, shape (2,)
        Long half axis (y, x) of its elliptical Gaussian, of the length of its standard deviation.
    short_px : float
        Standard deviation along the short axis.

    Returns
    -------
    ColumnPair or None
        None where the peak is round, or where two columns do not explain it.
    """
    long = float(np.hypot(*long_axis))
    if long < _ELONGATED * short_px:
        return None
    grid, weight = _weighted(image.shape[0] // 2, centre, long)
    inside = np.flatnonzero((weight > 0).ravel())
    if len(inside) <= _PARAMETERS:
        return None  # the peak lies at a corner of the window: fewer pixels than unknowns
    y, x = (axis.ravel()[inside] for axis in grid)
    weight, target = weight.ravel()[inside], image.ravel()[inside]
    # The variance of an elongated peak is that of the probe and of the two places.
    step = long_axis / long * np.sqrt(long**2 - short_px**2)

    by = np.stack([weight] * 8)
    latest: list[Array] = []  # parameters of the last residual, and what they gave

    def residual(p: Array) -> Array:
        down, across = y - p[0:4:2, None], x - p[1:4:2, None]
        squares = (down**2 + across**2) / np.exp(2 * p[6])
        bumps = weight * np.exp(-squares / 2)
        latest[:] = p.copy(), down, across, squares, bumps
        return np.asarray(p[4:6] @ bumps + weight * (p[7] - target))

    def derivatives(p: Array) -> Array:
        if not (latest and np.array_equal(latest[0], p)):
            residual(p)
        _, down, across, squares, bumps = latest
        heights = p[4:6, None] * bumps
        steep = heights / np.exp(2 * p[6])
        by[0:4:2], by[1:4:2] = steep * down, steep * across
        by[4:6], by[6] = bumps, (heights * squares).sum(axis=0)
        return by

    ground = float(np.percentile(target, 10))
    height = 0.7 * float(target.max() - ground)
    start = [*(centre + step), *(centre - step), height, height, np.log(short_px), ground]
    with np.errstate(all="ignore"):  # of trial steps, which are rejected
        found, *_ = optimize.leastsq(
            residual, start, Dfun=derivatives, col_deriv=True, maxfev=_MOST_STEPS, full_output=True
        )
        sigma = float(np.exp(found[6]))
    if not _NARROWEST_PX < sigma < _WIDEST_PX:
        return None  # no fit: a column without width or without an end
    misfit = np.sqrt((residual(found) ** 2).sum() / (weight**2).sum()) / max(found[4:6].max(), 1e-9)
    places, heights = found[:4].reshape(2, 2), found[4:6]
    pair = ColumnPair(places, heights, sigma, float(misfit))
    return pair if _is_sound(pair, centre) else None


def _is_sound(pair: ColumnPair, centre: Array) -> bool:
    low, high = sorted(pair.heights.tolist())
    apart = pair.distance_px / pair.sigma
    return bool(
        np.isfinite(pair.places).all()
        and low >= _FAINTEST * high > 0
        and _CLOSEST <= apart <= _FARTHEST
        and np.hypot(*(pair.middle - centre)) <= _ASTRIDE * pair.distance_px
    )


def _weighted(radius: int, centre: Array, long_px: float) -> tuple[Array, Array]:
    """Return y and x of a window (2, Y, X), and weights that fall to 0 away from a place."""
    grid = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    weight = _bump(grid, centre, _WINDOW * long_px)
    weight[(np.abs(grid - centre[:, None, None]) > _REACH * long_px).any(axis=0)] = 0.0
    return grid, weight


def _bump(grid: Array, place: Array, sigma: float) -> Array:
    """Return a Gaussian of height 1 on a grid (2, ...)."""
    return np.asarray(
        np.exp(-((grid[0] - place[0]) ** 2 + (grid[1] - place[1]) ** 2) / (2 * sigma**2))
    )
