"""Faults and boundaries in crystals with any lattice.

A fault displaces one side of a line against the other, an anti-phase boundary exchanges columns,
and at a twin or grain boundary a mirrored or rotated crystal begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_stem_defects.simulation.any_lattice import PlanarCrystal, fill_disk
from napari_stem_defects.simulation.any_lattice_specimen import (
    LatticeDefect,
    Specimen,
    join_crystals,
)
from napari_stem_defects.simulation.edge_dislocation import edge_displacement

Array = NDArray[np.float64]

_VERTEX_STEP_PX = 0.5
_OTHER_MIRRORS = ((1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (3, 1))


@dataclass(frozen=True)
class _Course:
    """A straight or bent line: a point on it, its unit direction and normal, and its bends."""

    point: Array
    along: Array
    across: Array
    amplitude: float = 0.0
    wavelength: float = 1.0
    phase: float = 0.0

    def side(self, position: Array) -> Array:
        """Return the distance in px from the line, positive on the side of the normal."""
        away = position - self.point
        return np.asarray(away @ self.across - self._bend(away @ self.along))

    def vertices(self, start: float, end: float) -> Array:
        t = np.arange(start, end, _VERTEX_STEP_PX)
        return self.point + t[:, None] * self.along + self._bend(t)[:, None] * self.across

    def _bend(self, t: Array) -> Array:
        return np.asarray(self.amplitude * np.sin(2 * np.pi * t / self.wavelength + self.phase))


def _course(
    specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator, gap: bool
) -> _Course:
    """Draw a line along a lattice direction near the middle, between or through lattice rows."""
    crystal = specimen.crystal
    direction = np.array(defect.direction, float) @ crystal.base
    along = direction / np.hypot(*direction)
    across = np.array([-along[1], along[0]])
    size = min(specimen.shape)
    middle = np.array(specimen.shape) / 2 + rng.uniform(-0.15, 0.15, 2) * size
    rows = specimen.columns
    near = np.hypot(*(rows.position - middle).T) < 3 * crystal.period_px
    solid = near & (rows.brightness > 0)
    heights = np.unique(np.round((rows.position[solid] - middle) @ across, 3))
    if gap and len(heights) > 1:
        gaps = np.diff(heights)
        wide = np.flatnonzero(gaps > 0.95 * gaps.max())
        centres = heights[wide] + gaps[wide] / 2
    else:
        first = near & (rows.site == 0)
        centres = (rows.position[first] - middle) @ across
    offset = centres[np.argmin(np.abs(centres))]
    return _Course(middle + offset * across, along, across)


def _length(specimen: Specimen) -> float:
    return 1.5 * float(np.hypot(*specimen.shape))


def add_fault(specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator) -> Specimen:
    """Shift one side of a line against the other.

    Parameters
    ----------
    specimen : Specimen
        Crystal with the defects so far.
    defect : LatticeDefect
        What to add.
    rng : numpy.random.Generator
        Source of places.

    Returns
    -------
    Specimen
    """
    course = _course(specimen, defect, rng, gap=True)
    shift = defect.amount * (np.array(defect.direction, float) @ specimen.crystal.base)
    reach = _length(specimen)
    if defect.ends:
        # The fault is the cut of a partial dislocation, whose core is where the fault ends.
        sign = rng.choice([-1.0, 1.0])
        end = course.point + rng.uniform(-0.15, 0.15) * min(specimen.shape) * course.along
        vertices = _Course(end, sign * course.along, course.across).vertices(0, reach)

        def move(position: Array) -> Array:
            return position + edge_displacement(position - end, shift, -sign * course.along)
    else:
        vertices = course.vertices(-reach, reach)

        def move(position: Array) -> Array:
            return position + np.where(course.side(position) > 0, 0.5, -0.5)[:, None] * shift

    specimen = _dimmed(specimen, course, defect.dimming) if not defect.ends else specimen
    moved = specimen.displaced(move)
    return replace(moved, lines=(*moved.lines, (defect.class_name, vertices)))


def _dimmed(specimen: Specimen, course: _Course, dimming: float) -> Specimen:
    near = course.side(specimen.columns.position) / (0.5 * specimen.crystal.period_px)
    keep = 1 - dimming * np.exp(-0.5 * near**2)
    columns = replace(specimen.columns, brightness=specimen.columns.brightness * keep)
    return replace(specimen, columns=columns)


def add_antiphase(specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator) -> Specimen:
    """Exchange the columns of the motif cyclically on one side of a line.

    Parameters
    ----------
    specimen : Specimen
        Crystal with the defects so far.
    defect : LatticeDefect
        What to add.
    rng : numpy.random.Generator
        Source of places.

    Returns
    -------
    Specimen
    """
    course = _course(specimen, defect, rng, gap=True)
    columns, motif = specimen.columns, specimen.crystal.motif
    turned = (course.side(columns.position) > 0) & (columns.site < len(motif))
    factor = np.array(
        [motif[(n + 1) % len(motif)].brightness / each.brightness for n, each in enumerate(motif)]
    )
    brightness = columns.brightness.copy()
    brightness[turned] *= factor[columns.site[turned]]
    changed = replace(specimen, columns=replace(columns, brightness=brightness))
    changed = _dimmed(changed, course, defect.dimming)
    reach = _length(specimen)
    line = (defect.class_name, course.vertices(-reach, reach))
    return replace(changed, lines=(*changed.lines, line))


def add_domain(specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator) -> Specimen:
    """Fill one side of a line with the mirrored (twin) or rotated (grain) crystal.

    Parameters
    ----------
    specimen : Specimen
        Crystal with the defects so far.
    defect : LatticeDefect
        What to add.
    rng : numpy.random.Generator
        Source of places.

    Returns
    -------
    Specimen
    """
    if defect.form == "twin":
        defect = replace(defect, direction=mirror_direction(specimen.crystal, defect.direction))
    course = _course(specimen, defect, rng, gap=False)
    if defect.form == "grain":
        course = _random_course(specimen, defect, course, rng)
    away = specimen.columns.position - course.point
    if defect.form == "twin":
        other = away - 2 * (away @ course.across)[:, None] * course.across
    else:
        turn = np.radians(defect.amount)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        shift = rng.uniform(-0.5, 0.5, 2) @ specimen.crystal.base
        other = away @ matrix.T + shift
    second = replace(specimen.columns, position=other + course.point)
    first = specimen.columns.select(course.side(specimen.columns.position) >= -1e-6)
    second = second.select(course.side(second.position) < -1e-6)
    joined = replace(specimen, columns=join_crystals(first, second))
    joined = _dimmed(joined, course, defect.dimming)
    reach = _length(specimen)
    line = (defect.class_name, course.vertices(-reach, reach))
    return replace(joined, lines=(*joined.lines, line))


def mirror_direction(crystal: PlanarCrystal, first: tuple[int, int]) -> tuple[int, int]:
    """Return the first lattice direction along which a mirror changes the crystal.

    Parameters
    ----------
    crystal : PlanarCrystal
    first : tuple of int
        Tried before the others, in steps of the base vectors.

    Returns
    -------
    tuple of int
        ``first`` where no mirror changes the crystal.
    """
    zero = np.zeros(2)
    columns = fill_disk(crystal, zero, zero, 5 * crystal.period_px)
    solid = columns.select(columns.brightness > 0)
    inner = np.hypot(*solid.position.T) < 3 * crystal.period_px
    for direction in (first, *_OTHER_MIRRORS):
        along = np.array(direction, float) @ crystal.base
        along /= np.hypot(*along)
        mirrored = 2 * (solid.position @ along)[:, None] * along - solid.position
        apart, index = cKDTree(solid.position).query(mirrored[inner])
        other = np.abs(solid.brightness[index] - solid.brightness[inner]) > 0.15
        if np.mean((apart > 0.12 * crystal.period_px) | other) > 0.25:
            return direction
    return first


def _random_course(
    specimen: Specimen, defect: LatticeDefect, course: _Course, rng: np.random.Generator
) -> _Course:
    angle = rng.uniform(0, np.pi)
    along = np.array([np.sin(angle), np.cos(angle)])
    period = specimen.crystal.period_px
    return _Course(
        course.point,
        along,
        np.array([-along[1], along[0]]),
        defect.waviness * period,
        rng.uniform(12, 30) * period,
        rng.uniform(0, 2 * np.pi),
    )
