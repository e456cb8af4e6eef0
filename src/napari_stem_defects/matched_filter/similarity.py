"""Similarity of every place of an image to a template.

The similarity is the weighted inner product of the residual with the template, a matched filter
(Turin, IRE Transactions on Information Theory 6, 311, 1960), in units of the template's power, or,
where the residual is stronger than the template, of the geometric mean of both powers: 1 for the
like of the template, less for a faint copy and for a strong defect of another kind. Templates of
spots, see `spots`, give more for a strong copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.templates import Template

_LEAST_VARIANCE = np.float32(1e-5)
"""Share of the local power below which a variance is a rounding error of its 32-bit numbers."""


def similarity(residual: NDArray[np.float32], template: Template) -> NDArray[np.float32]:
    """Return the similarity of every place to a template.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
        Lattice residual at the samples per length unit of the template.
    template : Template

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    product = _correlate(residual, template.weight * template.pattern)
    power = np.float32(template.power)
    excess = local_power(residual, template.weight) - np.float32(template.noise)
    excess /= np.float32(template.slack**2)
    if template.is_exclusive and template.slack == 1:
        return np.asarray(product / np.maximum(excess, power), np.float32)
    similar: NDArray[np.float32] = product / np.sqrt(power * np.maximum(excess, power))
    if template.is_exclusive:
        np.divide(np.float32(1), similar, out=similar, where=similar > 1)
    return similar


def best_similarity(
    residual: NDArray[np.float32], templates: Sequence[Template]
) -> NDArray[np.float32]:
    """Return the highest similarity to any of some templates.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    templates : sequence of Template
        At least one.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    best = similarity(residual, templates[0])
    for template in templates[1:]:
        np.maximum(best, similarity(residual, template), out=best)
    return best


def best_likelihood(
    residual: NDArray[np.float32], templates: Sequence[Template]
) -> NDArray[np.float32]:
    """Return by how much a template, added to the crystal, is nearer to every place.

    The difference of two weighted mean squares: of the residual, and of the residual without the
    template. For white noise it is proportional to the logarithm of a likelihood ratio, so of
    several classes that one fits best that has the highest.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    templates : sequence of Template
        At least one.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        The highest of all templates; the power of the template for the like of it.
    """
    every = (
        2 * _correlate(residual, each.weight * each.pattern) - np.float32(each.power)
        for each in templates
    )
    best = next(every)
    for other in every:
        np.maximum(best, other, out=best)
    return best


def local_power(residual: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted mean square of a residual around every place.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    weight : ndarray of float32, shape (w, w)
        A Gaussian from `templates.gaussian_weight`.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    return _local_mean(np.square(residual), weight)


def local_correlation(
    image: NDArray[np.float32], pattern: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the weighted correlation of an image with a pattern around every place.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    pattern : ndarray of float32, shape (w, w)
    weight : ndarray of float32, shape (w, w)
        A Gaussian from `templates.gaussian_weight`.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        -1 to 1; 0 where image or pattern are uniform.
    """
    even = pattern - (weight * pattern).sum()
    image = image - np.float32(image.mean(dtype=np.float64))
    variance = local_power(image, weight)
    least = np.maximum(_LEAST_VARIANCE * variance, np.float32(1e-12))
    variance -= np.square(_local_mean(image, weight))
    np.maximum(variance, least, out=variance)
    variance *= np.float32((weight * np.square(even)).sum())
    like = _correlate(image, weight * even)
    like /= np.sqrt(np.maximum(variance, np.float32(1e-24), out=variance), out=variance)
    return np.clip(like, -1, 1, out=like)


def _local_mean(image: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    profile = weight.sum(axis=0)  # the two-dimensional Gaussian is the product of its profiles
    for axis in (0, 1):
        image = ndimage.correlate1d(image, profile, axis=axis, mode="reflect")
    return image


def _correlate(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(image, kernel.shape[0] // 2, mode="reflect")
    result: NDArray[np.float32] = scipy.signal.oaconvolve(padded, kernel[::-1, ::-1], mode="valid")
    return result


def local_maxima(
    values: NDArray[np.float32], radius: float
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the places that have the highest value within a radius.

    Parameters
    ----------
    values : ndarray of float32, shape (Y, X)
    radius : float
        Half the edge of the square that is searched, in samples.

    Returns
    -------
    positions : ndarray of int, shape (N, 2)
    heights : ndarray of float32, shape (N,)
    """
    top = values == ndimage.maximum_filter(values, 2 * round(radius) + 1)
    positions = np.argwhere(top)
    return positions, values[top]
