"""How extended defects are drawn: found by any of their classes, named by a vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.results import ProbabilityMap

VOTE_REACH = 1.5
"""Standard deviation of the Gaussian over which names are voted on, in shortest defects."""

SUREST = 0.99
"""Probability beyond which a window's vote for a name weighs no more."""


@dataclass(frozen=True)
class PlanarClasses:
    """How extended defects are drawn: found by any of their classes, named by a vote.

    Attributes
    ----------
    names : tuple of str
    ratio : ndarray of float32, shape (gy, gx)
        The highest probability in units of its class's threshold.
    passing : ndarray of bool, shape (gy, gx)
    votes : tuple of ndarray of float32, shape (gy, gx)
        For each name what the windows around give it.
    raster : Raster
    """

    names: tuple[str, ...]
    ratio: NDArray[np.float32]
    passing: NDArray[np.bool_]
    votes: tuple[NDArray[np.float32], ...]
    raster: WindowInterpolator

    @classmethod
    def of(
        cls,
        map: ProbabilityMap,
        limits: Mapping[str, float],
        raster: WindowInterpolator,
        min_length_px: float,
    ) -> PlanarClasses:
        """Prepare classes, each of which claims a window from its limit."""
        values = {name: map.probability[map.classes.index(name)] for name in limits}
        # A threshold of 0 is passed by every window; without any class none passes.
        ratios = [np.zeros(map.called.shape, np.float32)]
        for name, limit in limits.items():
            ratios.append(values[name] / limit if limit else np.ones_like(values[name]))
        ratio = np.max(ratios, axis=0)
        passing = map.called & (ratio >= 1)
        votes = tuple(
            _smoothed(_odds(values[name]) * passing, map, VOTE_REACH * min_length_px)
            for name in limits
        )
        return cls(tuple(limits), ratio, passing, votes, raster)

    def draw(self, masks: Sequence[NDArray[np.uint8]], rows: slice) -> None:
        """Draw some rows of the planes, which come in the order of the names."""
        if not self.passing[self.raster.concerned(rows)].any():
            return
        reached = self.raster.bilinear(self.ratio, rows) >= 1
        found = reached | (self.raster.at_centres(self.passing, rows) > 0)
        strongest = np.zeros(found.shape, np.float32)
        winner = np.zeros(found.shape, np.uint8)
        for number, votes in enumerate(self.votes):
            pixels = self.raster.bilinear(votes, rows)
            winner[pixels > strongest] = number
            np.maximum(strongest, pixels, out=strongest)
        for number, mask in enumerate(masks):
            mask[:] = found & (winner == number)


def _odds(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    bounded = np.minimum(probability, np.float32(SUREST))
    odds: NDArray[np.float32] = bounded / (1 - bounded)
    return odds


def _smoothed(
    values: NDArray[np.float32], map: ProbabilityMap, reach_px: float
) -> NDArray[np.float32]:
    """Smooth what windows say over a distance in px; shape (gy, gx)."""
    steps = [np.diff(centres).mean() if len(centres) > 1 else 1.0 for centres in (map.y, map.x)]
    sigma = [reach_px / step for step in steps]
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, mode="constant")
    return smooth
