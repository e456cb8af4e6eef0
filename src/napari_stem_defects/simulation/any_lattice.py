"""Crystals with any two-dimensional lattice and motif, in px of the image.

`simulation.crystals` holds the two crystals of the public data sets in nm. Here a crystal is what
an image of an unknown material shows: two base vectors and a motif of one to three columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.errors import InputError

Array = NDArray[np.float64]

Bravais = Literal["hexagonal", "square", "rectangular", "centred rectangular", "oblique"]
"""The five two-dimensional Bravais lattices."""
BRAVAIS: tuple[Bravais, ...] = get_args(Bravais)

_HOLE_STEPS = 24


class MotifColumn(NamedTuple):
    """One column of the motif: fractions of the two base vectors, and relative brightness."""

    u: float
    v: float
    brightness: float


@dataclass(frozen=True)
class PlanarCrystal:
    """A two-dimensional crystal in px of the image.

    Attributes
    ----------
    vectors : tuple of two (float, float)
        Base vectors (y, x) in px, primitive.
    motif : tuple of MotifColumn
        Columns of the unit cell.
    """

    vectors: tuple[tuple[float, float], tuple[float, float]]
    motif: tuple[MotifColumn, ...] = (MotifColumn(0.0, 0.0, 1.0),)

    @property
    def base(self) -> Array:
        """Base vectors as an array, shape (2, 2): one vector (y, x) in px per row."""
        return np.array(self.vectors, dtype=np.float64)

    @property
    def period_px(self) -> float:
        """Length of the shortest lattice vector in px."""
        steps = np.array([[1, 0], [0, 1], [1, 1], [1, -1]])
        return float(np.hypot(*(steps @ self.base).T).min())

    @property
    def hole(self) -> tuple[float, float]:
        """Fractional position in the unit cell that is farthest from every column."""
        ticks = np.arange(_HOLE_STEPS) / _HOLE_STEPS
        grid = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 1, 1, 2)
        sites = np.array([[column.u, column.v] for column in self.motif])
        cells = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), axis=-1)
        apart = (grid - sites[:, None] - cells.reshape(-1, 2)) @ self.base
        distance = np.hypot(apart[..., 0], apart[..., 1]).min(axis=(1, 2))
        u, v = grid.reshape(-1, 2)[int(np.argmax(np.round(distance, 6)))]
        return float(u), float(v)


def make_crystal(
    lattice: Bravais,
    period_px: float,
    *,
    rotation_deg: float = 0.0,
    ratio: float = 1.3,
    angle_deg: float = 75.0,
    motif: tuple[MotifColumn, ...] = (MotifColumn(0.0, 0.0, 1.0),),
) -> PlanarCrystal:
    """Return a crystal of one of the five Bravais lattices.

    Parameters
    ----------
    lattice : {"hexagonal", "square", "rectangular", "centred rectangular", "oblique"}
        Type of the lattice.
    period_px : float
        Length of the first base vector in px. In a centred rectangular lattice both base vectors
        (half diagonals of the rectangle) have this length.
    rotation_deg : float
        Angle of the first base vector from the x axis towards the negative y axis.
    ratio : float
        Length of the second base vector over that of the first; rectangular and oblique only.
    angle_deg : float
        Angle between the base vectors; centred rectangular and oblique only.
    motif : tuple of MotifColumn
        Columns of the unit cell.

    Returns
    -------
    PlanarCrystal

    Raises
    ------
    InputError
        If the lattice is not known or a length or angle makes no lattice.

    Examples
    --------
    >>> round(make_crystal("square", 12.0).period_px, 3)
    12.0
    """
    if lattice not in BRAVAIS:
        raise InputError(f"lattice {lattice!r} is not known; use {', '.join(BRAVAIS)}")
    if not (period_px > 0 and ratio > 0 and 0 < angle_deg < 180):
        raise InputError("a lattice needs positive lengths and an angle of 0 to 180 degrees")
    equal = lattice in ("hexagonal", "square", "centred rectangular")
    between = {"hexagonal": 120.0, "square": 90.0, "rectangular": 90.0}.get(lattice, angle_deg)
    turn = np.radians([rotation_deg, rotation_deg + between])
    lengths = period_px * np.array([1.0, 1.0 if equal else ratio])
    (ya, xa), (yb, xb) = np.stack([-np.sin(turn), np.cos(turn)], axis=1) * lengths[:, None]
    return PlanarCrystal(((float(ya), float(xa)), (float(yb), float(xb))), motif)


@dataclass(frozen=True)
class PlanarColumns:
    """Columns of a planar crystal and its empty holes.

    Attributes
    ----------
    position : ndarray of float64, shape (N, 2)
        y, x in px.
    brightness : ndarray of float64, shape (N,)
        Relative brightness; 0 for a hole.
    site : ndarray of int, shape (N,)
        Number of the column in the motif; ``len(motif)`` for the hole of a unit cell, which defects
        may fill.
    """

    position: Array
    brightness: Array
    site: NDArray[np.intp]

    def select(self, keep: NDArray[np.bool_]) -> PlanarColumns:
        """Return some of the columns.

        Parameters
        ----------
        keep : ndarray of bool, shape (N,)
            Columns to return.

        Returns
        -------
        PlanarColumns
        """
        return PlanarColumns(self.position[keep], self.brightness[keep], self.site[keep])

    def join(self, other: PlanarColumns) -> PlanarColumns:
        """Return these columns followed by others.

        Parameters
        ----------
        other : PlanarColumns
            Columns to append.

        Returns
        -------
        PlanarColumns
        """
        return PlanarColumns(
            np.concatenate([self.position, other.position]),
            np.concatenate([self.brightness, other.brightness]),
            np.concatenate([self.site, other.site]),
        )


def fill_disk(crystal: PlanarCrystal, centre: Array, origin: Array, radius: float) -> PlanarColumns:
    """Return the columns and holes of a perfect crystal in a disk.

    Parameters
    ----------
    crystal : PlanarCrystal
        Lattice and motif.
    centre : ndarray of float64, shape (2,)
        y, x of the middle of the disk in px.
    origin : ndarray of float64, shape (2,)
        y, x of a corner of a unit cell in px.
    radius : float
        Radius of the disk in px.

    Returns
    -------
    PlanarColumns
    """
    base = crystal.base
    middle = np.rint((centre - origin) @ np.linalg.inv(base))
    # The spacing of lattice rows limits how many cells a radius can hold in each direction.
    spacing = abs(np.linalg.det(base)) / np.hypot(*base[::-1].T)
    reach = np.ceil(radius / spacing).astype(int) + 1
    i, j = np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")
    cells = np.stack([i.ravel(), j.ravel()], axis=1) + middle
    cells = cells[np.hypot(*(cells @ base + origin - centre).T) <= radius + crystal.period_px]
    sites = [(column.u, column.v) for column in crystal.motif] + [crystal.hole]
    position = np.concatenate([(cells + site) @ base + origin for site in sites])
    brightness = [column.brightness for column in crystal.motif] + [0.0]
    columns = PlanarColumns(
        position,
        np.repeat(brightness, len(cells)),
        np.repeat(np.arange(len(sites)), len(cells)),
    )
    return columns.select(np.hypot(*(position - centre).T) <= radius)
