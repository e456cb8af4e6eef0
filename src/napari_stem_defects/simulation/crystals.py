"""Where the atomic columns of CdTe [110] and SrTiO3 [001] stand, perfect and faulted.

A zincblende crystal seen along [110] is a stack of (111) layers, ``a / sqrt(3)`` apart. Each
layer is a row of dumbbells, one column of either species. Every stacking defect is a *cut*
between the two species of a layer with all that lies above displaced by a third of the row's
period (the partial dislocation of the glide set):

- one cut is an intrinsic fault (the layer's dumbbells tilt the other way),
- two neighbouring cuts an extrinsic fault, two cuts some layers apart a paired fault,
- cuts at every layer from one on a twin,
- cuts at different layers through the thickness an overlapped fault: two stackings superposed.

Positions are in nm in the crystal's frame: x along [1-10], y along [001], the direction of the
dumbbells. Source of the geometry: Hirth and Lothe, Theory of Dislocations, chapter 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]

CDTE_NM = 0.6482
STO_NM = 0.3905
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
        Share of the thickness the column takes: 1 whole, 0 missing.
    """

    position: Array
    species: NDArray[np.intp]
    share: Array


@dataclass(frozen=True)
class Fault:
    """Cuts parallel to one {111} plane.

    Attributes
    ----------
    class_name : str
        Class of the truth.
    plane : {1, -1}
        Which of the two {111} planes seen edge-on.
    cuts : tuple of tuple of int
        Layers that are cut, one tuple per slice of the thickness (a single one holds for all).
    centre_nm, half_width_nm : float
        Height of the centre line along the plane's normal and half the width of the band.
    dimming : float
        Share of the intensity lost in the band.
    """

    class_name: str
    plane: int
    cuts: tuple[tuple[int, ...], ...]
    centre_nm: float
    half_width_nm: float
    dimming: float = 0.0


@dataclass(frozen=True)
class Junction:
    """Two faults on different {111} planes that end in one core (Lomer-Cottrell junction).

    The faults leave the core at ``core_nm`` along ``directions`` (+1 or -1 times the plane's
    in-plane axis); the wedge between them is displaced.
    """

    faults: tuple[Fault, Fault]
    directions: tuple[int, int]
    core_nm: tuple[float, float]


def plane_axes(plane: int) -> tuple[Array, Array]:
    """Return the unit normal of a {111} plane and its in-plane axis, along which dumbbells tilt."""
    normal = np.array([plane * np.sqrt(2 / 3), np.sqrt(1 / 3)])
    return normal, np.array([-plane * np.sqrt(1 / 3), np.sqrt(2 / 3)])


def zincblende(radius_nm: float) -> Columns:
    """Return the perfect crystal within a radius; columns i and N/2 + i are one dumbbell."""
    a, b = CDTE_NM / np.sqrt(2), CDTE_NM
    corner = _grid(a, b, radius_nm)
    sites = np.concatenate([corner, corner + np.array([a / 2, b / 2])])
    sites = sites[np.hypot(*sites.T) <= radius_nm]
    position = np.concatenate([sites, sites + np.array([0, b / 4])])
    return Columns(position, np.repeat([0, 1], len(sites)), np.ones(len(position)))


def perovskite(radius_nm: float) -> Columns:
    """Return SrTiO3 [001] within a radius: Sr (species 0), Ti-O (1) and O (2) columns."""
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


def make_fault(
    class_name: str, plane: int, cuts: Sequence[Sequence[int]], dimming: float = 0.0
) -> Fault:
    """Return a fault whose band covers all cut layers and a half layer on either side."""
    every = [layer for one in cuts for layer in one]
    low, high = (cut_height(min(every)), cut_height(max(every)))
    return Fault(
        class_name,
        plane,
        tuple(tuple(sorted(one)) for one in cuts),
        (low + high) / 2,
        (high - low) / 2 + 0.75 * LAYER_NM,
        dimming,
    )


def make_twin(plane: int, layer: int, thickness: int | None = None) -> list[Fault]:
    """Return the boundary of a twin that begins at a layer, or both of a lamella.

    The boundary lies half a layer under the first cut, in the middle of the bonds that stand
    upright between the last layer of one tilt and the first of the other.
    """
    far = layer + 2_000 if thickness is None else layer + thickness
    half_width = 0.75 * LAYER_NM
    centre = cut_height(layer) - LAYER_NM / 2
    first = Fault("Twin_Bound", plane, (tuple(range(layer, far)),), centre, half_width)
    if thickness is None:
        return [first]
    return [first, Fault("Twin_Bound", plane, ((),), centre + thickness * LAYER_NM, half_width)]


def cut_height(layer: int) -> float:
    """Return the height of a layer's cut, midway between its two species, in nm."""
    return (layer + 0.125) * LAYER_NM


def nearest_layer(height_nm: float) -> int:
    """Return the layer whose cut is nearest to a height along the plane's normal."""
    return round(height_nm / LAYER_NM - 0.125)


def displacement(position: Array, fault: Fault, depth: int) -> Array:
    """Return how far a fault moves columns, shape (N, 2), nm, in one slice of the thickness."""
    normal, axis = plane_axes(fault.plane)
    passed = _passed(position @ normal, fault, depth)
    return np.outer(passed % 3 * (PERIOD_NM / 3), axis)


def junction_displacement(position: Array, junction: Junction, depth: int) -> Array:
    """Return how far a junction moves columns, shape (N, 2), nm.

    At either fault the wedge is displaced by what that fault asks for; in between the
    displacement turns linearly with the angle, so the mismatch is strain round the core.
    """
    turns = _least_mismatch(junction, depth)
    arms = [d * plane_axes(f.plane)[1] for d, f in _arms(junction)]
    angle = _angles_from(arms[0], position - np.array(junction.core_nm))
    opening = _angles_from(arms[0], arms[1][None])[0]
    toward_second = np.clip(angle / opening, 0, 1)
    total = np.zeros_like(position)
    for index, fault in enumerate(junction.faults):
        weight = toward_second if index else 1 - toward_second
        passed, side = _passed_into_wedge(position, junction, index, depth)
        steps = side * passed / 3 + turns[index] * (passed > 0)
        axis = plane_axes(fault.plane)[1]
        total += np.outer(weight * steps * PERIOD_NM, axis)
    return total * in_wedge(position, junction)[:, None]


def in_wedge(position: Array, junction: Junction) -> NDArray[np.bool_]:
    """Tell which positions lie between the two faults of a junction, their bands included."""
    inside = np.ones(len(position), bool)
    for index in (0, 1):
        passed, _ = _passed_into_wedge(position, junction, index, None)
        inside &= passed > 0
    return inside


def beside_wedge(position: Array, junction: Junction) -> Array:
    """Return 1 on the side of a junction to which one of its faults runs, else 0."""
    arms = [d * plane_axes(f.plane)[1] for d, f in _arms(junction)]
    along = (position - np.array(junction.core_nm)) @ np.array(arms).T
    return np.asarray((along > 0).any(axis=1), dtype=np.float64)


def line_through(fault: Fault, near: Array, reach: tuple[float, float]) -> Array:
    """Return two points of a fault's centre line, so far along it from a point's foot; (2, 2)."""
    normal, axis = plane_axes(fault.plane)
    foot = near + (fault.centre_nm - near @ normal) * normal
    return np.stack([foot + reach[0] * axis, foot + reach[1] * axis])


def crossing(first: Fault, second: Fault) -> tuple[float, float]:
    """Return where the centre lines of two faults on different planes cross, nm."""
    normals = np.stack([plane_axes(fault.plane)[0] for fault in (first, second)])
    x, y = np.linalg.solve(normals, [first.centre_nm, second.centre_nm])
    return float(x), float(y)


def band(position: Array, fault: Fault) -> Array:
    """Return how much of a fault's band each column lies in: 1 in the middle, 0 outside."""
    normal, _ = plane_axes(fault.plane)
    distance = np.abs(position @ normal - fault.centre_nm)
    inside = (fault.half_width_nm - distance) / (0.5 * LAYER_NM) + 0.5
    return np.asarray(np.clip(inside, 0, 1))


def _arms(junction: Junction) -> list[tuple[int, Fault]]:
    return list(zip(junction.directions, junction.faults, strict=True))


def _passed(height: Array, fault: Fault, depth: int) -> Array:
    cuts = fault.cuts[depth % len(fault.cuts)]
    heights = np.array([cut_height(layer) for layer in cuts])
    return np.searchsorted(heights, height).astype(np.float64)


def _passed_into_wedge(
    position: Array, junction: Junction, index: int, depth: int | None
) -> tuple[Array, int]:
    """Count the cuts between the outside and each position, and say on which side the wedge is."""
    fault, other = junction.faults[index], junction.faults[1 - index]
    normal, _ = plane_axes(fault.plane)
    into = junction.directions[1 - index] * plane_axes(other.plane)[1]
    side = 1 if normal @ into > 0 else -1
    height = position @ normal
    depths = range(len(fault.cuts)) if depth is None else [depth]
    passed = np.zeros(len(position))
    for one in depths:
        below = _passed(height, fault, one)
        count = len(fault.cuts[one % len(fault.cuts)])
        passed = np.maximum(passed, below if side > 0 else count - below)
    return passed, side


def _least_mismatch(junction: Junction, depth: int) -> tuple[int, int]:
    """Choose whole periods to add on either fault.

    The two displacements of the wedge should differ little, so that it is strained little, and
    point away from the core, which then opens (the dark core seen in HAADF) instead of columns
    coming to lie on one another.
    """
    choices = []
    for index, (direction, fault) in enumerate(_arms(junction)):
        _, side = _passed_into_wedge(np.zeros((1, 2)), junction, index, depth)
        count = side * len(fault.cuts[depth % len(fault.cuts)]) / 3
        arm = direction * plane_axes(fault.plane)[1]
        choices.append([(turn, direction * (count + turn), arm) for turn in (-1, 0, 1)])
    _, first, second = min(
        (float(np.hypot(*(a * u - b * v))) + max(0, -a) + max(0, -b), i, j)
        for i, a, u in choices[0]
        for j, b, v in choices[1]
    )
    return first, second


def _angles_from(start: Array, vectors: Array) -> Array:
    """Return the unsigned angles between one vector and others, radians."""
    cross = start[0] * vectors[:, 1] - start[1] * vectors[:, 0]
    return np.asarray(np.abs(np.arctan2(cross, vectors @ start)))
