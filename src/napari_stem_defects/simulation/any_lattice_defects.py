"""Defects in crystals with any lattice, each with its ground truth.

Line and area defects divide or displace the columns of a `Specimen`; point defects change single
columns far from all of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.simulation.any_lattice import MotifColumn, PlanarCrystal, fill_disk
from napari_stem_defects.simulation.any_lattice_boundaries import (
    add_antiphase,
    add_domain,
    add_fault,
)
from napari_stem_defects.simulation.any_lattice_specimen import (
    LatticeDefect,
    Specimen,
    join_crystals,
)
from napari_stem_defects.simulation.edge_dislocation import edge_displacement

Array = NDArray[np.float64]

APART_PERIODS = 3.0
"""Least distance of a point defect to other defects, in periods."""
_CORES_APART_PERIODS = 6.0
_CORE_DIMMING = 0.25


def add_defect(specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator) -> Specimen:
    """Return a specimen with one more defect, at a random place.

    Add boundaries of domains first, then precipitates, faults and cores, and point defects last:
    the latter keep away from all others.

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
    add = {
        "twin": add_domain,
        "grain": add_domain,
        "precipitate": _add_precipitates,
        "fault": add_fault,
        "antiphase": add_antiphase,
        "core": _add_cores,
    }.get(defect.form, _add_point_defects)
    return add(specimen, defect, rng)


def _add_precipitates(
    specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator
) -> Specimen:
    """Replace ellipses by another crystal with one column per cell, rotated against the first."""
    crystal, size = specimen.crystal, np.array(specimen.shape, float)
    period = crystal.period_px
    for _ in range(defect.count):
        radii = np.minimum(rng.uniform(3, 7, 2) * period, 0.16 * size.min())
        centre = _free_place(specimen, radii.max() + 2 * period, rng)
        if centre is None:
            break
        turn = rng.uniform(0, np.pi)
        axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        other = _other_crystal(crystal, defect.amount, rng)
        inner = fill_disk(other, centre, centre, float(radii.max()))
        inner = inner.select(_ellipse(inner.position - centre, axes, radii) < 1)
        outer = specimen.columns.select(
            _ellipse(specimen.columns.position - centre, axes, radii) >= 1
        )
        t = np.linspace(0, 2 * np.pi, 200, endpoint=False)
        outline = centre + (np.stack([np.cos(t), np.sin(t)], axis=1) * radii) @ axes
        specimen = replace(
            specimen,
            columns=join_crystals(outer, inner),
            areas=(*specimen.areas, (defect.class_name, outline)),
        )
    return specimen


def _ellipse(away: Array, axes: Array, radii: Array) -> Array:
    return np.asarray(np.hypot(*((away @ axes.T) / radii).T))


def _other_crystal(crystal: PlanarCrystal, scale: float, rng: np.random.Generator) -> PlanarCrystal:
    turn = np.radians(rng.uniform(12, 45))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    (a, b), (c, d) = scale * crystal.base @ matrix.T
    # About as much signal per area as the crystal has around it.
    total = sum(column.brightness for column in crystal.motif) * scale**2 * rng.uniform(0.7, 1.1)
    return PlanarCrystal(((a, b), (c, d)), (MotifColumn(0.0, 0.0, float(total)),))


def _free_place(specimen: Specimen, margin: float, rng: np.random.Generator) -> Array | None:
    """Draw a place at a distance from the border and from every defect, or find none."""
    size = np.array(specimen.shape, float)
    tried = rng.uniform(0, 1, (200, 2)) * np.maximum(size - 2 * margin, 0) + margin
    free = specimen.distance(tried) > margin
    return tried[free][0] if free.any() else None


def _add_cores(specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator) -> Specimen:
    """Add edge dislocations, their cores in holes of the crystal, far from each other."""
    period = specimen.crystal.period_px
    burgers = defect.amount * (np.array(defect.direction, float) @ specimen.crystal.base)
    glide = burgers / np.hypot(*burgers)
    cores: list[Array] = []
    holes = specimen.columns.position[specimen.columns.site == len(specimen.crystal.motif)]
    for _ in range(defect.count):
        place = _free_place(specimen, _CORES_APART_PERIODS * period, rng)
        if place is None:
            break
        core = holes[np.argmin(np.hypot(*(holes - place).T))]
        cores.append(core)
        specimen = replace(specimen, points=(*specimen.points, (defect.class_name, core[None])))
    if not cores:
        return specimen
    signs = rng.choice([-1.0, 1.0], len(cores))
    dim = np.ones(len(specimen.columns.position))
    for core in cores:
        away = np.hypot(*(specimen.columns.position - core).T)
        dim *= 1 - _CORE_DIMMING * np.exp(-0.5 * (away / (0.6 * period)) ** 2)

    def move(position: Array) -> Array:
        moved = position.copy()
        for core, sign in zip(cores, signs, strict=True):
            away = position - core
            # At a core the field has no value; the cores move with the fields of the others.
            elsewhere = np.hypot(*away.T) > 1e-6
            field_px = edge_displacement(away, sign * burgers, glide)
            moved += np.where(elsewhere[:, None], field_px, 0.0)
        return moved

    columns = replace(specimen.columns, brightness=specimen.columns.brightness * dim)
    return replace(specimen, columns=columns).displaced(move)


def _add_point_defects(
    specimen: Specimen, defect: LatticeDefect, rng: np.random.Generator
) -> Specimen:
    columns, motif = specimen.columns, specimen.crystal.motif
    site = len(motif) if defect.form == "added" else defect.site
    period, size = specimen.crystal.period_px, np.array(specimen.shape, float)
    inside = np.all((columns.position > period) & (columns.position < size - period), axis=1)
    possible = np.flatnonzero(inside & (columns.site == site))
    away = specimen.distance(columns.position[possible])
    possible = rng.permutation(possible[away > APART_PERIODS * period])
    chosen: list[int] = []
    for index in possible:
        if len(chosen) == defect.count:
            break
        apart = columns.position[chosen] - columns.position[index]
        if not chosen or np.hypot(*apart.T).min() > APART_PERIODS * period:
            chosen.append(int(index))
    brightness = columns.brightness.copy()
    brightness[chosen] = defect.amount * (1.0 if defect.form == "added" else brightness[chosen])
    return replace(
        specimen,
        columns=replace(columns, brightness=brightness),
        points=(*specimen.points, (defect.class_name, columns.position[chosen])),
    )
