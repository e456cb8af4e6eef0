"""Position, orientation and scale of a crystal in the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CrystalPose:
    """Position, orientation and scale of the crystal in the image.

    Attributes
    ----------
    matrix : ndarray of float64, shape (2, 2)
        Maps x, y in nm in the frame of the crystal to y, x in px:
        ``(y, x) = origin + matrix @ (x, y)``.
    origin : ndarray of float64, shape (2,)
        y, x in px of the origin of the crystal.
    """

    matrix: Array
    origin: Array

    @classmethod
    def rotated(
        cls,
        rotation_deg: float,
        pixel_size_nm: float,
        origin: Sequence[float] | Array,
        strain: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> CrystalPose:
        """Return the pose of a strained and rotated crystal.

        Parameters
        ----------
        rotation_deg : float
            Counter-clockwise rotation.
        pixel_size_nm : float
            Edge of one square pixel in nm.
        origin : (float, float)
            y, x in px of the origin of the crystal.
        strain : (float, float, float)
            Components xx, yy and xy in the frame of the crystal.

        Returns
        -------
        CrystalPose
        """
        c, s = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
        xx, yy, xy = strain
        deformed = np.array([[c, -s], [s, c]]) @ np.array([[1 + xx, xy], [xy, 1 + yy]])
        downwards = np.array([-deformed[1], deformed[0]])
        return cls(downwards / pixel_size_nm, np.asarray(origin, dtype=np.float64))

    def to_image(self, position: Array) -> Array:
        """Map positions in the crystal to positions in the image.

        Parameters
        ----------
        position : ndarray of float64, shape (N, 2)
            x, y in nm.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            y, x in px.
        """
        return np.asarray(position @ self.matrix.T + self.origin)

    def to_crystal(self, points: Array) -> Array:
        """Map positions in the image to positions in the crystal.

        Parameters
        ----------
        points : ndarray of float64, shape (N, 2)
            y, x in px.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            x, y in nm.
        """
        return np.asarray((points - self.origin) @ np.linalg.inv(self.matrix).T)

    def nm_per_px(self) -> float:
        """Return the mean edge of a pixel in the frame of the crystal, nm."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.matrix))))
