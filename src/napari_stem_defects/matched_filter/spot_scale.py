"""The size of spots that were clicked in images without a lattice.

As blob detection finds it (Lindeberg, International Journal of Computer Vision 30, 79, 1998): where
the scale-normalised Laplacian of Gaussian at the clicks is highest. Here it counts in spreads of
what is found near any other place of the image, because the background has a scale, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIGMAS_PX = 0.7 * 2 ** (np.arange(-1, 16) / 3)
"""Standard deviations that are tried, in px: 0.6 to 22."""
_REACH, _LEAST_REACH = 1.0, 2.0
"""How far from a click its spot may be: in standard deviations, and at least in px."""
_FITS = 24
"""The shorter edge of the image has at least so many standard deviations."""
_UPPER, _UPPER_SPREADS = 0.75, 0.6745
"""Quantile that is so many standard deviations above the median: counted electrons are skewed."""
_PART = 768
"""Edge in px of the part in the middle of an image that shows how usual a response is."""


class ClickedSpots(NamedTuple):
    """An image with clicks on spots.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
    clicks : ndarray of float64, shape (N, 2)
        y and x in px.
    pixel_size_nm : float or None
    background : ndarray of bool, shape (Y, X), or None
        Pixels beside a crystal; None for all.
    """

    pixels: NDArray[np.float32]
    clicks: NDArray[np.float64]
    pixel_size_nm: float | None = None
    background: NDArray[np.bool_] | None = None


def spot_sigma(images: Sequence[ClickedSpots]) -> float:
    """Return the standard deviation of the clicked spots.

    Parameters
    ----------
    images : sequence of ClickedSpots
        At least one click in all.

    Returns
    -------
    float
        In px of the first image. Images whose pixel sizes are all known show the same lengths in
        nm, others in px.
    """
    sizes = [image.pixel_size_nm for image in images]
    relative = [1.0] * len(images)
    if all(sizes):
        relative = [float(sizes[0] or 1) / float(size or 1) for size in sizes]
    tables = [_stand_out(image, ratio) for image, ratio in zip(images, relative, strict=True)]
    table = np.concatenate(tables, axis=1)  # scales, clicks, signs
    usual = np.median(table, axis=1).max(axis=1)
    beside = np.concatenate([[-np.inf], usual, [-np.inf]])
    is_top = np.isfinite(usual) & (usual >= beside[:-2]) & (usual >= beside[2:])
    # What is highest at the first size is the noise of single pixels, if anything else stands out.
    is_top[0] = False
    tops = np.flatnonzero(is_top)
    best = tops[usual[tops].argmax()] if len(tops) else usual.argmax()
    return float(SIGMAS_PX[int(best)])


def _stand_out(image: ClickedSpots, relative: float) -> NDArray[np.float64]:
    """Return how far bright and dark spots at the clicks stand out, (scales, clicks, 2)."""
    found = np.full((len(SIGMAS_PX), len(image.clicks), 2), -np.inf)
    middle = _middle(image.pixels)
    for row, sigma in enumerate(relative * SIGMAS_PX):
        if row and _FITS * sigma > min(image.pixels.shape):
            break
        reach = round(max(_LEAST_REACH, _REACH * sigma))
        usual = [_usual(each, image.background) for each in _responses(middle, sigma, reach)]
        level = [float(np.median(each)) for each in usual]
        spread = [
            (float(np.quantile(each, _UPPER)) - at) / _UPPER_SPREADS + 1e-12
            for each, at in zip(usual, level, strict=True)
        ]
        for number, click in enumerate(image.clicks):
            at = _at(image.pixels, click, sigma, reach)
            found[row, number] = [(v - m) / s for v, m, s in zip(at, level, spread, strict=True)]
    return found


def _middle(pixels: NDArray[Any]) -> NDArray[Any]:
    top, left = (max(0, (length - _PART) // 2) for length in pixels.shape)
    return pixels[top : top + _PART, left : left + _PART]


def _usual(
    response: NDArray[np.float32], background: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    """Return the responses of the background in the middle of an image."""
    if background is None or not (shown := _middle(background)).any():
        return response
    return np.asarray(response[shown])


def _responses(
    pixels: NDArray[np.float32], sigma: float, reach: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the highest response of bright and of dark spots near every place."""
    response = -ndimage.gaussian_laplace(pixels, sigma, mode="reflect")
    return (
        ndimage.maximum_filter(response, 2 * reach + 1),
        -ndimage.minimum_filter(response, 2 * reach + 1),
    )


def _at(
    pixels: NDArray[np.float32], click: NDArray[np.float64], sigma: float, reach: int
) -> tuple[float, float]:
    """Return the highest response of bright and of dark spots near a click."""
    halo = int(5 * sigma) + reach + 2
    y, x = (int(np.clip(round(c), 0, n - 1)) for c, n in zip(click, pixels.shape, strict=True))
    top, left = max(0, y - halo), max(0, x - halo)
    part = pixels[top : y + halo + 1, left : x + halo + 1]
    bright, dark = _responses(part, sigma, reach)
    return float(bright[y - top, x - left]), float(dark[y - top, x - left])
