"""Lattices of which an image shows few periods, from how it agrees with itself when shifted.

In the spectrum of few periods reflections are a few bins apart: their tails overlap, they cover
most of the ring that should be their surroundings, and their centroids are off by a hundredth. The
image itself shows it better: shifted by a lattice vector it agrees with itself, and by all of them
equally, unless the cell is larger.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_stem_defects.lattice.reciprocal_basis import reduce_basis

Array = NDArray[np.float64]

FEW_BINS = 10.0
"""Distance of the reflections from zero frequency in bins up to which there are few periods."""
_SAMPLES = 12.0
"""Least length of the shortest lattice vector in pixels to which an image is reduced."""
_SMOOTHING = 0.08
"""Standard deviation in edges of the unit cell."""
_REACH, _ORDER = 0.55, 6
"""Largest shift as a share of the edge, so that half of the image is compared, and in vectors."""
_ORDERS = np.array(
    [
        (i, j)
        for i in range(-_ORDER, _ORDER + 1)
        for j in range(-_ORDER, _ORDER + 1)
        if (i, j) > (0, 0)
    ],
    np.int64,
)
"""Half of the vectors up to these orders; the others are opposite to them."""
_STRAIN = 0.12
"""How far a maximum may be from where it is expected, in shortest lattice vectors."""
_LEAST_VECTORS, LEAST_AGREEMENT = 6, 0.2
"""Least number of vectors that are compared, and least mean agreement at those of a lattice: 0.23
and more in 300 crystals of few periods, at most 0.21 in the peaks of steps and scattered spots."""
_LESS, _DEVIATIONS = 0.12, 12.0
"""By how much an image agrees less with itself at vectors that are none of its lattice, and the
same in standard errors: at most 0.03 where they are, at least 0.3 where a cell is too small."""
_LEAST_ERROR_PX = 0.1
_OUTLIERS = 0.05, 99.95
_SLOPES = (0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)
"""Percentiles to which an image is clipped, and orders (y, x) of the polynomial."""
_EDGE_PX, _MAXIMUM_PX = 160, 7
"""Edge to which an image is reduced where its lattice is not known, and that of a maximum."""
_LOWEST_MAXIMUM, _MAXIMA, _NEAREST_PX, _FARTHEST, _LEAST_SINE = 0.2, 14, 3.0, 0.42, 0.3
"""Least agreement at a shift, number of shifts from which lattices are made, shortest shift, the
longest in edges of the image, and least sine of the angle between two."""
_FEWEST_VECTORS, _CLEAR_AGREEMENT, _LEAST_CONTRAST = 8, 0.35, 0.25
"""Vectors that show a lattice, least mean agreement at them, and how much more it is than between:
noise and films reach 0.17 with a mean of 0.2, gradients a mean of 0.5 without more than 0.09."""
_HIGH, _ALIKE = 0.7, 0.9
"""Share of the highest agreement from which shifts, and that from which lattices are compared."""
_HALVES = 0.5 * np.array([(1, 0), (0, 1), (1, 1), (1, -1)])
_LARGER = tuple(
    np.array(rows, np.int64)
    for rows in (
        ((2, 0), (0, 1)),
        ((1, 0), (0, 2)),
        ((1, 1), (1, -1)),
        ((3, 0), (0, 1)),
        ((1, 0), (0, 3)),
        ((1, 1), (0, 3)),
        ((1, 2), (0, 3)),
    )
)
"""Cells of two and three times the area, in vectors of the smaller one."""

_TINY = float(np.finfo(np.float32).tiny)


class FittedBasis(NamedTuple):
    """A lattice, and how much the image agrees with itself at its vectors.

    Attributes
    ----------
    basis : ndarray of float64, shape (2, 2)
        Rows are reciprocal vectors (y, x) in cycles per px.
    covariance : ndarray of float64, shape (2, 2)
        Covariance between the two vectors of each of their components, in (cycles per px)^2.
    agreement : float
        Mean correlation, up to 1.
    """

    basis: Array
    covariance: Array
    agreement: float


def has_few_periods(basis: Array, shape: tuple[int, ...]) -> bool:
    """Return whether an image shows few periods of a lattice.

    Parameters
    ----------
    basis : ndarray of float64, shape (2, 2)
        Rows are reciprocal vectors (y, x) in cycles per px.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    bool
    """
    shortest = float(np.hypot(*reduce_basis(basis)[0]))
    return shortest * min(shape) < FEW_BINS


def basis_of_few_periods(pixels: NDArray[np.float32], basis: Array) -> FittedBasis | None:
    """Fit a lattice to the shifts at which an image agrees with itself.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.
    basis : ndarray of float64, shape (2, 2)
        Rows are the reciprocal vectors (y, x) in cycles per px that the spectrum shows. Its cell
        may be a half or a third of the true one.

    Returns
    -------
    FittedBasis or None
        None where too few lattice vectors fit into the image. There is no lattice where the
        agreement is less than `LEAST_AGREEMENT`.
    """
    real: Array = np.asarray(np.linalg.inv(basis).T, np.float64)
    block = max(1, int(float(np.hypot(*reduce_basis(real)[0])) / _SAMPLES))
    reduced = _without_slope(_block_means(pixels, block))
    real = reduce_basis(real) / block
    smooth = ndimage.gaussian_filter(reduced, _SMOOTHING * np.sqrt(abs(np.linalg.det(real))))
    return _settled(_agreement(smooth), real, reduced.shape, block)


def find_few_periods(subtracted: NDArray[np.float32]) -> FittedBasis | None:
    """Find a lattice of few periods by the shifts at which an image agrees with itself.

    Parameters
    ----------
    subtracted : ndarray of float32, shape (Y, X)
        The image after background subtraction.

    Returns
    -------
    FittedBasis or None
        None where there is none, or only one of many periods.
    """
    block = max(1, min(subtracted.shape) // _EDGE_PX)
    reduced = _block_means(subtracted, block)
    edge = min(reduced.shape)
    smooth = ndimage.gaussian_filter(reduced, _SMOOTHING / FEW_BINS * edge)
    agreement = _agreement(smooth)
    found: list[tuple[float, Array]] = []
    shifts = _repeated(agreement, reduced.shape)
    for pair in combinations(range(len(shifts)), 2):
        real = shifts[list(pair)]
        if abs(np.linalg.det(real)) < _LEAST_SINE * np.hypot(*real.T).prod():
            continue
        real = reduce_basis(real)
        found.append((_repetition(agreement, real, reduced.shape), real))
    best = max((repetition for repetition, _ in found), default=0.0)
    if best <= 0:
        return None
    alike = [real for repetition, real in found if repetition > _ALIKE * best]
    smallest = min(alike, key=lambda each: float(abs(np.linalg.det(each))))
    if np.hypot(*smallest[0]) < edge / FEW_BINS or _is_grid(smooth, smallest):
        return None
    return _settled(agreement, smallest, reduced.shape, block)


def _is_grid(image: NDArray[np.float32], real: Array) -> bool:
    """Return whether what repeats is a sum of rows and columns: steps, stripes and drifts."""
    crossed = image - image.mean(axis=0) - image.mean(axis=1, keepdims=True) + image.mean()
    reach = _STRAIN * float(np.hypot(*real[0]))
    expected = _vectors_within(real, image.shape) @ real
    values = _highest(_agreement(crossed), expected, reach)
    return float(values.mean()) < LEAST_AGREEMENT


def _repeated(agreement: Array, shape: tuple[int, ...]) -> Array:
    """Return the shifts (N, 2) of the nearest high maxima of agreement, at most fourteen."""
    down, across = (int(_REACH * length) for length in shape)
    rows, columns = np.arange(-down, down + 1), np.arange(across + 1)
    part = agreement[np.ix_(rows % agreement.shape[0], columns)]
    top = (ndimage.maximum_filter(part, _MAXIMUM_PX) == part) & (part > _LOWEST_MAXIMUM)
    y, x = np.nonzero(top)
    shifts = np.stack([rows[y], columns[x]], axis=1).astype(np.float64)
    distance = np.hypot(*shifts.T)
    used = (distance > _NEAREST_PX) & (distance < _FARTHEST * min(shape))
    used &= (shifts[:, 1] > 0) | (shifts[:, 0] > 0)
    used &= part[y, x] > _HIGH * part[y, x].max(where=used, initial=0)
    order = np.argsort(distance[used], kind="stable")[:_MAXIMA]
    return np.asarray(shifts[used][order])


def _repetition(agreement: Array, real: Array, shape: tuple[int, ...]) -> float:
    """Return how much an image agrees with itself at lattice vectors, 0 where there is no lattice.

    Half of the way to them it must agree less: fringes agree at any vector along them.
    """
    orders = _vectors_within(real, shape)
    if len(orders) < _FEWEST_VECTORS:
        return 0.0
    reach = _STRAIN * float(np.hypot(*real[0]))
    values = _highest(agreement, orders @ real, reach)
    mean = float(values.mean())
    if mean < _CLEAR_AGREEMENT or float(values.min()) < 0.5 * mean:
        return 0.0
    between = _at(agreement, np.rint(_HALVES @ real).astype(np.intp)).max()
    return mean if mean - float(between) > _LEAST_CONTRAST else 0.0


def _settled(
    agreement: Array, real: Array, shape: tuple[int, ...], block: int
) -> FittedBasis | None:
    """Return the reciprocal basis of lattice vectors, or of a larger cell that is the true one."""
    for _ in range(2):
        larger = _larger_cell(agreement, real, shape)
        if larger is None:
            break
        real = larger
    fitted = _fitted(agreement, real, shape)
    if fitted is None:
        return None
    real, covariance, mean = fitted
    reciprocal = np.asarray(np.linalg.inv(real * block).T, np.float64)
    products = reciprocal @ reciprocal.T
    share = float((covariance * block**2 * products).sum()) / 2
    return FittedBasis(reciprocal, products * share, mean)


def _block_means(image: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    height, width = (n // block for n in image.shape)
    parts = image[: height * block, : width * block].reshape(height, block, width, block)
    return np.asarray(parts.mean(axis=(1, 3)), np.float32)


def _without_slope(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image less the polynomial of second order that fits it.

    A blur as wide as some periods would displace the maxima of agreement by half a per cent.
    """
    low, high = np.percentile(image, _OUTLIERS)
    image = np.clip(image, low, high)
    y, x = (np.linspace(-1, 1, length) for length in image.shape)
    terms = [np.outer(y**down, x**across) for down, across in _SLOPES]
    design = np.stack(terms, axis=-1).reshape(-1, len(_SLOPES))
    # Normal equations: six unknowns of well-scaled terms.
    fitted = np.linalg.solve(design.T @ design, design.T @ image.ravel())
    return np.asarray(image - (design @ fitted).reshape(image.shape), np.float32)


def _agreement(image: NDArray[np.float32]) -> Array:
    """Return the correlation of an image with itself where both overlap, for each shift (y, x).

    Negative shifts are at the end of each axis.
    """
    shape = [fft.next_fast_len(2 * n, real=True) for n in image.shape]
    image = image - image.mean()
    # In units of its own, so that squares of any intensities are numbers.
    image = image / np.float32(max(np.abs(image).max(), _TINY))
    values, squares, ones = (
        fft.rfft2(each, shape) for each in (image, np.square(image), np.ones_like(image))
    )

    def summed(first: NDArray[np.complex64], second: NDArray[np.complex64]) -> Array:
        return np.asarray(fft.irfft2(first * second.conj(), shape), np.float64)

    count = np.maximum(summed(ones, ones), 1)
    sums = summed(values, ones), summed(ones, values)
    power = summed(squares, ones), summed(ones, squares)
    spread = [p - s**2 / count for p, s in zip(power, sums, strict=True)]
    least = max(1e-6 * float(spread[0].max()), _TINY)
    product = np.maximum(spread[0], least) * np.maximum(spread[1], least)
    return np.asarray((summed(values, values) - sums[0] * sums[1] / count) / np.sqrt(product))


def _vectors_within(real: Array, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the orders (N, 2) of half of the lattice vectors that an image reaches."""
    within = (np.abs(_ORDERS @ real) < _REACH * np.array(shape)).all(axis=1)
    return np.asarray(_ORDERS[within])


def _maxima(agreement: Array, expected: Array, reach: float) -> tuple[Array, Array]:
    """Return the highest agreement near some shifts (N, 2), and where it is."""
    places, values = _near(agreement, expected, reach)
    best = places[np.arange(len(places)), values.argmax(axis=1)]
    offset = np.zeros(best.shape)
    for axis in (0, 1):
        step = np.eye(2, dtype=np.intp)[axis]
        before, here, after = (_at(agreement, best + sign * step) for sign in (-1, 0, 1))
        bend = 2 * here - before - after
        slope = np.divide(after - before, 2 * bend, out=np.zeros(len(best)), where=bend > 0)
        offset[:, axis] = np.clip(slope, -0.5, 0.5)
    return values.max(axis=1), best + offset


def _highest(agreement: Array, expected: Array, reach: float) -> Array:
    """Return the highest agreement near some shifts (N, 2)."""
    return np.asarray(_near(agreement, expected, reach)[1].max(axis=1))


def _near(agreement: Array, expected: Array, reach: float) -> tuple[NDArray[np.intp], Array]:
    """Return the places (N, M, 2) around some shifts, and the agreement (N, M) there."""
    width = max(1, round(reach))
    steps = np.mgrid[-width : width + 1, -width : width + 1].reshape(2, -1).T
    places = np.rint(expected).astype(np.intp)[:, None] + steps
    return places, _at(agreement, places)


def _at(agreement: Array, places: NDArray[np.intp]) -> Array:
    wrapped = places % np.array(agreement.shape)
    return np.asarray(agreement[wrapped[..., 0], wrapped[..., 1]])


def _larger_cell(agreement: Array, real: Array, shape: tuple[int, ...]) -> Array | None:
    """Return the larger cell at whose vectors alone the image agrees with itself, if any."""
    orders = _vectors_within(real, shape)
    if len(orders) < _LEAST_VECTORS:
        return None
    expected = orders @ real
    values = _highest(agreement, expected, _STRAIN * float(np.hypot(*real[0])))
    distance = np.hypot(*expected.T)
    best, most = None, _DEVIATIONS
    for larger in _LARGER:
        multiple = orders @ np.linalg.inv(larger)
        inside = np.abs(multiple - np.rint(multiple)).max(axis=1) < 1e-6
        if min(inside.sum(), (~inside).sum()) < 2:
            continue
        # Strain and noise lower the agreement with distance.
        design = np.stack([np.ones(len(orders)), distance / distance.max(), inside], axis=1)
        fitted, *_ = np.linalg.lstsq(design, values, rcond=None)
        variance = np.square(values - design @ fitted).sum() / max(len(orders) - 3, 1)
        error = float(np.sqrt(variance * np.linalg.pinv(design.T @ design)[2, 2]))
        if fitted[2] > _LESS and fitted[2] > most * max(error, 1e-3):
            best, most = reduce_basis(larger @ real), float(fitted[2]) / max(error, 1e-3)
    return best


def _fitted(
    agreement: Array, real: Array, shape: tuple[int, ...]
) -> tuple[Array, Array, float] | None:
    """Fit lattice vectors to the maxima near them.

    Returns them, their covariance and the mean agreement; None where there are too few.
    """
    covariance, mean = np.eye(2), 0.0
    for _ in range(2):
        orders = _vectors_within(real, shape)
        if len(orders) < _LEAST_VECTORS or np.linalg.matrix_rank(orders) < 2:
            return None
        reach = _STRAIN * float(np.hypot(*real[0]))
        values, measured = _maxima(agreement, orders @ real, reach)
        mean = float(values.mean())
        if mean < LEAST_AGREEMENT:
            break
        overlap = (1 - np.abs(measured) / np.array(shape)).prod(axis=1)
        root = np.sqrt(np.maximum(values, 0.01) * overlap)[:, None]
        real, *_ = np.linalg.lstsq(orders * root, measured * root, rcond=None)
        away = (measured - orders @ real) * root
        variance = max(float(np.square(away).sum()) / (2 * len(orders) - 4), _LEAST_ERROR_PX**2)
        covariance = variance * np.linalg.inv((orders * root).T @ (orders * root))
    return real, covariance, min(mean, 1.0)
