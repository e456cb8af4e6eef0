"""Positions of the sliding window, and the patches there.

A window is identified by its centre, which its prediction refers to. The centres form a regular
grid over the whole image, so that every pixel has a prediction within half a step. Windows that
extend beyond the border are padded with zeros, the mean of a filtered image; the networks are
trained with such windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.tiled import FilteredImage


class Grid(NamedTuple):
    """Grid of window centres.

    Attributes
    ----------
    y : ndarray of int64, shape (GY,)
        Rows of the centres in px.
    x : ndarray of int64, shape (GX,)
        Columns of the centres in px.
    """

    y: NDArray[np.int64]
    x: NDArray[np.int64]

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.y) * len(self.x)


def window_grid(shape: tuple[int, int], stride: int, margin: int = 0) -> Grid:
    """Return a grid of window centres that is centred on the image.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    stride : int
        Step between centres in px. Every pixel is within half a step of a centre, along y and
        along x.
    margin : int
        Half a patch, if windows must not extend beyond the border: no centre is in the margin.
        An axis shorter than a patch has one window in its middle.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        If the stride is less than 1.
    """
    if stride < 1:
        raise InputError(f"stride {stride} px is not a step; give 1 or more")
    return Grid(_centres(shape[0], stride, margin), _centres(shape[1], stride, margin))


def _centres(length: int, stride: int, margin: int) -> NDArray[np.int64]:
    margin = min(margin, length // 2)
    # A patch has one pixel less after its centre than before it.
    positions = length if margin == 0 else length - 2 * margin + 1
    return margin + np.arange((positions - 1) % stride // 2, positions, stride, dtype=np.int64)


def pad_for_windows(filtered: NDArray[np.float32], patch_px: int) -> NDArray[np.float32]:
    """Pad an image with half a patch of zeros, as `cut` expects.

    Parameters
    ----------
    filtered : ndarray of float32, shape (Y, X)
        Image from `pipeline.filter_image`.
    patch_px : int
        Edge of a patch in px.

    Returns
    -------
    ndarray of float32, shape (Y + patch_px, X + patch_px)
    """
    return np.pad(filtered, patch_px // 2)


def cut(
    padded: NDArray[np.float32], y: NDArray[np.int64], x: NDArray[np.int64], patch_px: int
) -> NDArray[np.float32]:
    """Copy the patches around centres from a padded image.

    Parameters
    ----------
    padded : ndarray, shape (Y + patch_px, X + patch_px)
        Image from `pad_for_windows`.
    y, x : ndarray of int, shape (N,)
        Centres in px of the unpadded image. A centre is the pixel at ``patch_px // 2`` of its
        patch.
    patch_px : int
        Edge of a patch.

    Returns
    -------
    ndarray, shape (N, patch_px, patch_px)
    """
    views = sliding_window_view(padded, (patch_px, patch_px))
    return np.ascontiguousarray(views[y, x])


def band_around(
    filtered: FilteredImage, y: NDArray[np.int64], patch_px: int
) -> tuple[NDArray[np.float32], int]:
    """Return the part of a padded image that the windows in some rows need.

    Parameters
    ----------
    filtered : FilteredImage
        Image from `pipeline.filter_lazily`.
    y : ndarray of int, shape (N,)
        Rows of the window centres, at least one.
    patch_px : int
        Edge of a patch.

    Returns
    -------
    band : ndarray, shape (ymax - ymin + patch_px, X + patch_px)
        Input of `cut`, so that large images are never copied as a whole.
    top : int
        Offset to subtract from ``y`` for `cut`.
    """
    top = int(y.min())
    return part_around(filtered, (top, int(y.max())), (0, filtered.shape[1]), patch_px), top


def part_around(
    filtered: FilteredImage, y: tuple[int, int], x: tuple[int, int], patch_px: int
) -> NDArray[np.float32]:
    """Return the part of an image that the windows between two centres need, padded with zeros.

    Parameters
    ----------
    filtered : FilteredImage
        Image from `pipeline.filter_lazily`.
    y, x : (int, int)
        First and last centre in px.
    patch_px : int
        Edge of a patch.

    Returns
    -------
    ndarray, shape (y[1] - y[0] + patch_px, x[1] - x[0] + patch_px)
    """
    half = patch_px // 2
    inside, padding = [], []
    for (first, last), length in zip((y, x), filtered.shape, strict=True):
        inside.append(slice(max(first - half, 0), min(last + half, length)))
        padding.append((max(half - first, 0), max(last + half - length, 0)))
    return np.pad(filtered[inside[0], inside[1]], padding)
