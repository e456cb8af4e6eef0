"""Masks of planar defects and areas: found by any class, named by a vote weighted by odds.

Classes of the kinds "line" and "area" are drawn together, because they compete for pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.postprocessing.interpolation import ALMOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.results import ProbabilityMap

VOTE_SIGMA = 1.5
"""Standard deviation of the Gaussian of the vote, in units of the minimum length."""

MAX_VOTE_PROBABILITY = 0.99
"""Probability above which the weight of a vote no longer grows."""


@dataclass(frozen=True)
class PlanarClasses:
    """The classes of the kinds "line" and "area", prepared for drawing.

    Attributes
    ----------
    names : tuple of str
    ratio : ndarray of float32, shape (gy, gx)
        Highest probability in units of the threshold of its class.
    passing : ndarray of bool, shape (gy, gx)
        The valid windows in which a class reaches its threshold.
    votes : tuple of ndarray of float32, shape (gy, gx)
        For each name the votes of the surrounding windows.
    interpolator : WindowInterpolator
    """

    names: tuple[str, ...]
    ratio: NDArray[np.float32]
    passing: NDArray[np.bool_]
    votes: tuple[NDArray[np.float32], ...]
    interpolator: WindowInterpolator

    @classmethod
    def from_map(
        cls,
        map: ProbabilityMap,
        thresholds: Mapping[str, float],
        interpolator: WindowInterpolator,
        min_length_px: float,
        *,
        areas_where_found: bool = False,
    ) -> PlanarClasses:
        """Prepare the classes in ``thresholds``, each with its probability threshold.

        Parameters
        ----------
        map : ProbabilityMap
            Probabilities of all windows.
        thresholds : mapping of str to float
            Probability from which each class of the kinds "line" and "area" is assigned.
        interpolator : WindowInterpolator
            From the windows to the pixels.
        min_length_px : float
            Minimum length of a planar defect; sets the reach of the vote.
        areas_where_found : bool
            Whether an area is voted for only where its own windows reach its threshold.

        Returns
        -------
        PlanarClasses
            The classes, ready to draw.
        """
        values = {name: map.probability[map.classes.index(name)] for name in thresholds}
        # Every window passes a threshold of 0; without any class none passes.
        ratios = [np.zeros(map.valid.shape, np.float32)]
        for name, threshold in thresholds.items():
            ratios.append(values[name] / threshold if threshold else np.ones_like(values[name]))
        ratio = np.max(ratios, axis=0)
        passing = map.valid & (ratio >= 1)
        votes = {
            name: _smoothed(_odds(values[name]) * passing, map, VOTE_SIGMA * min_length_px)
            for name in thresholds
        }
        for name in map.names_of("area") if areas_where_found else ():
            votes[name] *= map.valid & (values[name] >= thresholds[name])
        return cls(tuple(thresholds), ratio, passing, tuple(votes.values()), interpolator)

    def draw(self, masks: Sequence[NDArray[np.uint8]], rows: slice) -> None:
        """Draw some rows of the masks, given in the order of the names.

        Parameters
        ----------
        masks : sequence of ndarray of uint8, shape (rows, X)
            One per name, changed in place.
        rows : slice
            Rows of pixels, with start and stop.
        """
        for down, across in self.interpolator.parts_around(self.ratio >= ALMOST, rows):
            found = self.interpolator.bilinear(self.ratio, down, across) >= 1
            y, x, _ = self.interpolator.centres_in(self.passing, down)
            inside = (x >= across.start) & (x < across.stop)
            found[y[inside], x[inside] - across.start] = True
            winner = self._winner(down, across)
            for number, mask in enumerate(masks):
                part = mask[down.start - rows.start : down.stop - rows.start, across]
                part |= found & (winner == number)

    def _winner(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return the number of the name with the most votes for each pixel (rows, columns)."""
        highest = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        winner = np.zeros(highest.shape, np.uint8)
        for number, votes in enumerate(self.votes):
            pixels = self.interpolator.bilinear(votes, rows, columns)
            winner[pixels > highest] = number
            np.maximum(highest, pixels, out=highest)
        return winner


def _odds(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    bounded = np.minimum(probability, np.float32(MAX_VOTE_PROBABILITY))
    odds: NDArray[np.float32] = bounded / (1 - bounded)
    return odds


def _smoothed(
    values: NDArray[np.float32], map: ProbabilityMap, sigma_px: float
) -> NDArray[np.float32]:
    """Smooth values of windows (gy, gx) with a Gaussian of a standard deviation in px."""
    steps = [np.diff(centres).mean() if len(centres) > 1 else 1.0 for centres in (map.y, map.x)]
    sigma = [sigma_px / step for step in steps]
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, mode="constant")
    return smooth
