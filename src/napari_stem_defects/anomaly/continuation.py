"""Continuation of a crystal beyond the border of its image.

A lattice looks the same after a shift by a lattice vector, so the pixels beyond the border are
those one or a few vectors further inside. A prediction that ends at the border would see a cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.tiled import FilteredImage

_MAX_ORDER = 12


def best_lattice(
    image: NDArray[np.float32], lattices: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64] | None:
    """Return the lattice whose vectors map a part of an image to itself best.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    lattices : sequence of ndarray of float, each of shape (2, 2)
        Base vectors (y, x) in px.

    Returns
    -------
    ndarray of float, shape (2, 2), or None
        None if there is no lattice.
    """
    if not lattices:
        return None
    return max(lattices, key=lambda vectors: _self_similarity(image, vectors))


def _self_similarity(image: NDArray[np.float32], vectors: NDArray[np.float64]) -> float:
    """Return the mean correlation coefficient of an image with itself shifted by both vectors."""
    found = []
    for dy, dx in np.rint(vectors).astype(int):
        first = image[max(0, dy) : image.shape[0] + min(0, dy), max(0, dx) :]
        first = first[:, : image.shape[1] - abs(dx)]
        second = image[max(0, -dy) : image.shape[0] + min(0, -dy), max(0, -dx) :]
        second = second[:, : image.shape[1] - abs(dx)]
        if first.size < 4:
            return -1.0
        spread = float(first.std() * second.std())
        found.append(
            float(((first - first.mean()) * (second - second.mean())).mean()) / (spread + 1e-12)
        )
    return float(np.mean(found))


def padded_rows(
    image: FilteredImage, rows: slice, half: int, vectors: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    """Return rows of an image with ``half`` px around them.

    Parameters
    ----------
    image : FilteredImage, shape (Y, X)
    rows : slice
        With start and stop, inside the image.
    half : int
        Width of the margin in px.
    vectors : ndarray of float, shape (2, 2), or None
        Base vectors (y, x) of the lattice in px. Without them, and where the image is too small,
        the margin is a reflection.

    Returns
    -------
    ndarray of float32, shape (rows + 2 * half, X + 2 * half)
    """
    height, width = image.shape
    shifts = _shifts(vectors, half)
    reach = half + (int(np.abs(shifts).max()) + 2 if len(shifts) else 0)
    low, high = max(0, rows.start - reach), min(height, rows.stop + reach)
    part = np.asarray(image[slice(low, high), slice(None)])
    first, last = rows.start - half, rows.stop + half
    inner = part[max(0, first) - low : min(height, last) - low]
    missing = (max(0, -first), max(0, last - height))
    padded = np.pad(inner, (missing, (half, half)), mode="reflect")
    y, x = np.mgrid[first:last, -half : width + half]
    outside = (y < 0) | (y >= height) | (x < 0) | (x >= width)
    left = np.argwhere(outside)
    for shift in shifts:
        target = left + np.array([first, -half]) + shift
        inside = ((target >= 0) & (target <= (height - 1, width - 1))).all(axis=1)
        at = target[inside] - (low, 0)
        filled = left[inside]
        padded[filled[:, 0], filled[:, 1]] = ndimage.map_coordinates(
            part, at.T, order=1, mode="nearest"
        )
        left = left[~inside]
    return padded


def _shifts(vectors: NDArray[np.float64] | None, half: int) -> NDArray[np.float64]:
    """Return the lattice vectors (N, 2) that reach ``half`` px far, shortest first."""
    if vectors is None:
        return np.zeros((0, 2))
    order = np.mgrid[-_MAX_ORDER : _MAX_ORDER + 1, -_MAX_ORDER : _MAX_ORDER + 1].reshape(2, -1).T
    shifts = order @ vectors
    lengths = np.hypot(*shifts.T)
    longest = np.sqrt(2) * half + 2 * float(np.hypot(*vectors.T).max())
    near = (lengths > 0) & (lengths <= longest)
    shortest_first: NDArray[np.float64] = shifts[near][np.argsort(lengths[near], kind="stable")]
    return shortest_first
