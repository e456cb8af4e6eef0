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
    height = image.shape[0]
    reach = half + (0 if vectors is None else int(2 * np.abs(vectors).max()) + 2)
    top, bottom = max(0, rows.start - half), min(height, rows.stop + half)
    low, high = max(0, min(top, rows.start - reach)), min(height, max(bottom, rows.stop + reach))
    part = np.asarray(image[slice(low, high), slice(None)])
    first, last = rows.start - half - low, rows.stop + half - low
    missing = (max(0, -first), max(0, last - len(part)))
    inner = part[max(0, first) : min(len(part), last)]
    margins = (missing, (half, half))
    padded = np.pad(inner, margins, mode="reflect")
    if vectors is None:
        return padded
    for side in range(4):
        _continue_side(padded, part, side, (low, rows.start - half), height, half, vectors)
    return padded


def _continue_side(
    padded: NDArray[np.float32],
    part: NDArray[np.float32],
    side: int,
    offsets: tuple[int, int],
    height: int,
    half: int,
    vectors: NDArray[np.float64],
) -> None:
    """Replace one margin, in place: 0 upper, 1 lower, 2 left, 3 right."""
    low, start = offsets
    width = padded.shape[1] - 2 * half
    if side < 2:
        beyond = -start if side == 0 else start + len(padded) - height
        if beyond <= 0:
            return
        rows = np.arange(beyond) if side == 0 else np.arange(len(padded) - beyond, len(padded))
        columns = np.arange(padded.shape[1])
    else:
        beyond = half
        rows = np.arange(len(padded))
        columns = np.arange(half) if side == 2 else np.arange(half + width, padded.shape[1])
    inward = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)][side])
    shift = _inward_vector(vectors, inward, beyond)
    y = rows + start + shift[0] - low
    x = columns - half + shift[1]
    inside_y = (y >= 0) & (y <= len(part) - 1)
    inside_x = (x >= 0) & (x <= part.shape[1] - 1)
    if not (inside_y.any() and inside_x.any()):
        return
    box = np.ix_(rows[inside_y], columns[inside_x])
    grid = np.meshgrid(y[inside_y], x[inside_x], indexing="ij")
    padded[box] = ndimage.map_coordinates(part, grid, order=1, mode="nearest")


def _inward_vector(
    vectors: NDArray[np.float64], inward: NDArray[np.int64], depth: float
) -> NDArray[np.float64]:
    """Return the lattice vector that reaches ``depth`` inside with the least shift sideways."""
    order = np.mgrid[-_MAX_ORDER : _MAX_ORDER + 1, -_MAX_ORDER : _MAX_ORDER + 1].reshape(2, -1).T
    candidates = order @ vectors
    inside = candidates @ inward
    along = np.abs(candidates @ np.abs(inward[::-1]))
    cost = np.where(inside >= depth, inside + 2 * along, np.inf)
    chosen: NDArray[np.float64] = candidates[int(cost.argmin())]
    return chosen
