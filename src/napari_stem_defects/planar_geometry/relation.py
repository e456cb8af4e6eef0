"""How the lattices on both sides of a plane lie to each other: shift, mirror, rotation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_stem_defects.lattice.misorientation import misorientation
from napari_stem_defects.lattice.reciprocal_basis import reduce_basis
from napari_stem_defects.lattice.rows import dense_rows
from napari_stem_defects.planar_geometry.motif import changed_motif
from napari_stem_defects.planar_geometry.side_lattice import (
    Array,
    Patch,
    SideLattice,
    find_side_lattice,
    fourier_sums,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.planar_geometry.sides import Sides

RelationKind = Literal["fault", "twin", "domain", "boundary", "none"]

SAME_DEG, SAME_STRAIN = 1.2, 0.03
"""Rotation and strain up to which both sides have one lattice: distortions of a scan."""
DIFFERENT_DEG = 2.5
"""Rotation from which both sides have different lattices; between, it may be strain."""
TWIN_DEG = 1.5
"""Angle between the mirror line of both lattices and a dense row up to which it is a twin."""
_PLANE_DEG = 5.0
"""Angle between the fitted centre line and a lattice direction up to which it lies along it."""
_LEAST_SHIFT = 0.06
"""Shift, in periods of the plane's row, below which there is none."""
_SECTIONS = 5
_SHIFT_GRID = 24
_MOST_INDEX = 3


@dataclass(frozen=True)
class Relation:
    """What the geometry of both sides shows.

    Attributes
    ----------
    kind : {"fault", "twin", "domain", "boundary", "none"}
        One lattice with a shift; mirrored lattices with a dense mirror row along the plane; one
        lattice whose motif is turned or mirrored; lattices turned against each other, or of
        another kind; or one lattice without a shift.
    misorientation_deg : float or None
        Smallest rotation that carries one lattice into the other; None for other lattices.
    mirror_deg : float or None
        Angle between a mirror line of both lattices near the plane and a dense row; None without
        one.
    shift_px : tuple of (float, float) or None
        Rigid shift (y, x) of the first side against the second, the shortest of those that differ
        by lattice vectors; None unless both sides have one lattice.
    shift_error_px : float or None
        Standard error of each component of the shift.
    shift_lattice : tuple of (float, float) or None
        The same in units of the lattice vectors of the second side, from -0.5 to 0.5.
    shifted_layers : int or None
        Layers of a stacking of three (ABC) that are shifted, 1 or 2, where the shift is a third of
        the row along the plane.
    plane : tuple of (int, int) or None
        Indices of the lattice direction along the plane; None where it is along none.
    plane_misfit_deg : float or None
        Angle between the centre line and that direction.
    motif : str
        "inverted", "mirrored" or by which angle the motif of a domain is turned; else "".
    """

    kind: RelationKind
    misorientation_deg: float | None = None
    mirror_deg: float | None = None
    shift_px: tuple[float, float] | None = None
    shift_error_px: float | None = None
    shift_lattice: tuple[float, float] | None = None
    shifted_layers: int | None = None
    plane: tuple[int, int] | None = None
    plane_misfit_deg: float | None = None
    motif: str = ""


def compare_sides(sides: Sides, cells: Sequence[Array]) -> Relation | None:
    """Compare the lattices on both sides of a plane.

    Parameters
    ----------
    sides : Sides
    cells : sequence of ndarray of float64, shape (2, 2)
        Base vectors (y, x) in px of the unit cells of the image, as rows.

    Returns
    -------
    Relation or None
        None where a side shows no lattice.
    """
    first, second = (find_side_lattice(side, cells) for side in (sides.first, sides.second))
    if first is None or second is None:
        return None
    plane, misfit = _plane(second.vectors, sides.along)
    turn = misorientation(first.vectors, second.vectors)
    same = turn is not None and not turn.mirrored
    if same and turn is not None and turn.angle_deg <= SAME_DEG and turn.strain <= SAME_STRAIN:
        return _shifted(sides, first, second, turn.angle_deg, plane, misfit)
    mirror = _mirror_misfit(first.vectors, second.vectors, sides.along)
    angle = None if turn is None else round(turn.angle_deg, 3)
    if mirror is not None and mirror <= TWIN_DEG:
        return Relation("twin", angle, mirror, plane=plane, plane_misfit_deg=misfit)
    return Relation("boundary", angle, mirror, plane=plane, plane_misfit_deg=misfit)


def _shifted(
    sides: Sides,
    first: SideLattice,
    second: SideLattice,
    angle_deg: float,
    plane: tuple[int, int] | None,
    misfit: float | None,
) -> Relation:
    """Return the relation of two sides with one lattice: their shift."""
    # Both sides are measured with the same waves, those of the mean lattice.
    change = np.rint(first.reciprocal @ np.linalg.inv(second.reciprocal))
    aligned = np.linalg.inv(change) @ first.reciprocal
    basis = (aligned + second.reciprocal) / 2
    orders, weight = second.orders, np.minimum(second.signal, 60.0)
    vectors = np.asarray(np.linalg.inv(basis).T, np.float64)
    sections = _sections(sides)
    pairs = [(sides.near_first, sides.near_second), *sections]
    motif = changed_motif(pairs, (sides.first, sides.second), basis, orders, second.signal)
    if motif is not None:
        angle_deg = round(angle_deg, 3)
        return Relation(
            "domain", angle_deg, plane=plane, plane_misfit_deg=misfit, motif=motif.words
        )
    fraction = _shift(sides.near_first, sides.near_second, basis, orders, weight)
    parts = [_nearest(_shift(*pair, basis, orders, weight), fraction) for pair in sections]
    shortest = _shortest(fraction, vectors)
    shift = shortest @ vectors
    error = 0.0
    if len(parts) > 1:
        spread = (np.array(parts) - fraction) @ vectors
        error = float(np.sqrt((spread**2).sum(axis=0).max() / (len(parts) * (len(parts) - 1))))
    length = float(np.hypot(*shift))
    row = _row_length(vectors, sides.along)
    kind: RelationKind = "fault" if length > max(_LEAST_SHIFT * row, 3 * error) else "none"
    return Relation(
        kind,
        round(angle_deg, 3),
        shift_px=(float(shift[0]), float(shift[1])),
        shift_error_px=error,
        shift_lattice=(float(shortest[0]), float(shortest[1])),
        shifted_layers=_layers(shift, vectors, sides, plane) if kind == "fault" else None,
        plane=plane,
        plane_misfit_deg=misfit,
    )


def _shift(first: Patch, second: Patch, basis: Array, orders: Array, weight: Array) -> Array:
    """Return the shift of the first side against the second in lattice units, 0 to 1.

    A shift by r changes the phase of a wave g by -2 pi g r. The shift that fits the phases of all
    waves best is searched on a grid and then refined by Newton steps.
    """
    waves = orders @ basis
    turned = fourier_sums(first, waves) * fourier_sums(second, waves).conj()
    phase = np.angle(turned) / (2 * np.pi)
    steps = np.arange(_SHIFT_GRID) / _SHIFT_GRID
    u, v = np.meshgrid(steps, steps, indexing="ij")
    grid = np.stack([u.ravel(), v.ravel()], axis=1)
    fit = np.cos(2 * np.pi * (grid @ orders.T + phase)) @ weight
    found = grid[int(fit.argmax())]
    for _ in range(4):
        rest = -(orders @ found + phase)
        rest -= np.rint(rest)
        root = np.sqrt(weight)
        change, *_ = np.linalg.lstsq(orders * root[:, None], rest * root, rcond=None)
        found = found + change
    return np.asarray(found)


def _sections(sides: Sides) -> list[tuple[Patch, Patch]]:
    """Return both sides of equal sections along the line, for the error of the shift."""
    edges = np.linspace(-0.5, 0.5, _SECTIONS + 1) * sides.length_px
    found = []
    for start, stop in pairwise(edges.tolist()):
        pair = []
        for side in (sides.near_first, sides.near_second):
            s = side.y[:, None] * sides.along[0] + side.x * sides.along[1]
            weights = side.weights * ((s >= start) & (s < stop))
            pair.append(replace(side, weights=weights).cropped())
        if min(float(side.weights.sum()) for side in pair) > 0:
            found.append((pair[0], pair[1]))
    return found


def _nearest(fraction: Array, reference: Array) -> Array:
    """Return the shift, of those that differ by lattice vectors, nearest to a reference."""
    return np.asarray(fraction - np.rint(fraction - reference))


def _shortest(fraction: Array, vectors: Array) -> Array:
    """Return the shortest of the shifts that differ by lattice vectors, in lattice units."""
    base = fraction - np.rint(fraction)
    turns = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)], np.float64)
    lengths = np.hypot(*((base + turns) @ vectors).T)
    return np.asarray(base + turns[int(lengths.argmin())])


def _plane(vectors: Array, along: Array) -> tuple[tuple[int, int] | None, float | None]:
    """Return the indices of the lattice direction along a line, and the angle between them."""
    reduced = reduce_basis(vectors)
    size = range(-_MOST_INDEX, _MOST_INDEX + 1)
    indices = np.array(
        [(u, v) for u in size for v in size if (u, v) > (0, 0) and np.gcd(u, v) == 1], np.float64
    )
    directions = indices @ reduced
    cosine = np.abs(directions @ along) / np.hypot(*directions.T)
    away = np.degrees(np.arccos(np.clip(cosine, 0, 1)))
    # Of directions within the error of the line, the densest row is the plane of the crystal.
    near = np.flatnonzero(away <= _PLANE_DEG)
    if not len(near):
        return None, None
    best = near[np.argmin(np.hypot(*directions[near].T) + 0.1 * away[near])]
    u, v = (int(each) for each in indices[best])
    return (u, v), float(away[best])


def _row_vector(vectors: Array, along: Array) -> Array:
    """Return the shortest lattice vector nearly along a line, in its direction."""
    plane, _ = _plane(vectors, along)
    reduced = reduce_basis(vectors)
    row = reduced[0] if plane is None else np.array(plane, np.float64) @ reduced
    return np.asarray(row if row @ along >= 0 else -row)


def _row_length(vectors: Array, along: Array) -> float:
    return float(np.hypot(*_row_vector(vectors, along)))


def _layers(
    shift: Array, vectors: Array, sides: Sides, plane: tuple[int, int] | None
) -> int | None:
    """Return how many layers of an ABC stacking are shifted, 1 or 2.

    Each layer lies a third of the row further than the one below. A layer that goes back by a
    third, as in an intrinsic fault, moves all above it by minus two thirds, which is one third.
    """
    if plane is None:
        return None
    row = _row_vector(vectors, sides.along)
    period = float(np.hypot(*row))
    unit = row / period
    reduced = reduce_basis(vectors)
    turns = [np.array(each) @ reduced for each in ((1, 0), (0, 1), (1, 1), (1, -1))]
    height = np.array([float(each @ sides.across) for each in turns])
    layer = turns[int(np.argmin(np.where(np.abs(height) > 0.2 * period, np.abs(height), np.inf)))]
    if layer @ sides.across < 0:
        layer = -layer
    offset = float(layer @ unit) / period % 1
    moved = float(shift @ unit) / period % 1
    normal = abs(float(shift @ np.array([-unit[1], unit[0]])))
    third = round(3 * offset)
    if third not in (1, 2) or abs(offset - third / 3) > 0.08 or normal > 0.15 * period:
        return None
    number = round(3 * moved)
    if number not in (1, 2) or abs(moved - number / 3) > 0.05:
        return None
    return number if third == 1 else 3 - number


def _mirror_misfit(first: Array, second: Array, along: Array) -> float | None:
    """Return the angle between the mirror line of two lattices and a dense row of the second.

    None where no mirror line near the plane carries one lattice into the other.
    """
    line = np.degrees(np.arctan2(along[0], along[1]))
    best = None
    for row in dense_rows([second]):
        angle = np.degrees(np.arctan2(row[0], row[1]))
        away = (angle - line + 90) % 180 - 90
        if abs(away) > _PLANE_DEG:
            continue
        mirrored = _reflected(second, row)
        turn = misorientation(first, mirrored)
        # The distortion of a scan acts on both sides of a mirror in opposite senses.
        if turn is None or turn.strain > 2 * SAME_STRAIN or turn.mirrored:
            continue
        # A reflection in a line turned by an angle differs by a rotation of twice the angle.
        misfit = turn.angle_deg / 2
        best = misfit if best is None else min(best, misfit)
    return best


def _reflected(vectors: Array, axis: Array) -> Array:
    return np.asarray(2 * np.outer(vectors @ axis, axis) - vectors)
