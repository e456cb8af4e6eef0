"""Atomic columns of the perfect crystals: CdTe [110] and SrTiO3 [001].

Positions are in nm in the frame of the crystal: x along [1-10] and y along [001] for CdTe, so that
y is the direction of the dumbbells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.errors import InputError

Array = NDArray[np.float64]

CRYSTALS = ("cdte-110", "sto-001")
"""Names of the crystals: CdTe along [110] and SrTiO3 along [001]."""
ALIASES = {"sto-100": "sto-001"}
"""Other accepted names of the crystals, from earlier versions.

They give identical images, which are named after the alias.
"""

CDTE_NM = 0.6482
"""Lattice constant of CdTe."""
STO_NM = 0.3905
"""Lattice constant of SrTiO3."""
LAYER_NM = float(CDTE_NM / np.sqrt(3))
"""Spacing of the (111) layers of CdTe."""
PERIOD_NM = float(CDTE_NM * np.sqrt(6) / 4)
"""Period of the dumbbells along a (111) layer seen along [110]."""


@dataclass(frozen=True)
class Columns:
    """Atomic columns.

    Attributes
    ----------
    position : ndarray of float64, shape (N, 2)
        x, y in nm in the crystal's frame.
    species : ndarray of int, shape (N,)
        0 for the first species of the crystal, 1 for the second and so on.
    share : ndarray of float64, shape (N,)
        Occupied fraction of the thickness: 1 for a full column, 0 for a missing one.
    """

    position: Array
    species: NDArray[np.intp]
    occupancy: Array


def resolve_crystal(name: str) -> str:
    """Return the name in `CRYSTALS` of a crystal that may be given by one of its `ALIASES`.

    Parameters
    ----------
    name : str
        Name or alias.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the crystal is not known.
    """
    crystal = ALIASES.get(name, name)
    if crystal not in CRYSTALS:
        raise InputError(f"crystal {name!r} is not known; use {' or '.join(CRYSTALS)}")
    return crystal


def zincblende(radius_nm: float) -> Columns:
    """Return a perfect zincblende crystal (CdTe) along [110].

    Parameters
    ----------
    radius_nm : float
        Radius of the crystal in nm, around the origin.

    Returns
    -------
    Columns
        Columns i and N/2 + i form one dumbbell.
    """
    a, b = CDTE_NM / np.sqrt(2), CDTE_NM
    corner = _grid(a, b, radius_nm)
    sites = np.concatenate([corner, corner + np.array([a / 2, b / 2])])
    sites = sites[np.hypot(*sites.T) <= radius_nm]
    position = np.concatenate([sites, sites + np.array([0, b / 4])])
    return Columns(position, np.repeat([0, 1], len(sites)), np.ones(len(position)))


def perovskite(radius_nm: float) -> Columns:
    """Return a perfect perovskite crystal (SrTiO3) along [001].

    Parameters
    ----------
    radius_nm : float
        Radius of the crystal in nm, around the origin.

    Returns
    -------
    Columns
        Sr (species 0), Ti-O (1) and O (2) columns.
    """
    sr = _grid(STO_NM, STO_NM, radius_nm)
    basis = np.array([[0, 0], [0.5, 0.5], [0.5, 0], [0, 0.5]]) * STO_NM
    position = np.concatenate([sr + site for site in basis])
    species = np.repeat([0, 1, 2, 2], len(sr))
    inside = np.hypot(*position.T) <= radius_nm
    return Columns(position[inside], species[inside], np.ones(int(inside.sum())))


def _grid(a: float, b: float, radius: float) -> Array:
    columns = np.arange(-np.ceil(radius / a), np.ceil(radius / a) + 1) * a
    rows = np.arange(-np.ceil(radius / b), np.ceil(radius / b) + 1) * b
    x, y = np.meshgrid(columns, rows)
    return np.stack([x.ravel(), y.ravel()], axis=1)
