"""Windows of an image around like places, blurred, and how much they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.spline_windows import spline_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WINDOW, _SMALLEST, _SMOOTH = 0.62, 0.3, 0.13
"""Half width of the compared windows, and beside the border, and standard deviation of their blur
in lattice periods."""


def compared_radius(
    shape: tuple[int, ...], position: NDArray[np.float64], period: float
) -> int | None:
    """Return half the width of the windows that are compared with that of a place.

    Parameters
    ----------
    shape : (Y, X)
        Of the image.
    position : ndarray of float, shape (2,)
        y and x in px.
    period : float
        Lattice period in px.

    Returns
    -------
    int or None
        In px; None where too little of the window lies in the image.
    """
    last = np.array(shape) - 1
    radius = int(min(round(_WINDOW * period), *position, *(last - position)))
    return None if radius < max(2.0, _SMALLEST * period) else radius


def like_windows(
    pixels: NDArray[np.float32], centres: NDArray[np.float64], radius: int, period: float
) -> NDArray[np.float64]:
    """Return blurred windows around places of an image.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
    centres : ndarray of float, shape (N, 2)
        y and x in px, at least ``radius`` from the border.
    radius : int
        Half the width of a window in px.
    period : float
        Lattice period in px.

    Returns
    -------
    ndarray of float64, shape (N, 2 * radius + 1, 2 * radius + 1)
    """
    blur = _SMOOTH * period
    margin = radius + 4 * blur + 4
    low = np.maximum(np.floor(centres.min(axis=0) - margin), 0).astype(int)
    high = (np.ceil(centres.max(axis=0) + margin) + 1).astype(int)
    part = pixels[low[0] : high[0], low[1] : high[1]].astype(np.float64)
    blurred = ndimage.gaussian_filter(part, blur)
    return spline_windows(ndimage.spline_filter(blurred, mode="nearest"), centres - low, radius)


def differences(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean square difference of windows from others.

    Parameters
    ----------
    first, second : ndarray of float64, shapes (N, w, w) and (M, w, w)

    Returns
    -------
    ndarray of float64, shape (N, M)
    """
    squares: NDArray[np.float64] = ((first[:, None] - second) ** 2).mean(axis=(-2, -1))
    return squares


def usual_difference(windows: NDArray[np.float64]) -> float:
    """Return the median difference of windows from each other.

    Parameters
    ----------
    windows : ndarray of float64, shape (N, w, w)
        At least two.

    Returns
    -------
    float
    """
    every = differences(windows, windows)
    return float(np.median(every[np.triu_indices(len(every), 1)]))
