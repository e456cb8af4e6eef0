"""Crystals of any lattice with defects: what a defect is, and columns with their ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.simulation.any_lattice import PlanarColumns, PlanarCrystal

Array = NDArray[np.float64]

Form = Literal[
    "missing", "added", "exchanged", "core", "fault", "antiphase", "twin", "grain", "precipitate"
]
"""What a defect is: three point defects, the core of an edge dislocation, a stacking fault, an
anti-phase, twin or grain boundary, and an area of another crystal."""
FORMS: tuple[Form, ...] = get_args(Form)
KIND_OF_FORM: dict[Form, str] = {
    "missing": "point",
    "added": "point",
    "exchanged": "point",
    "core": "point",
    "fault": "line",
    "antiphase": "line",
    "twin": "line",
    "grain": "line",
    "precipitate": "area",
}
DOMAIN_FORMS = ("twin", "grain")

_CLOSEST = 0.6
"""Columns of two crystals are not closer than this fraction of the nearest-neighbour distance."""


@dataclass(frozen=True)
class LatticeDefect:
    """A defect to put into a crystal.

    Attributes
    ----------
    form : str
        One of `FORMS`.
    class_name : str
        Name in the ground truth.
    amount : float
        Its strength. Missing: brightness that is left, as a fraction. Added: brightness of the
        column. Exchanged: factor of its brightness. Core: Burgers vector in multiples of
        ``direction``. Fault: shift in multiples of ``direction``, along the fault. Grain: rotation
        in degrees. Precipitate: its period relative to that of the crystal. Twin and antiphase
        have none.
    count : int
        Number of point defects or precipitates.
    direction : (int, int)
        Lattice direction of the line, or of the Burgers vector.
    site : int
        Number of the column in the motif that is missing or exchanged.
    ends : bool
        Whether a fault ends in the image, in a partial dislocation.
    dimming : float
        Fraction of the brightness lost along a line (strain contrast).
    waviness : float
        Amplitude of the bends of a grain boundary, in periods.
    """

    form: Form
    class_name: str
    amount: float = 0.0
    count: int = 1
    direction: tuple[int, int] = (1, 0)
    site: int = 0
    ends: bool = False
    dimming: float = 0.0
    waviness: float = 0.0

    @property
    def kind(self) -> str:
        """Kind of its class: point, line or area."""
        return KIND_OF_FORM[self.form]


@dataclass(frozen=True)
class Specimen:
    """Columns with defects and their ground truth, in px of the undistorted image.

    Attributes
    ----------
    crystal : PlanarCrystal
        The perfect crystal.
    shape : (int, int)
        Height and width of the image in px.
    columns : PlanarColumns
        Columns and holes around and in the image.
    points : tuple of (str, ndarray of float64, shape (N, 2))
        Point defects: class and y, x.
    lines : tuple of (str, ndarray of float64, shape (N, 2))
        Centre lines: class and dense vertices y, x.
    areas : tuple of (str, ndarray of float64, shape (N, 2))
        Areas: class and outline y, x.
    """

    crystal: PlanarCrystal
    shape: tuple[int, int]
    columns: PlanarColumns
    points: tuple[tuple[str, Array], ...] = field(default=())
    lines: tuple[tuple[str, Array], ...] = field(default=())
    areas: tuple[tuple[str, Array], ...] = field(default=())

    def displaced(self, move: Callable[[Array], Array]) -> Specimen:
        """Return the specimen with columns and ground truth displaced.

        Parameters
        ----------
        move : callable
            From positions (N, 2) to displaced positions (N, 2), y, x in px.

        Returns
        -------
        Specimen
        """
        return replace(
            self,
            columns=replace(self.columns, position=move(self.columns.position)),
            points=tuple((name, move(each)) for name, each in self.points),
            lines=tuple((name, move(each)) for name, each in self.lines),
            areas=tuple((name, move(each)) for name, each in self.areas),
        )

    def distance(self, position: Array) -> Array:
        """Return the distance of positions to the nearest defect.

        Parameters
        ----------
        position : ndarray of float64, shape (N, 2)
            y, x in px.

        Returns
        -------
        ndarray of float64, shape (N,)
            Distance in px to points, lines and outlines; infinite if there are none.
        """
        known = [each for _, each in (*self.points, *self.lines, *self.areas) if len(each)]
        if not known:
            return np.full(len(position), np.inf)
        return np.asarray(cKDTree(np.concatenate(known)).query(position)[0], dtype=np.float64)


def join_crystals(first: PlanarColumns, second: PlanarColumns) -> PlanarColumns:
    """Join two crystals; columns of the second that come too close to the first are left out.

    Parameters
    ----------
    first, second : PlanarColumns
        Columns of both crystals.

    Returns
    -------
    PlanarColumns
    """
    solid = first.position[first.brightness > 0]
    tree = cKDTree(solid)
    some = solid[: min(len(solid), 500)]
    nearest = float(np.median(tree.query(some, k=2)[0][:, 1]))
    apart, _ = tree.query(second.position)
    return first.join(second.select(apart > _CLOSEST * nearest))
