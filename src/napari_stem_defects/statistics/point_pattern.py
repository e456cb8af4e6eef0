"""A pattern of points in a searched area of any outline, and random points in the same area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_MASK = 512
"""Longest edge of the mask of a pattern; larger ones are sampled."""


@dataclass(frozen=True)
class PointPattern:
    """Points and the area in which they were searched.

    Attributes
    ----------
    points : ndarray of float64, shape (n, 2)
        Positions (y, x) in units of length; the corner of the area is 0.
    mask : ndarray of bool, shape (Y, X)
        The area that was searched.
    spacing : float
        Edge of a pixel of the mask in units of length.
    """

    points: NDArray[np.float64]
    mask: NDArray[np.bool_]
    spacing: float

    @property
    def area(self) -> float:
        """The area in units of length squared."""
        return float(self.mask.sum()) * self.spacing**2

    def at_random(self, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return as many points as the pattern has, independent and uniform in the area.

        Parameters
        ----------
        generator : numpy.random.Generator

        Returns
        -------
        ndarray of float64, shape (n, 2)
        """
        cells = self._inside[generator.integers(len(self._inside), size=len(self.points))]
        places: NDArray[np.float64] = (cells + generator.random(cells.shape)) * self.spacing
        return places

    def border_distances(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance of points from the border of the area.

        Parameters
        ----------
        points : ndarray of float64, shape (n, 2)

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        distances: NDArray[np.float64] = self.distance_map[tuple(self._cells(points).T)]
        return distances

    @cached_property
    def distance_map(self) -> NDArray[np.float64]:
        """Distance of each pixel of the mask from the border, in units of length."""
        inside: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(self.mask, 1))
        return inside[1:-1, 1:-1] * self.spacing

    @cached_property
    def _inside(self) -> NDArray[np.intp]:
        return np.argwhere(self.mask)

    def _cells(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        last = np.array(self.mask.shape) - 1
        return np.clip((points / self.spacing).astype(np.intp), 0, last)
