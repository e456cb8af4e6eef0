"""The rotation, and the mirror, that carry one lattice into another."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.lattice.reciprocal_basis import reduce_bases, reduce_basis

Array = NDArray[np.float64]

_MAX_STRAIN = 0.06
"""Largest difference of the base vectors, as a fraction of their lengths, after the rotation."""
_AS_GOOD = 0.015
"""Rotations whose strains differ by less are equivalent: the lattice has that symmetry."""
_ANGLE_DEG = 1.5
"""Distortion of a scan within which an angle is 60 or 90 degrees."""
_CHANGES = np.array(
    [[[a, b], [c, d]] for a, b, c, d in product((-1, 0, 1), repeat=4) if abs(a * d - b * c) == 1],
    np.float64,
)
"""The changes of basis between two pairs of shortest vectors of one lattice."""


class Misorientation(NamedTuple):
    """How one lattice lies against another.

    Attributes
    ----------
    angle_deg : float
        Smallest rotation in degrees that carries the first lattice into the second, 0 to 90.
    strain : float
        Difference that is left, as a fraction of the length of the base vectors.
    mirrored : bool
        Whether no rotation does so, but a reflection; the angle is then that between the
        shortest base vectors.
    """

    angle_deg: float
    strain: float
    mirrored: bool = False


def misorientation(first: Array, second: Array) -> Misorientation | None:
    """Return how one lattice is turned against another, up to the symmetry of the lattice.

    Parameters
    ----------
    first, second : ndarray of float64, shape (2, 2)
        Base vectors (y, x) as rows, of any length unit.

    Returns
    -------
    Misorientation or None
        None where the unit cells differ by more than 6 %.
    """
    first, second = reduce_basis(first), reduce_basis(second)
    angles, strains, proper = _all_rotations(first, second)
    for wanted, mirrored in ((proper, False), (~proper, True)):
        best = strains[wanted].min()
        if best <= _MAX_STRAIN:
            alike = wanted & (strains <= best + _AS_GOOD)
            index = np.flatnonzero(alike)[np.abs(angles[alike]).argmin()]
            angle = _between(first[0], second[0]) if mirrored else abs(float(angles[index]))
            return Misorientation(angle, float(strains[index]), mirrored)
    return None


def orientations_deg(vectors: Array) -> Array:
    """Return the directions of the shortest lattice vectors, modulo the symmetry of the lattices.

    Parameters
    ----------
    vectors : ndarray of float64, shape (N, 2, 2)
        Base vectors (y, x) as rows.

    Returns
    -------
    ndarray of float64, shape (N,)
        Degrees counter-clockwise from the x axis of the image (y downwards): 0 to 60 for a
        hexagonal, 0 to 90 for a square lattice, 0 to 180 for any other. Where both vectors of
        another lattice are equally long, the bisector of their acute angle counts.
    """
    reduced = reduce_bases(vectors)
    lengths = np.linalg.norm(reduced, axis=2)
    unit = reduced / lengths[:, :, None]
    angle = np.degrees(np.arccos(np.clip((unit[:, 0] * unit[:, 1]).sum(axis=1), -1, 1)))
    equal = lengths[:, 1] / lengths[:, 0] < 1 + 2 * _AS_GOOD
    hexagonal = equal & (np.abs(angle - 60) < _ANGLE_DEG)
    square = equal & (np.abs(angle - 90) < _ANGLE_DEG)
    rhombic = equal & ~hexagonal & ~square
    direction = np.where(rhombic[:, None], unit.sum(axis=1), unit[:, 0])
    degrees = np.degrees(np.arctan2(-direction[:, 0], direction[:, 1]))
    return np.asarray(degrees % np.select([hexagonal, square], [60.0, 90.0], 180.0))


def _all_rotations(first: Array, second: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return angle (degrees), strain and handedness of the best rotation for every choice of basis.

    The rotation R of rows closest to v R = w, in the sense of least squares, is that of the
    two-dimensional Procrustes problem (Golub and Van Loan, Matrix Computations, section 6.4).
    """
    changed = _CHANGES @ first
    proper = np.linalg.det(changed) * np.linalg.det(second) > 0
    flipped = np.where(proper[:, None, None], changed, changed * [1, -1])
    dot = (flipped * second).sum(axis=(1, 2))
    cross = (flipped[..., 1] * second[..., 0] - flipped[..., 0] * second[..., 1]).sum(axis=1)
    angle = np.arctan2(cross, dot)  # from x towards y
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    # (y, x) -> (y cos + x sin, x cos - y sin)
    turned = flipped @ matrix
    strain = np.sqrt(((turned - second) ** 2).sum(axis=(1, 2)) / (second**2).sum())
    return -np.degrees(angle), strain, proper


def _between(first: Array, second: Array) -> float:
    cosine = abs(float(first @ second)) / float(np.hypot(*first) * np.hypot(*second))
    return float(np.degrees(np.arccos(min(cosine, 1.0))))
