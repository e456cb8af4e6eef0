"""Continuation of a crystal beyond the border of its image.

A lattice looks the same after a shift by a lattice vector, so the pixels beyond the border are
those one or a few vectors further inside. A prediction that ends at the border would see a cut.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

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
    margin = _margin(image.shape, (rows.start, rows.stop), half, _as_key(vectors))
    part = np.asarray(image[slice(*margin.rows), slice(None)])
    first, last = rows.start - half, rows.stop + half
    inner = part[max(0, first) - margin.rows[0] : min(image.shape[0], last) - margin.rows[0]]
    missing = (max(0, -first), max(0, last - image.shape[0]))
    padded = np.pad(inner, (missing, (half, half)), mode="reflect")
    values = np.einsum("kn,kn->n", part.ravel()[margin.sources], margin.weights)
    padded.ravel()[margin.places] = values
    return padded


class _Margin(NamedTuple):
    """Samples around some rows of an image, each a weighted sum of samples of the image.

    Attributes
    ----------
    rows : (int, int)
        The rows that are used.
    places : ndarray of int32, shape (N,)
        Samples of the padded rows, counted row by row.
    sources : ndarray of int32, shape (4, N)
        Samples of the rows that are used.
    weights : ndarray of float32, shape (4, N)
    """

    rows: tuple[int, int]
    places: NDArray[np.int32]
    sources: NDArray[np.int32]
    weights: NDArray[np.float32]


def _as_key(vectors: NDArray[np.float64] | None) -> tuple[tuple[float, ...], ...]:
    """Return vectors as a key of a cache."""
    return () if vectors is None else tuple(tuple(row) for row in vectors.tolist())


@lru_cache(maxsize=4)
def _margin(
    shape: tuple[int, int], rows: tuple[int, int], half: int, key: tuple[tuple[float, ...], ...]
) -> _Margin:
    """Return where samples around some rows come from; kept for the next residual of the image."""
    height, width = shape
    shifts = _shifts(np.array(key) if key else None, half)
    reach = half + (int(np.abs(shifts).max()) + 2 if len(shifts) else 0)
    low, high = max(0, rows[0] - reach), min(height, rows[1] + reach)
    y, x = np.arange(rows[0] - half, rows[1] + half), np.arange(-half, width + half)
    outside = ((y < 0) | (y >= height))[:, None] | ((x < 0) | (x >= width))
    left = np.argwhere(outside)
    places, sources = [left[:0]], [np.zeros((0, 2))]
    for shift in shifts:
        source = left + np.array([y[0], x[0]]) + shift
        inside = ((source >= 0) & (source <= (height - 1, width - 1))).all(axis=1)
        places.append(left[inside])
        sources.append(source[inside] - (low, 0))
        left = left[~inside]
    place, source = np.concatenate(places), np.concatenate(sources)
    return _Margin(
        (low, high),
        (place[:, 0] * len(x) + place[:, 1]).astype(np.int32),
        *_interpolation(source, (high - low, width)),
    )


def _interpolation(
    places: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the samples around places (N, 2) of an image, and their weights, both (4, N)."""
    first = np.floor(places)
    share = (places - first).T
    y, x = (np.stack([at, np.minimum(at + 1, n - 1)]) for at, n in zip(first.T, shape, strict=True))
    down, across = (np.stack([1 - t, t]) for t in share)
    sources = (y[:, None] * shape[1] + x).reshape(4, -1)
    return sources.astype(np.int32), (down[:, None] * across).reshape(4, -1).astype(np.float32)


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
