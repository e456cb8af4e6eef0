"""Where the sliding window stands, and cutting patches there.

A window is named by its centre, because its answer speaks of its centre. Centres lie at equal
steps all over the image, so every pixel of it has an answer within half a step; a window that
hangs over the border sees zeros there, which is what a flattened image is on average, and the
networks are trained with such windows.
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
    """Centres of a grid of windows, in px, integer-valued: ``y`` (gy,) and ``x`` (gx,)."""

    y: NDArray[np.int64]
    x: NDArray[np.int64]

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.y) * len(self.x)


def window_grid(shape: tuple[int, int], stride: int, margin: int = 0) -> Grid:
    """Return window centres all over an image, as near to one border as to the other.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image in px.
    stride : int
        Step between centres in px; no pixel is further than half of it from a centre, along y
        or x.
    margin : int
        Half a patch where windows may not hang over the border; an axis shorter than a patch
        has one window, in its middle. Pixels of the margin are further from a centre then.
    """
    if stride < 1:
        raise InputError(f"stride {stride} px is not a step; give 1 or more")
    return Grid(_centres(shape[0], stride, margin), _centres(shape[1], stride, margin))


def _centres(length: int, stride: int, margin: int) -> NDArray[np.int64]:
    margin = min(margin, length // 2)
    # A patch holds one pixel less behind its centre than before it.
    places = length if margin == 0 else length - 2 * margin + 1
    return margin + np.arange((places - 1) % stride // 2, places, stride, dtype=np.int64)


def pad_for_windows(filtered: NDArray[np.float32], patch_px: int) -> NDArray[np.float32]:
    """Surround an image (Y, X) with half a patch of zeros, as `cut` expects."""
    return np.pad(filtered, patch_px // 2)


def cut(
    padded: NDArray[np.float32], y: NDArray[np.int64], x: NDArray[np.int64], patch_px: int
) -> NDArray[np.float32]:
    """Copy the patches around centres out of a padded image.

    Parameters
    ----------
    padded : ndarray, shape (Y + patch_px, X + patch_px)
        What `pad_for_windows` returned.
    y, x : ndarray of int, shape (N,)
        Centres in px of the unpadded image; a centre is the pixel at ``patch_px // 2`` of its
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
    """Return the part of a padded image that windows in some rows see.

    Parameters
    ----------
    filtered : FilteredImage
    y : ndarray of int, shape (N,)
        Rows of the windows' centres, at least one.
    patch_px : int
        Edge of a patch.

    Returns
    -------
    band : ndarray, shape (ymax - ymin + patch_px, X + patch_px)
        What `cut` takes, so that an image of any size is never copied as a whole.
    top : int
        Subtract it from ``y`` to cut from the band.
    """
    top = int(y.min())
    return part_around(filtered, (top, int(y.max())), (0, filtered.shape[1]), patch_px), top


def part_around(
    filtered: FilteredImage, y: tuple[int, int], x: tuple[int, int], patch_px: int
) -> NDArray[np.float32]:
    """Return what the windows between two centres see, zeros where that is beyond the border.

    Parameters
    ----------
    filtered : FilteredImage
    y, x : (int, int)
        First and last centre.
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
