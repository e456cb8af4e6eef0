"""What a line repeats along itself: one click shows it in many places.

A fault that is seen edge-on repeats by a lattice vector, so the mean of the residual over some
periods along that vector shows the fault with less noise. Which vector it is, and whether there is
one, is seen from the power that is left in the mean. Noise leaves little: how much at most is
measured in noise with the spectrum of the residual. Grain boundaries and bent lines do not repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.anomaly.line_evidence import line_vectors
from napari_stem_defects.matched_filter.templates import REACH, cut_pattern, cuts_near
from napari_stem_defects.matched_filter.usual_power import without_strong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

COPIES = 7
"""Places of a line that are averaged: its click and what it repeats beside it."""
_LIMIT = 2.5
"""Spreads to which the residual is limited where lines are sought: beyond are single columns."""
_PLACES = 60
"""Places of noise whose highest power a line exceeds."""
_MORE = 1.1
_REPEATS = 0.6
"""Share of the power at a click, less that of noise, which the mean of a line keeps."""


class Repeated(NamedTuple):
    """The mean of a residual along a line.

    Attributes
    ----------
    values : ndarray of float32, shape (e, e)
        Around a click.
    at : ndarray of float64, shape (2,)
        The click in it: y and x in samples.
    """

    values: NDArray[np.float32]
    at: NDArray[np.float64]


def repeated_along(
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]],
    lattices: Sequence[Sequence[NDArray[np.float64]]],
    weight: NDArray[np.float32],
    samples: float,
    noise_like: Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]],
) -> list[Repeated]:
    """Return the mean along the line of each click; an empty list where most lines do not repeat.

    Parameters
    ----------
    clicks : sequence of (ndarray of float32 (Y, X), ndarray of float (2,))
        Residual of the image and position of each click in samples.
    lattices : sequence of sequence of ndarray of float, each of shape (2, 2)
        Of the image of each click; base vectors (y, x) in samples.
    weight : ndarray of float32, shape (w, w)
        Of a template.
    samples : float
        Samples per length unit.
    noise_like : callable
        Returns noise with the spectrum of a residual.

    Returns
    -------
    list of Repeated
    """
    radius = weight.shape[0] // 2
    reach = radius + int(np.ceil(REACH["line"].shift * samples)) + 1
    found, shown, limits = [], 0, {}
    for (residual, at), lattice in zip(clicks, lattices, strict=True):
        vectors = line_vectors(lattice)
        if id(residual) not in limits:
            limited = np.clip(without_strong(residual, samples), -_LIMIT, _LIMIT)
            limits[id(residual)] = limited, _highest_of_noise(limited, vectors, weight, noise_like)
        limited, highest = limits[id(residual)]
        powers = _powers(limited, at, vectors, weight)
        vector, first = _candidates(vectors)[int(powers.argmax())]
        own = float((weight * cut_pattern(limited, at, radius) ** 2).sum())
        usual = highest.usual
        repeats = powers.max() - usual / COPIES >= _REPEATS * (own - usual)
        shown += bool(powers.max() > _MORE * highest.power and repeats)
        places = at + np.arange(first, first + COPIES)[:, None] * vector
        values = cuts_near(residual, places, reach).mean(axis=0)
        found.append(Repeated(values, np.array([reach, reach], np.float64)))
    return found if shown > 0.5 * len(found) else []


class _Highest(NamedTuple):
    """Highest power of the mean along any vector in noise, and usual power of the noise."""

    power: float
    usual: float


def _highest_of_noise(
    limited: NDArray[np.float32],
    vectors: Sequence[NDArray[np.float64]],
    weight: NDArray[np.float32],
    noise_like: Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]],
) -> _Highest:
    rng = np.random.default_rng(0)
    noise = noise_like(limited, rng)
    size = np.array(noise.shape) - 1
    places = rng.uniform(0, 1, (_PLACES, 2)) * size
    powers = [float(_powers(noise, at, vectors, weight).max()) for at in places]
    return _Highest(max(powers), float(np.mean(np.square(noise))))


def _candidates(vectors: Sequence[NDArray[np.float64]]) -> list[tuple[NDArray[np.float64], int]]:
    """Return each vector with the first multiple that is averaged: a line may end at a click."""
    firsts = -(COPIES // 2), -(COPIES - 1), 0
    return [(vector, first) for vector in vectors for first in firsts]


def _powers(
    residual: NDArray[np.float32],
    at: NDArray[np.float64],
    vectors: Sequence[NDArray[np.float64]],
    weight: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the power of the mean for each of the candidates."""
    radius, powers = weight.shape[0] // 2, []
    steps = np.arange(-(COPIES - 1), COPIES)
    for vector in vectors:
        cuts = cuts_near(residual, at + steps[:, None] * vector, radius)
        for _, first in _candidates([vector]):
            begin = first + COPIES - 1
            mean = cuts[begin : begin + COPIES].mean(axis=0)
            powers.append(float((weight * mean**2).sum()))
    return np.array(powers)
