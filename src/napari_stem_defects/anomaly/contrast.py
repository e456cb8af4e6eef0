"""Contrast of an image: bright columns on a dark ground, or dark ones on a bright ground.

The image is averaged along its lattice, so that noise does not count, and the brightest and the
darkest places are compared: columns are as sharp as the probe, gaps between them are rounder.
The sign of `column_sharpness` is the more probable of both, `column_contrast` states what is clear.
``studies/contrast.py`` measures both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.lattice.unit_cell import lattice_period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.lattice.unit_cell import UnitCell

ColumnContrast = Literal["bright", "dark", "unclear"]

CLEAR = 0.4
"""Sharpness (see `column_sharpness`) above which columns are clearly bright; dark below -0.4."""

_PATCH_PERIODS, _PATCHES = 22, 3  # edge of a square patch, and patches along each axis
_REPEATS = 2  # lattice vectors in both directions over which a patch is averaged
_SMOOTHING = 0.06  # standard deviation in periods
_SHARPEST = 99.5  # percentile of the curvature
_CLEAR = 0.5  # of the contrast of the clearest patch


def bright_residual(residual: LatticeResidual, sign: int | NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the lattice residual as if columns were bright: a missing one is a deficit.

    Parameters
    ----------
    residual : LatticeResidual
    sign : int, or ndarray of int8, shape (rows, columns)
        1 for bright columns, -1 for dark ones.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In multiples of its spread.
    """
    whole = residual.whole()
    whole *= sign
    return whole


def column_contrast(pixels: NDArray[np.float32], cells: Sequence[UnitCell]) -> ColumnContrast:
    """Return whether the columns of an image are clearly brighter or darker than the ground.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.
    cells : sequence of UnitCell
        The lattices of the image; without one, nothing is clear.

    Returns
    -------
    {"bright", "dark", "unclear"}
    """
    if not cells:
        return "unclear"
    return contrast_name(column_sharpness(pixels, cells))


def contrast_name(sharpness: float, clear: float = CLEAR) -> ColumnContrast:
    """Return the contrast of columns where it is clear.

    Parameters
    ----------
    sharpness : float
        See `column_sharpness`.
    clear : float
        Sharpness above which it is clear.

    Returns
    -------
    {"bright", "dark", "unclear"}
    """
    if sharpness < -clear:
        return "dark"
    return "bright" if sharpness > clear else "unclear"


def column_sharpness(pixels: NDArray[np.float32], cells: Sequence[UnitCell]) -> float:
    """Return how much sharper the bright places of the averaged unit cell are than the dark ones.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.
    cells : sequence of UnitCell
        The lattices of the image, at least one.

    Returns
    -------
    float
        Logarithm of the curvature of the sharpest bright places over that of the sharpest dark
        ones: above 0 for bright columns, below 0 for dark ones, and the opposite for the inverted
        image. The median of patches in which the lattice is clear.
    """
    return float(np.median(_sharpness_of_patches(pixels, cells)))


def is_clear(pixels: NDArray[np.float32], cells: Sequence[UnitCell]) -> bool:
    """Return whether the crystal itself shows that its columns are bright, or that they are dark.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.
    cells : sequence of UnitCell
        The lattices of the image, at least one.

    Returns
    -------
    bool
        False also where columns are clearly bright in one part and dark in another.
    """
    found = np.array(_sharpness_of_patches(pixels, cells))
    sharpness = float(np.median(found))
    return abs(sharpness) > CLEAR and not (np.sign(sharpness) * found < -CLEAR).any()


def _sharpness_of_patches(pixels: NDArray[np.float32], cells: Sequence[UnitCell]) -> list[float]:
    """Return the sharpness of patches in which the lattice is clear."""
    found = [_patch_sharpness(patch, cells) for patch in _patches(pixels, lattice_period(cells[0]))]
    clearest = max(contrast for contrast, _ in found)
    return [value for contrast, value in found if contrast >= _CLEAR * clearest]


def _patches(pixels: NDArray[np.float32], period_px: float) -> list[NDArray[np.float32]]:
    """Return square patches from all parts of an image; a small one is a patch by itself."""
    edge = round(_PATCH_PERIODS * period_px)
    starts = []
    for size in pixels.shape:
        count = min(_PATCHES, max(1, size // edge))
        starts.append(np.linspace(0, max(0, size - edge), count).astype(int))
    places = [(y, x) for y in starts[0] for x in starts[1]]
    # Of nine, those in the corners and in the middle.
    chosen = places[::2] if len(places) == _PATCHES**2 else places
    return [pixels[y : y + edge, x : x + edge] for y, x in chosen]


def _patch_sharpness(patch: NDArray[np.float32], cells: Sequence[UnitCell]) -> tuple[float, float]:
    """Return the contrast of a patch averaged along its lattice, and its sharpness."""
    sampled = sample(patch, cells)
    filtered = np.asarray(sampled.filtered[0 : sampled.filtered.shape[0], slice(None)])
    best = (-1.0, 0.0)
    for first, second in sampled.lattices:
        steps = range(-_REPEATS, _REPEATS + 1)
        shifts = np.array([down * first + across * second for down in steps for across in steps])
        mean = _mean_of_shifted(filtered, shifts)
        border = min(round(2 * _REPEATS * sampled.samples), min(mean.shape) // 4)
        inner = mean[border : mean.shape[0] - border, border : mean.shape[1] - border]
        contrast = float(inner.std())
        if contrast > best[0]:
            smooth = ndimage.gaussian_filter(inner, _SMOOTHING * sampled.samples)
            curvature = ndimage.laplace(smooth)
            bright, dark = (np.percentile(sign * curvature, _SHARPEST) for sign in (-1, 1))
            least = 1e-9 * max(contrast, 1e-9)
            best = contrast, float(np.log(max(bright, least) / max(dark, least)))
    return best


def _mean_of_shifted(
    image: NDArray[np.float32], shifts: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the mean of an image shifted by (y, x) of ``shifts`` (N, 2), interpolated linearly.

    Beyond the border the image is mirrored. The shifted images are those of `scipy.ndimage.shift`;
    sums of whole rows take a fifth of its time.
    """
    weights: dict[tuple[int, int], float] = {}
    whole = np.floor(-shifts)
    for start, (down, across) in zip(whole.astype(int).tolist(), -shifts - whole, strict=True):
        for y, along_y in ((0, 1 - down), (1, down)):
            for x, along_x in ((0, 1 - across), (1, across)):
                place = start[0] + y, start[1] + x
                weights[place] = weights.get(place, 0.0) + float(along_y * along_x) / len(shifts)
    reach = 1 + int(np.abs(whole).max())
    padded = np.pad(image, reach, mode="symmetric")
    mean, part = np.zeros_like(image), np.empty_like(image)
    for (y, x), weight in weights.items():
        rows = slice(reach + y, reach + y + image.shape[0])
        columns = slice(reach + x, reach + x + image.shape[1])
        np.multiply(padded[rows, columns], np.float32(weight), out=part)
        mean += part
    return mean
