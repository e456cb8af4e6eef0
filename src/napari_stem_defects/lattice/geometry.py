"""Geometry of the lattice that a model knows, and how well a measured lattice fits it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_stem_defects.lattice.unit_cell import UnitCell

GENERAL_TOLERANCE_DEG = 15.0
"""Tolerance of the angle from which a geometry is general: it fits crystals of many kinds."""


@dataclass(frozen=True)
class LatticeGeometry:
    """Angle and ratio of the two shortest base vectors of a crystal in projection.

    Attributes
    ----------
    angle_deg : float
        Angle between the vectors, 60 to 90 degrees.
    ratio : float
        Length of the longer one over that of the shorter one, at least 1.
    angle_tolerance_deg : float
        Largest difference of the angle, for strain and scan distortion.
    ratio_tolerance : float
        Largest difference of the ratio.
    spacing_nm : float or None
        Spacing of the planes of the first reflections in nm; None if unknown.
    spacing_tolerance : float
        Largest relative difference of the spacing in calibrated images.
    crystal : str
        Name and zone axis of the crystal, such as "SrTiO3 along [001]"; "" where it has none.
    """

    angle_deg: float
    ratio: float = 1.0
    angle_tolerance_deg: float = 4.0
    ratio_tolerance: float = 0.09
    spacing_nm: float | None = None
    spacing_tolerance: float = 0.1
    crystal: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for numbers that no reduced cell has."""
        numbers = [self.angle_deg, self.ratio, self.angle_tolerance_deg, self.ratio_tolerance]
        numbers += [self.spacing_tolerance, 1.0 if self.spacing_nm is None else self.spacing_nm]
        if not all(math.isfinite(value) and value > 0 for value in numbers):
            raise ValueError(f"the lattice geometry is not of positive, finite numbers: {self}")
        if not (59 <= self.angle_deg <= 90.01 and self.ratio >= 1):
            raise ValueError(f"the two shortest vectors of no lattice have this geometry: {self}")

    @property
    def is_general(self) -> bool:
        """Whether the geometry fits crystals of many kinds."""
        return self.angle_tolerance_deg >= GENERAL_TOLERANCE_DEG

    def misfit(self, cell: UnitCell, pixel_size_nm: float | None = None) -> float:
        """Return how far a measured cell is from the geometry.

        Parameters
        ----------
        cell : UnitCell
        pixel_size_nm : float, optional
            Edge of a pixel in nm. Without it, or without ``spacing_nm``, the spacing is not
            compared.

        Returns
        -------
        float
            Largest of the differences of angle, ratio and spacing, each over its tolerance: the
            cell fits up to 1.
        """
        parts = [
            abs(cell.angle_deg - self.angle_deg) / self.angle_tolerance_deg,
            abs(cell.ratio - self.ratio) / self.ratio_tolerance,
        ]
        if pixel_size_nm is not None and self.spacing_nm is not None:
            away = abs(math.log(cell.spacing_px * pixel_size_nm / self.spacing_nm))
            parts.append(away / self.spacing_tolerance)
        return max(parts)

    def describe(self, pixel_size_nm: float | None = None) -> str:
        """Return the geometry in a few words, with the spacing for a calibrated image."""
        text = f"{self.angle_deg:.1f} degrees, ratio {self.ratio:.2f}"
        if pixel_size_nm is None or self.spacing_nm is None:
            return text
        return f"{text}, planes {self.spacing_nm:.3f} nm apart"

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as JSON-safe values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> LatticeGeometry | None:
        """Read a geometry written by `to_json`.

        Parameters
        ----------
        values : object
            A mapping, or None.

        Returns
        -------
        LatticeGeometry or None

        Raises
        ------
        ValueError, TypeError
            If an entry is missing, unknown or no number.
        """
        if values is None:
            return None
        if not isinstance(values, Mapping):
            raise TypeError("lattice_geometry is not a mapping")
        crystal = values.get("crystal", "")
        if not isinstance(crystal, str):
            raise TypeError("the crystal of lattice_geometry is not text")
        numbers: dict[str, Any] = {
            name: None if value is None else float(value)
            for name, value in values.items()
            if name != "crystal"
        }
        return cls(**numbers, crystal=crystal)


def describe_cell(cell: UnitCell, pixel_size_nm: float | None = None) -> str:
    """Return angle, ratio and, in a calibrated image, spacing of a cell in a few words.

    Parameters
    ----------
    cell : UnitCell
    pixel_size_nm : float, optional
        Edge of a pixel in nm.

    Returns
    -------
    str
    """
    text = f"{cell.symmetry}, {cell.angle_deg:.1f} degrees, ratio {cell.ratio:.2f}"
    if pixel_size_nm is None:
        return text
    return f"{text}, planes {cell.spacing_px * pixel_size_nm:.3f} nm apart"
