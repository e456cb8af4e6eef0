"""What the lattice repeats around a place: its window, like windows and their mean.

Windows at whole lattice vectors around it, in opposite pairs, so that strain, drift and thickness
cancel to first order, are averaged; beside a border that cuts the pairs apart, a plane through the
values of each pixel does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.spline_windows import spline_windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell

UNLIKE = 2.5
"""Times the usual deviation of the ring around the core from which the surroundings differ."""

# In lattice periods: half width of the window, beside the border, and core a defect may change.
_WINDOW, _SMALLEST, _CORE = 1.0, 0.68, 0.62
# Lattice vectors in both directions; more of them beside the border, where those across it miss.
_REPEATS, _REPEATS_AT_BORDER, _REPEATS_ONE_SIDED = 2, 5, 3
_FEWEST = 6  # like places
_SAME_PX = 1e-3
_TRIMMED = 0.15  # of the values of a pixel at either end: columns that other defects changed


@dataclass(frozen=True)
class Surroundings:
    """The window at a place, those at like places, and their mean.

    Attributes
    ----------
    radius : int
        Half width of the windows in px.
    window : ndarray of float64, shape (2 R + 1, 2 R + 1)
        Of the place.
    period : float
        Shorter lattice vector in px.
    vectors : ndarray of float64, shape (2, 2)
        Lattice vectors (y, x) in px.
    others : ndarray of float64, shape (N, 2 R + 1, 2 R + 1)
        Of like places, with the background of the place.
    mean : ndarray of float64, shape (2 R + 1, 2 R + 1)
        What stands at the place by those.
    leverage : float
        Variance of the mean in units of that of one window.
    unlike : float
        Deviation of the ring around the core from the mean, relative to that of the others.
    """

    radius: int
    window: NDArray[np.float64]
    period: float
    vectors: NDArray[np.float64]
    others: NDArray[np.float64]
    mean: NDArray[np.float64]
    leverage: float
    unlike: float

    @property
    def ring(self) -> NDArray[np.bool_]:
        """Pixels of a window outside the core that a defect may change."""
        return _ring(self.radius, self.period)


def surroundings_of(
    pixels: NDArray[np.float32], cell: UnitCell, position: tuple[float, float]
) -> Surroundings | None:
    """Return the windows at a place and at whole lattice vectors from it.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Intensities with bright columns.
    cell : UnitCell
        Lattice.
    position : (float, float)
        y and x in px.

    Returns
    -------
    Surroundings or None
        None where too few like places are in the image.
    """
    vectors = np.array(cell.vectors_px, float)
    period = float(np.hypot(*vectors.T).min())
    centre = np.rint(position)
    limits = np.array(pixels.shape) - 1
    for radius, repeats in _sizes(centre, limits, period):
        shifts = _paired(_whole(centre, vectors, limits, radius, repeats))
        if len(shifts) >= _FEWEST:
            break
    else:
        radius = min(int(np.concatenate([centre, limits - centre]).min()), round(_WINDOW * period))
        if radius < max(4, round(_SMALLEST * period)):
            return None
        shifts = _whole(centre, vectors, limits, radius, _REPEATS_ONE_SIDED)
        if len(shifts) < _FEWEST:
            return None
    around, local = _local(pixels, centre, shifts, radius)
    window, *others = spline_windows(around, np.vstack([local, local + shifts]), radius)
    like = _like(window, np.array(others), shifts, period)
    return None if like is None else Surroundings(radius, window, period, vectors, *like)


def _sizes(
    centre: NDArray[np.float64], limits: NDArray[np.intp], period: float
) -> Iterator[tuple[int, int]]:
    """Yield half widths of the windows and numbers of vectors, the preferred ones first."""
    room = int(np.concatenate([centre, limits - centre]).min())
    full, smallest = (max(4, round(share * period)) for share in (_WINDOW, _SMALLEST))
    if room >= full:
        yield full, _REPEATS
    for radius in range(min(full, room), smallest - 1, -1):
        yield radius, _REPEATS_AT_BORDER


def _whole(
    centre: NDArray[np.float64],
    vectors: NDArray[np.float64],
    limits: NDArray[np.intp],
    radius: int,
    repeats: int,
) -> NDArray[np.float64]:
    """Return the lattice vectors (N, 2) in px to like places whose windows are in the image."""
    steps = np.arange(-repeats, repeats + 1)
    shifts = np.array([(i, j) for i in steps for j in steps if i or j]) @ vectors
    places = centre + shifts
    inside: NDArray[np.float64] = shifts[
        np.all((places >= radius) & (places <= limits - radius), axis=1)
    ]
    return inside


def _paired(shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lattice vectors whose opposites are among them.

    The mean of others is shifted by strain and drift.
    """
    apart = np.abs(shifts[:, None] + shifts).max(axis=-1, initial=0.0)
    paired: NDArray[np.float64] = shifts[(apart < _SAME_PX).any(axis=1)]
    return paired


def _local(
    pixels: NDArray[np.float32],
    centre: NDArray[np.float64],
    shifts: NDArray[np.float64],
    radius: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return spline coefficients of the part around a place, and where the place lies in it."""
    reach = np.abs(shifts).max(axis=0) + radius + 4
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, pixels.shape).astype(int)
    part = pixels[low[0] : high[0], low[1] : high[1]].astype(np.float64)
    coefficients: NDArray[np.float64] = ndimage.spline_filter(part, order=3, mode="nearest")
    return coefficients, centre - low


def _like(
    window: NDArray[np.float64],
    others: NDArray[np.float64],
    shifts: NDArray[np.float64],
    period: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float] | None:
    """Return the windows that agree, their mean, its leverage, and how unlike the place is.

    Each window gets the background of the place; changes of thickness cancel between opposite
    windows. Windows that are unlike the others show defects themselves.
    """
    radius = window.shape[0] // 2
    ring = _ring(radius, period)
    grounds = np.median(others[:, ring], axis=1) - np.median(window[ring])
    even = others - grounds[:, None, None]
    ordered, count = np.sort(even, axis=0), len(even)  # quicker than numpy's median
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    deviation = np.sqrt(((even - median) ** 2).mean(axis=(1, 2)))
    agrees = deviation <= UNLIKE * np.median(deviation)
    kept, count = even[agrees], int(agrees.sum())
    if count < _FEWEST:
        return None
    if len(_paired(shifts)) == len(shifts):
        cut = int(_TRIMMED * count)
        ordered = ordered if agrees.all() else np.sort(kept, axis=0)
        mean, leverage = ordered[cut : count - cut].mean(axis=0), 1 / count
    else:
        kept, mean, leverage = _plane(kept, shifts[agrees])
    # Most of the ring: another defect in a part of it does not count.
    away = np.abs((np.concatenate([kept, window[None]]) - mean)[:, ring])
    *usual, own = np.percentile(away, 75, axis=1)
    if leverage > 1 / count:
        own /= np.sqrt(1 + leverage)
    return kept, mean, leverage, float(own / max(float(np.median(usual)), 1e-12))


def _ring(radius: int, period: float) -> NDArray[np.bool_]:
    distance = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
    return np.asarray((distance > _CORE * period) & (distance <= radius))


def _plane(
    windows: NDArray[np.float64], shifts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return windows without their linear change with the shift, the value at none, and leverage.

    Least squares, each pixel by itself.
    """
    design = np.column_stack([np.ones(len(shifts)), shifts])
    inverse = np.linalg.pinv(design)
    fitted = np.tensordot(inverse, windows, axes=1)
    slopes = np.tensordot(shifts, fitted[1:], axes=1)
    return windows - slopes, fitted[0], float((inverse[0] ** 2).sum())
