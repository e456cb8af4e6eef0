"""Grains of an image and the map of its lattice: what `lattice.grain_map` finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Outline = tuple[tuple[float, float], ...]
Vectors = tuple[tuple[float, float], tuple[float, float]]

_MOST_PAIRS = 6
_WHOLE = 0.97


@dataclass(frozen=True)
class LatticeMap:
    """The lattice on a coarse grid; NaN where there is none.

    Attributes
    ----------
    y, x : ndarray of float64, shapes (rows,) and (columns,)
        Centres of the tiles in px of the image.
    orientation_deg : ndarray of float64, shape (rows, columns)
        Direction of the shortest base vector, counter-clockwise from the x axis, modulo the
        symmetry of the lattice (see `lattice.misorientation.orientations_deg`).
    angle_deg, ratio, period_px : ndarray of float64, shape (rows, columns)
        Angle between the two shortest base vectors, 60 to 90 degrees; their ratio, at least 1; the
        length of the shortest.
    quality : ndarray of float64, shape (rows, columns)
        Correlation of the local spectrum with that of the lattice, up to 1; never NaN.
    """

    y: Array
    x: Array
    orientation_deg: Array
    angle_deg: Array
    ratio: Array
    period_px: Array
    quality: Array

    def __repr__(self) -> str:
        rows, columns = self.quality.shape
        return f"LatticeMap({rows} x {columns} tiles)"


@dataclass(frozen=True)
class Neighbour:
    """A grain beside another.

    Attributes
    ----------
    number : int
        Number of the neighbour.
    misorientation_deg : float or None
        Smallest rotation of one lattice into the other in degrees; None where the unit cells
        differ.
    mirrored : bool
        Whether the lattices are mirror images that no rotation superimposes.
    """

    number: int
    misorientation_deg: float | None
    mirrored: bool


@dataclass(frozen=True)
class Grain:
    """A connected part of an image with one lattice.

    Attributes
    ----------
    number : int
        From 1, the largest grain first.
    y, x : float
        Centre of its area in px.
    area_px, area_fraction : float
        Area in px, and as a fraction of the image.
    vectors_px : ((float, float), (float, float))
        The two shortest base vectors as (y, x) in px.
    orientation_deg : float
        Direction of the shortest, modulo the symmetry of the lattice.
    outline : tuple of (float, float)
        Closed polygon (y, x) in px, pixel centres at integers; the first point is also the last.
    holes : tuple of tuple of (float, float)
        Outlines of what the grain encloses and does not contain.
    neighbours : tuple of Neighbour
        Grains that it touches.
    """

    number: int
    y: float
    x: float
    area_px: float
    area_fraction: float
    vectors_px: Vectors
    orientation_deg: float
    outline: Outline
    holes: tuple[Outline, ...]
    neighbours: tuple[Neighbour, ...]

    def __repr__(self) -> str:
        beside = ", ".join(str(each.number) for each in self.neighbours) or "none"
        share = f"{self.area_fraction:.1%} of the image, orientation_deg={self.orientation_deg:.1f}"
        return f"Grain({self.number}, {share}, neighbours: {beside})"


@dataclass(frozen=True, eq=False)
class GrainMap:
    """The grains of an image, and the map of the lattice that they come from.

    Attributes
    ----------
    grains : tuple of Grain
        Largest first; empty without a lattice.
    lattice : LatticeMap or None
        None without a lattice, or if the image is smaller than a tile.
    outside : ndarray of bool, shape (rows, columns), or None
        Cells of about one lattice period that belong to no grain; they cover the image evenly.
        None where ``lattice`` is.
    """

    grains: tuple[Grain, ...] = ()
    lattice: LatticeMap | None = None
    outside: NDArray[np.bool_] | None = None

    def __repr__(self) -> str:
        count = len(self.grains)
        return f"GrainMap({count} grain{'' if count == 1 else 's'})"

    @property
    def outlined(self) -> tuple[Grain, ...]:
        """The grains to outline in pictures: none where a single one fills the image."""
        alone = len(self.grains) == 1 and self.grains[0].area_fraction > _WHOLE
        return () if alone else self.grains

    @property
    def statement(self) -> str:
        """Number of the grains, and how neighbours are turned against each other."""
        if not self.grains:
            return "no grains"
        if len(self.grains) == 1:
            return "one grain"
        pairs = [
            _pair(grain, other)
            for grain in self.grains
            for other in grain.neighbours
            if other.number > grain.number
        ]
        more = f" and {len(pairs) - _MOST_PAIRS} more pairs" if len(pairs) > _MOST_PAIRS else ""
        listed = "".join(f"; {pair}" for pair in pairs[:_MOST_PAIRS])
        return f"{len(self.grains)} grains{listed}{more}"


def _pair(grain: Grain, other: Neighbour) -> str:
    numbers = f"{grain.number} and {other.number}"
    if other.misorientation_deg is None:
        return f"{numbers} with different unit cells"
    if other.mirrored:
        return f"{numbers} mirrored"
    return f"{numbers} turned by {other.misorientation_deg:.1f} degrees"
