"""Unit cell of a two-dimensional lattice: vectors, uncertainty and symmetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.lattice.reciprocal_basis import reduce_basis

Array = NDArray[np.float64]
Vectors = tuple[tuple[float, float], tuple[float, float]]
Symmetry = Literal["oblique", "rectangular", "centred rectangular", "square", "hexagonal"]

# Distortions of a scan that the scatter of the reflections does not show.
_DISTORTION, _DISTORTION_DEG = 0.025, 1.5
_SPACINGS, _MANY = 2.5, 1.1
"""Column spacings in a length unit, and length units per period from which a cell has many columns:
more than about seven. Two spacings suit small defects as well, and join fewer near ones, but
predict less of the faults of a crystal."""


@dataclass(frozen=True)
class UnitCell:
    """The primitive unit cell of a lattice in an image, spanned by its two shortest vectors.

    Attributes
    ----------
    vectors_px : ((float, float), (float, float))
        Base vectors as (y, x) in px, shortest first, with an angle of 60 to 90 degrees.
    reciprocal : ((float, float), (float, float))
        Reciprocal base vectors as (y, x) in cycles per px; the scalar product with the base
        vector of the same index is 1, with the other 0.
    uncertainty_px : (float, float)
        Standard uncertainty of the length of each base vector in px, from the scatter of the
        reflections.
    angle_deg, angle_uncertainty_deg : float
        Angle between the base vectors, 60 to 90 degrees, and its standard uncertainty.
    ratio, ratio_uncertainty : float
        Length of the second base vector over that of the first, at least 1.
    symmetry : str
        "oblique", "rectangular", "centred rectangular", "square" or "hexagonal", within the
        uncertainty and a scan distortion of 2.5 %.
    confidence : float
        0 to 1: the fraction of the reflections of the image that this lattice explains, reduced
        for weak reflections.
    column_spacing_px : float or None
        Spacing of the columns within the cell in px, see `lattice.column_spacing`; None where it
        is not known.
    """

    vectors_px: Vectors
    reciprocal: Vectors
    uncertainty_px: tuple[float, float]
    angle_deg: float
    angle_uncertainty_deg: float
    ratio: float
    ratio_uncertainty: float
    symmetry: Symmetry
    confidence: float
    column_spacing_px: float | None = None

    def __repr__(self) -> str:
        (y0, x0), (y1, x1) = self.vectors_px
        vectors = f"vectors_px=(({y0:.2f}, {x0:.2f}), ({y1:.2f}, {x1:.2f}))"
        return f"UnitCell({self.symmetry}, {vectors}, angle_deg={self.angle_deg:.1f})"

    @property
    def period_px(self) -> float:
        """Length of the shortest base vector in px."""
        return float(np.hypot(*self.vectors_px[0]))

    @property
    def lengths_px(self) -> tuple[float, float]:
        """Lengths of both base vectors in px."""
        return self.period_px, float(np.hypot(*self.vectors_px[1]))

    @property
    def spacing_px(self) -> float:
        """Spacing in px of the planes of the first reflections.

        The geometric mean of the two largest spacings, which compensates for a scan that is
        stretched along one axis.
        """
        first, second = reduce_basis(np.array(self.reciprocal))
        return float(1 / np.sqrt(np.hypot(*first) * np.hypot(*second)))

    def to_json(self, pixel_size_nm: float | None = None) -> dict[str, Any]:
        """Return the cell as JSON-safe values.

        Parameters
        ----------
        pixel_size_nm : float, optional
            Edge of a pixel in nm; without it, ``vectors_nm`` is None.

        Returns
        -------
        dict
            ``vectors_px``, ``vectors_nm`` (y, x), ``uncertainty_px``, ``angle_deg``,
            ``angle_uncertainty_deg``, ``ratio``, ``ratio_uncertainty``, ``symmetry``,
            ``confidence`` and ``column_spacing_px``.
        """
        vectors, spacing = np.array(self.vectors_px), self.column_spacing_px
        scaled = None if pixel_size_nm is None else (vectors * pixel_size_nm).round(6).tolist()
        return {
            "vectors_px": vectors.round(4).tolist(),
            "vectors_nm": scaled,
            "uncertainty_px": [round(value, 4) for value in self.uncertainty_px],
            "angle_deg": round(self.angle_deg, 3),
            "angle_uncertainty_deg": round(self.angle_uncertainty_deg, 3),
            "ratio": round(self.ratio, 4),
            "ratio_uncertainty": round(self.ratio_uncertainty, 4),
            "symmetry": self.symmetry,
            "confidence": round(self.confidence, 3),
            "column_spacing_px": None if spacing is None else round(spacing, 3),
        }


def unit_cell(
    reciprocal: Array,
    covariance: Array,
    confidence: float,
    column_spacing_px: float | None = None,
) -> UnitCell:
    """Derive the unit cell from a reciprocal basis.

    Parameters
    ----------
    reciprocal : ndarray of float64, shape (2, 2)
        Rows are any basis vectors (y, x) of the reciprocal lattice in cycles per px.
    covariance : ndarray of float64, shape (2, 2)
        Covariance between the two vectors of each of their components, in (cycles per px)^2.
    confidence : float
        0 to 1.
    column_spacing_px : float, optional
        Spacing of the columns within the cell in px.

    Returns
    -------
    UnitCell
    """
    real = _acute(reduce_basis(_dual(reciprocal)))
    dual = _dual(real)
    # dual = order @ reciprocal with whole numbers: the covariance follows the change of basis.
    order = np.rint(dual @ np.linalg.inv(reciprocal))
    changed = order @ covariance @ order.T
    values = _shape(dual)
    step = 1e-6 * float(np.abs(dual).max())
    variance = np.zeros(4)
    for component in range(2):
        slopes = np.empty((2, 4))
        for vector in range(2):
            moved = dual.copy()
            moved[vector, component] += step
            slopes[vector] = (_shape(moved) - values) / step
        variance += np.einsum("ik,ij,jk->k", slopes, changed, slopes)
    errors = np.sqrt(np.maximum(variance, 0))
    angle, ratio = float(values[2]), float(values[3])
    return UnitCell(
        vectors_px=_as_vectors(real),
        reciprocal=_as_vectors(dual),
        uncertainty_px=(float(errors[0]), float(errors[1])),
        angle_deg=angle,
        angle_uncertainty_deg=float(errors[2]),
        ratio=ratio,
        ratio_uncertainty=float(errors[3]),
        symmetry=_symmetry(angle, ratio, float(errors[2]), float(errors[3])),
        confidence=confidence,
        column_spacing_px=column_spacing_px,
    )


def _dual(rows: Array) -> Array:
    """Return the basis whose scalar products with the given one are 1 or 0."""
    return np.asarray(np.linalg.inv(rows).T, np.float64)


def _acute(real: Array) -> Array:
    """Turn the second vector so that the angle is at most 90 degrees, the first to x >= 0."""
    first, second = real
    if first[1] < 0 or (first[1] == 0 and first[0] < 0):
        first = -first
    return np.stack([first, second if first @ second >= 0 else -second])


def _shape(dual: Array) -> Array:
    """Return both lengths in px, the angle in degrees and the ratio of a reciprocal basis."""
    first, second = _dual(dual)
    lengths = np.hypot(*first), np.hypot(*second)
    cosine = np.clip(first @ second / (lengths[0] * lengths[1]), -1, 1)
    return np.array([*lengths, np.degrees(np.arccos(cosine)), lengths[1] / lengths[0]])


def _symmetry(angle: float, ratio: float, angle_error: float, ratio_error: float) -> Symmetry:
    away_deg = max(3 * angle_error, _DISTORTION_DEG)
    away = max(3 * ratio_error, _DISTORTION)
    right, equal = abs(angle - 90) < away_deg, abs(ratio - 1) < away
    if right:
        return "square" if equal else "rectangular"
    if equal:
        return "hexagonal" if abs(angle - 60) < away_deg else "centred rectangular"
    # The second vector ends above the middle of the first: the mirror line of a centred cell.
    if abs(ratio * np.cos(np.radians(angle)) - 0.5) < away + ratio * np.radians(away_deg):
        return "centred rectangular"
    return "oblique"


def _as_vectors(rows: Array) -> Vectors:
    (y0, x0), (y1, x1) = rows.tolist()
    return (y0, x0), (y1, x1)


def lattice_period(cell: UnitCell) -> float:
    """Return the period of a lattice: the edge of the square with the area of its primitive cell.

    Parameters
    ----------
    cell : UnitCell

    Returns
    -------
    float
        Period in px.
    """
    return float(np.sqrt(abs(np.linalg.det(cell.vectors_px))))


def units_per_period(cell: UnitCell) -> float:
    """Return how many length units of the analysis a lattice period has.

    The lengths of the survey and of quick models suit the columns of a crystal, not its cell: where
    a cell has many columns, a fixed number of samples per period would not resolve them.

    Parameters
    ----------
    cell : UnitCell

    Returns
    -------
    float
        1 for cells of up to about seven columns or an unknown spacing, otherwise the period over
        2.5 column spacings.
    """
    if cell.column_spacing_px is None:
        return 1.0
    units = lattice_period(cell) / (_SPACINGS * cell.column_spacing_px)
    return units if units >= _MANY else 1.0
