"""Coarser copies of large images: each level has half the pixels per axis of the one before.

Viewers load the level that fits the screen. A pixel of a level covers two by two pixels of the one
before. Images hold their mean; label images hold the highest number, so that no small region is
missing from a coarse level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SMALLEST_PX = 512
"""The coarsest level is not larger than this in either axis."""


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the height and width of all levels.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.

    Returns
    -------
    list of (int, int)
        The full resolution first. An odd number of pixels is rounded up.
    """
    shapes = [shape]
    while max(shapes[-1]) > SMALLEST_PX:
        height, width = shapes[-1]
        shapes.append((-(-height // 2), -(-width // 2)))
    return shapes


def placement(level: int, pixel_size: float) -> tuple[float, float]:
    """Return the size of a pixel of a level, and where the centre of its first pixel is.

    Parameters
    ----------
    level : int
        0 for the full resolution.
    pixel_size : float
        Edge of a pixel of the full resolution, the centre of whose first pixel is at 0.

    Returns
    -------
    size : float
        In the unit of ``pixel_size``.
    offset : float
        The same for both axes: the first pixel of a level covers several of the full resolution.
    """
    factor = 2**level
    return factor * pixel_size, (factor - 1) / 2 * pixel_size


def means(image: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    """Yield an image and its coarser levels.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Numbers of any type, which is kept; integers are rounded.

    Yields
    ------
    ndarray, shape as in `level_shapes`
    """
    yield image
    exact = image.astype(np.result_type(image, np.float32), copy=False)
    for _ in level_shapes(_sizes(image))[1:]:
        upper_left, upper_right, lower_left, lower_right = _of_blocks(exact)
        sums = (upper_left + upper_right) + (lower_left + lower_right)
        exact = sums / exact.dtype.type(4)
        is_exact = np.issubdtype(image.dtype, np.inexact)
        yield (exact if is_exact else np.rint(exact)).astype(image.dtype)


def maxima(labels: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """Yield a label image and its coarser levels.

    Parameters
    ----------
    labels : ndarray of int32, shape (Y, X)
        0 where there is no region.

    Yields
    ------
    ndarray of int32, shape as in `level_shapes`
    """
    yield labels
    for _ in level_shapes(_sizes(labels))[1:]:
        upper_left, upper_right, lower_left, lower_right = _of_blocks(labels)
        labels = np.maximum(
            np.maximum(upper_left, upper_right), np.maximum(lower_left, lower_right)
        )
        yield labels


def _sizes(image: NDArray[np.generic]) -> tuple[int, int]:
    height, width = image.shape
    return height, width


def _of_blocks(image: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Return the four pixels of all blocks of two by two, row by row, each of shape (y, x).

    The last row and column are repeated where their number is odd, so that each block is full.
    """
    height, width = image.shape
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
    return tuple(image[row::2, column::2] for row in (0, 1) for column in (0, 1))
