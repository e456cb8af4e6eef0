"""Whether a basis is primitive: tests for weak reflections between and missing ones upon it.

The highest reflections of a crystal are often harmonics. A reciprocal basis found from them is too
coarse where the true unit cell is twice, or up to seven times as large; its weak reflections then
lie between. In real space the same statement reads: a translation by half a period leaves the image
unchanged only if all reflections between are absent.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.lattice.reciprocal_basis import reduce_basis
from napari_stem_defects.lattice.reflections import (
    MIN_SPACING_PX,
    Spectrum,
    local_power,
    power_at,
    reflections_at,
)

Array = NDArray[np.float64]

# Bases of the reciprocal lattices with two, three, five and seven times as many points, as
# fractions.
_FINER = tuple(
    np.array(rows, np.float64) / index
    for index, rows in (
        (2, ((1, 0), (0, 2))),
        (2, ((2, 0), (0, 1))),
        (2, ((1, 1), (0, 2))),
        (3, ((1, 0), (0, 3))),
        (3, ((3, 0), (0, 1))),
        (3, ((1, 1), (0, 3))),
        (3, ((1, 2), (0, 3))),
        # Of large cells the highest of few peaks may leave so many out.
        *((prime, ((prime, 0), (0, 1))) for prime in (5, 7)),
        *((prime, ((1, step), (0, prime))) for prime in (5, 7) for step in range(prime)),
    )
)
_COARSER = (
    np.array([[2, 0], [0, 1]], np.float64),
    np.array([[1, 0], [0, 2]], np.float64),
    np.array([[1, 1], [1, -1]], np.float64),
)
_MAX_ORDER = 4
_MIN_HEIGHT = 12.0
_ALL_HEIGHT, _ALL_FRACTION, _FEWEST_OF_ALL = 7.0, 0.8, 4
"""The same where so many of the positions between show one, and number of these positions: speckle
is as high at a position in one of 300 cases."""
_MIN_SHARPNESS = 2.5
_MIN_FRACTION = 0.3
"""Minimum fraction of the positions between, up to the resolution, that show a reflection."""
_COMPARED = 8
"""Number of reflections of each kind whose places in the image are compared."""
_MIN_EVENNESS = 0.2
_RESOLVED_BINS, _FEW_BINS = 6.0, 12.0
"""Distance of reflections in bins from which on parts of the image distinguish them, and from which
on they do so at any distance."""
_LEAST_POWER = 0.01
"""Least power between the reflections of few periods, as a share of theirs."""
_MIN_FINE_BINS = 2.7


def primitive_basis(spectrum: Spectrum, basis: Array) -> Array:
    """Return the basis of all reflections: finer or coarser than the one given, where needed.

    Parameters
    ----------
    spectrum : Spectrum
    basis : ndarray of float64, shape (2, 2)
        Rows are reciprocal vectors (y, x) in cycles per px.

    Returns
    -------
    ndarray of float64, shape (2, 2)
        A reduced basis, the given one if it is primitive.
    """
    for _ in range(3):
        finer = _best_finer(spectrum, basis)
        if finer is None:
            break
        basis = finer
    for _ in range(2):
        coarser = _best_coarser(spectrum, basis)
        if coarser is None:
            break
        basis = coarser
    return basis


def _best_finer(spectrum: Spectrum, basis: Array) -> Array | None:
    """Return the finer lattice with the most reflections of its own, if it has enough."""
    best, best_score = None, 0.0
    for fraction in _FINER:
        finer = reduce_basis(fraction @ basis)
        if np.hypot(*finer[0]) < _MIN_FINE_BINS * spectrum.bin_size:
            continue
        heights, found, total = _between(spectrum, finer, basis)
        if len(found) < max(2, _MIN_FRACTION * total):
            continue
        score = float(np.log(heights).sum())
        between = found[np.argsort(-heights)]
        if score > best_score and _in_the_same_places(spectrum, between, basis, finer):
            best, best_score = finer, score
    return best


def _best_coarser(spectrum: Spectrum, basis: Array) -> Array | None:
    """Return a lattice with half the points, if the other half shows no reflection."""
    for whole in _COARSER:
        coarser = reduce_basis(whole @ basis)
        if not len(_between(spectrum, basis, coarser)[1]):
            return coarser
    return None


def _between(spectrum: Spectrum, fine: Array, coarse: Array) -> tuple[Array, Array, int]:
    """Return heights and positions of the reflections that only the fine lattice has.

    Also the number of positions where they could be.
    """
    orders = _orders()
    expected = orders @ fine
    multiple = expected @ np.linalg.inv(coarse)
    between = np.abs(multiple - np.rint(multiple)).max(axis=1) > 0.1
    radius = np.hypot(*expected.T)
    reach = 2.05 * float(np.hypot(*coarse[1]))
    between &= radius < min(1 / MIN_SPACING_PX, reach)
    between &= radius > _MIN_FINE_BINS * spectrum.bin_size
    expected = expected[between]
    if not len(expected):
        return np.zeros(0), expected, 0
    reach = 0.5 * float(np.hypot(*(fine / spectrum.steps).T).min())
    heights, sharpness, measured = reflections_at(spectrum, expected, float(np.clip(reach, 2.5, 5)))
    away = np.hypot(*((measured - expected) / spectrum.steps).T)
    tolerance = 0.9 + 0.012 * np.hypot(*(expected / spectrum.steps).T)
    sharp = (sharpness > _MIN_SHARPNESS) & (away < tolerance)
    hit, low = (sharp & (heights > least) for least in (_MIN_HEIGHT, _ALL_HEIGHT))
    if len(low) >= _FEWEST_OF_ALL and low.mean() >= _ALL_FRACTION:
        hit = low
    return heights[hit], measured[hit], len(expected)


@cache
def _orders() -> Array:
    size = range(-_MAX_ORDER, _MAX_ORDER + 1)
    return np.array([(h, k) for h in size for k in size if (k, h) > (0, 0)], np.float64)


def _in_the_same_places(spectrum: Spectrum, between: Array, basis: Array, finer: Array) -> bool:
    """Return whether the reflections between arise where those of the basis do.

    The reflections of a twin or another grain lie on a finer lattice, too, but elsewhere in the
    image.
    """
    apart = float(np.hypot(*(finer / spectrum.steps).T).min())
    if apart < _FEW_BINS:
        # Without noise, what displaced scan rows leave between has peaks, too, of little power.
        own = power_at(spectrum, _own_reflections(spectrum, basis)).sum()
        if power_at(spectrum, between[:_COMPARED]).sum() < _LEAST_POWER * own:
            return False
    if apart < _RESOLVED_BINS:
        return True
    share = local_share(spectrum, between, basis, 0.5 * apart)
    return bool(share.min() > _MIN_EVENNESS * share.max())


def _own_reflections(spectrum: Spectrum, basis: Array) -> Array:
    """Return the strongest reflections of a basis, up to eight, in cycles per px."""
    own = _orders() @ basis
    own = own[np.hypot(*own.T) < 1 / MIN_SPACING_PX]
    heights, _, measured = reflections_at(spectrum, own)
    return np.asarray(measured[np.argsort(-heights)[:_COMPARED]])


def local_share(spectrum: Spectrum, others: Array, basis: Array, reach: float = np.inf) -> Array:
    """Return how much of the power is that of other reflections, in parts of the image.

    Parameters
    ----------
    spectrum : Spectrum
    others : ndarray of float64, shape (N, 2)
        Positions in cycles per px, strongest first; the first eight are used.
    basis : ndarray of float64, shape (2, 2)
        Rows are reciprocal vectors in cycles per px; its eight strongest reflections are used.
    reach : float
        Distance in bins at which nothing of other reflections is expected.

    Returns
    -------
    ndarray of float64, shape (up to 9,)
        0 to 1 for each of nine overlapping parts that shows any reflection; one 0 if none does.
    """
    own = _own_reflections(spectrum, basis)
    first = np.maximum(local_power(spectrum, others[:_COMPARED], reach), 0)
    second = np.maximum(local_power(spectrum, own, reach), 0)
    both = first + second
    if not both.any():
        return np.zeros(1)
    shown = both > 0.05 * both.max()
    return np.asarray(first[shown] / both[shown])
