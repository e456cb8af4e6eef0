"""Windows of an image between its pixels, all of one size, by cubic splines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray


def spline_windows(
    coefficients: NDArray[np.float64], centres: NDArray[np.float64], radius: int
) -> NDArray[np.float64]:
    """Return the windows around places of an image.

    All pixels of a window lie equally between those of the image: four rows and four columns with
    the same weights are added, which takes a fifth of the time of `scipy.ndimage.map_coordinates`.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (Y, X)
        Of the cubic spline, from `scipy.ndimage.spline_filter`.
    centres : ndarray of float64, shape (N, 2)
        Places (y, x) in px, at least ``radius`` from the border.
    radius : int
        Of a window, in px.

    Returns
    -------
    ndarray of float64, shape (N, 2 * radius + 1, 2 * radius + 1)
    """
    first = np.floor(centres).astype(int)
    rows, columns = _weights((centres - first).T)
    # From one row before to two rows behind the window; the outermost row goes on beyond.
    inside = np.pad(coefficients, 2, mode="edge")
    parts = sliding_window_view(inside, (2 * radius + 4, 2 * radius + 4))
    parts = parts[first[:, 0] - radius + 1, first[:, 1] - radius + 1]
    length = 2 * radius + 1
    down = sum(rows[k, :, None, None] * parts[:, k : k + length] for k in range(4))
    return np.asarray(sum(columns[k, :, None, None] * down[:, :, k : k + length] for k in range(4)))


def _weights(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (..., 4, N) of four coefficients, for places (..., N) after the second."""
    t = fraction[..., None, :]
    return np.concatenate(
        [
            (1 - t) ** 3 / 6,
            (4 - 6 * t**2 + 3 * t**3) / 6,
            (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6,
            t**3 / 6,
        ],
        axis=-2,
    )
