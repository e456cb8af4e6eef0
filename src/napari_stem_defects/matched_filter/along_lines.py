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
from napari_stem_defects.matched_filter.chance import with_random_phases
from napari_stem_defects.matched_filter.templates import REACH, cuts_near
from napari_stem_defects.matched_filter.usual_power import without_strong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.examples import Examples

COPIES = 7
"""Places of a line that are averaged: its click and what it repeats beside it."""
_LIMIT = 2.5
"""Spreads to which the residual is limited where lines are sought: beyond are single columns."""
_PLACES = 60
"""Places of noise whose highest power a line exceeds."""
_MORE = 1.1
_EVERY = 2
"""Samples from one that is compared to the next."""
_REPEATS = 0.6
"""Share of the power at a click, less that of noise, which the mean of a line keeps."""
_OTHERS = 1 / 3
"""Share of the clicks that need not repeat, and one of two."""
_CORRIDOR = 1.5
"""Distance from a clicked line, in lattice periods, within which the residual is no noise."""
_LEAST = 0.4
"""Share of an image that must be left beside the clicked lines; otherwise all of it counts."""
_BY_CHANCE = 1.5
"""Power of the noise at a click, in units of the usual one, that is not unlikely."""


class Line(NamedTuple):
    """A straight line.

    Attributes
    ----------
    at, vector : ndarray of float64, shape (2,)
        A place on it, and what it repeats by: y and x in samples.
    """

    at: NDArray[np.float64]
    vector: NDArray[np.float64]


class Repeated(NamedTuple):
    """The mean of a residual along a line.

    Attributes
    ----------
    values : ndarray of float32, shape (e, e)
        Around a click.
    at : ndarray of float64, shape (2,)
        The click in it: y and x in samples.
    image : ndarray of float32, shape (Y, X)
        The residual of the whole image.
    line : Line
        In the image.
    """

    values: NDArray[np.float32]
    at: NDArray[np.float64]
    image: NDArray[np.float32]
    line: Line


def repeated_along(examples: Examples, weight: NDArray[np.float32]) -> list[Repeated]:
    """Return the mean along the line of each click that shows one that repeats.

    Parameters
    ----------
    examples : Examples
        Clicks of a class of the kind "line".
    weight : ndarray of float32, shape (w, w)
        Of a template.

    Returns
    -------
    list of Repeated
        Empty where more than a third of the clicks show none, or the lattice is not known.
    """
    clicks, samples = examples.at_clicks(), examples.samples
    known = [examples.context[c.image].residual for c in examples.clicks if examples.context]
    lattices = [each.sampled.lattices for each in known if each is not None]
    if len(lattices) < len(clicks):
        return []
    reach = weight.shape[0] // 2 + int(np.ceil(REACH["line"].shift * samples)) + 1
    found = []
    for image in {id(residual): residual for residual, _ in clicks}.values():
        here = [n for n, (residual, _) in enumerate(clicks) if residual is image]
        limited = np.clip(without_strong(image, samples), -_LIMIT, _LIMIT)
        search = _Search(line_vectors(lattices[here[0]]), weight)
        shown = [search.best(limited, clicks[n][1]) for n in here]
        # A long line is a large part of a small image, and would be one of the noise like it.
        beside = beside_lines(limited, [each.line for each in shown], samples)
        noise = with_random_phases(beside, np.random.default_rng(0))
        usual, highest = float(np.mean(np.square(noise))), search.highest(noise)
        for each in shown:
            repeats = each.power - usual / COPIES >= _REPEATS * (each.own - _BY_CHANCE * usual)
            if repeats and each.power > _MORE * highest:
                places = each.line.at + np.arange(COPIES)[:, None] * each.line.vector
                mean = cuts_near(image, places + each.first * each.line.vector, reach).mean(axis=0)
                found.append(Repeated(mean, np.full(2, float(reach)), image, each.line))
    return found if len(clicks) - len(found) <= max(1, _OTHERS * len(clicks)) else []


class _Best(NamedTuple):
    """Power at a place itself and of the best mean, its line, and the first multiple averaged."""

    own: float
    power: float
    line: Line
    first: int


class _Search:
    """Search for the vector along which a residual repeats.

    A line may end at a click, so the mean begins, ends or has its middle there. Every second sample
    is enough.
    """

    def __init__(self, vectors: Sequence[NDArray[np.float64]], weight: NDArray[np.float32]) -> None:
        radius = weight.shape[0] // 2
        self._vectors = np.array(vectors)
        self._steps = np.arange(-(COPIES - 1), COPIES)
        kept = np.arange(-radius, radius + 1, _EVERY)
        self._offsets = np.stack(np.meshgrid(kept, kept, indexing="ij"), axis=-1).reshape(-1, 2)
        some = weight[tuple((self._offsets + radius).T)]
        self._weight = some / some.sum()

    def best(self, residual: NDArray[np.float32], at: NDArray[np.float64]) -> _Best:
        """Return what is best at a place (y, x) in samples."""
        # Vectors, steps, offsets, y and x.
        centres = np.rint(at + self._steps[:, None] * self._vectors[:, None]).astype(int)
        places = centres[:, :, None] + self._offsets
        y, x = places[..., 0], places[..., 1]
        height, width = residual.shape
        cuts = residual[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
        cuts = np.where((y >= 0) & (y < height) & (x >= 0) & (x < width), cuts, np.float32(0))
        begins = COPIES // 2, 0, COPIES - 1
        means = np.stack([cuts[:, n : n + COPIES].mean(axis=1) for n in begins], axis=1)
        powers = np.square(means) @ self._weight
        vector, begin = divmod(int(powers.argmax()), len(begins))
        own = float(np.square(cuts[0, COPIES - 1]) @ self._weight)
        line = Line(at, self._vectors[vector])
        return _Best(own, float(powers.max()), line, int(self._steps[begins[begin]]))

    def highest(self, noise: NDArray[np.float32]) -> float:
        """Return the highest power at many places of noise."""
        places = np.random.default_rng(0).uniform(0, 1, (_PLACES, 2))
        return max(self.best(noise, at).power for at in places * (np.array(noise.shape) - 1))


def beside_lines(
    residual: NDArray[np.float32], lines: Sequence[Line], samples: float
) -> NDArray[np.float32]:
    """Return a residual with zeros along lines, and as much power elsewhere as all had.

    Parameters
    ----------
    residual : ndarray of float32, shape (Y, X)
    lines : sequence of Line
    samples : float
        Samples per length unit.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        The residual itself where little is left beside the lines.
    """
    left = np.ones(residual.shape, np.float32)
    y, x = np.ogrid[: residual.shape[0], : residual.shape[1]]
    for line in lines:
        down, across = line.vector / np.hypot(*line.vector)
        away = (y - line.at[0]) * across - (x - line.at[1]) * down
        left[np.abs(away) < _CORRIDOR * samples] = 0
    share = float(left.mean())
    return residual if share < _LEAST else residual * left / np.float32(np.sqrt(share))
