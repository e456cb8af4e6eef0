"""Stacking faults, twins and junctions: displacements of the columns of CdTe [110].

A zincblende crystal seen along [110] is a stack of (111) layers, ``a / sqrt(3)`` apart. Each
layer is a row of dumbbells, one column of either species. Every stacking defect is a *cut*
between the two species of a layer: everything above the cut is displaced by a third of the period
of the row (the partial dislocation of the glide set).

- One cut is an intrinsic fault (the dumbbells of the layer tilt the other way).
- Two neighbouring cuts are an extrinsic fault; two cuts some layers apart are a paired fault.
- A cut in every layer above a boundary is a twin.
- Cuts in different layers through the thickness are an overlapped fault: superposed stackings.

Positions are in nm in the frame of the crystal (see `crystals`). Reference for the geometry: Hirth
and Lothe, Theory of Dislocations, chapter 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.simulation.crystals import LAYER_NM, PERIOD_NM

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fault:
    """An extended defect: cuts parallel to one {111} plane.

    Attributes
    ----------
    class_name : str
        Class in the ground truth.
    plane : {1, -1}
        One of the two {111} planes that are seen edge-on.
    cuts : tuple of tuple of int
        Numbers of the layers that are cut, one tuple per slice of the thickness; a single tuple
        holds for all slices.
    centre_nm, half_width_nm : float
        Height of the centre line along the plane's normal and half the width of the band.
    dimming : float
        Fraction of the intensity that is lost in the band.
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

    The wedge between the two faults is displaced.

    Attributes
    ----------
    faults : (Fault, Fault)
        The two faults, on different planes.
    directions : (int, int)
        Direction in which each fault leaves the core: +1 or -1 times the in-plane axis.
    core_nm : (float, float)
        x, y of the core in nm in the frame of the crystal.
    """

    faults: tuple[Fault, Fault]
    directions: tuple[int, int]
    core_nm: tuple[float, float]


def plane_axes(plane: int) -> tuple[Array, Array]:
    """Return the normal and the in-plane axis of a {111} plane that is seen edge-on.

    Parameters
    ----------
    plane : {1, -1}
        Number of the plane.

    Returns
    -------
    normal, axis : ndarray of float64, shape (2,)
        Unit vectors as x, y in the frame of the crystal; dumbbells tilt along ``axis``.
    """
    normal = np.array([plane * np.sqrt(2 / 3), np.sqrt(1 / 3)])
    return normal, np.array([-plane * np.sqrt(1 / 3), np.sqrt(2 / 3)])


def make_fault(
    class_name: str, plane: int, cuts: Sequence[Sequence[int]], dimming: float = 0.0
) -> Fault:
    """Return a fault whose band covers the cut layers and half a layer on either side.

    Parameters
    ----------
    class_name : str
        Class in the ground truth.
    plane : {1, -1}
        {111} plane of the fault.
    cuts : sequence of sequence of int
        Numbers of the layers that are cut, for each slice of the thickness.
    dimming : float
        Fraction of the intensity that is lost in the band.

    Returns
    -------
    Fault
    """
    layers = [layer for one in cuts for layer in one]
    low, high = cut_height(min(layers)), cut_height(max(layers))
    return Fault(
        class_name,
        plane,
        tuple(tuple(sorted(one)) for one in cuts),
        (low + high) / 2,
        (high - low) / 2 + 0.75 * LAYER_NM,
        dimming,
    )


def make_twin(plane: int, layer: int, thickness: int | None = None) -> list[Fault]:
    """Return the boundary of a twin, or the two boundaries of a twin lamella.

    The boundary lies half a layer below the first cut, in the middle of the bonds along the normal
    between the last layer of one tilt and the first layer of the other.

    Parameters
    ----------
    plane : {1, -1}
        {111} plane of the boundary.
    layer : int
        Number of the first layer of the twin.
    thickness : int, optional
        Number of layers of a lamella. By default the twin has no upper boundary.

    Returns
    -------
    list of Fault
    """
    end = layer + 2_000 if thickness is None else layer + thickness
    half_width = 0.75 * LAYER_NM
    centre = cut_height(layer) - LAYER_NM / 2
    first = Fault("Twin_Bound", plane, (tuple(range(layer, end)),), centre, half_width)
    if thickness is None:
        return [first]
    return [first, Fault("Twin_Bound", plane, ((),), centre + thickness * LAYER_NM, half_width)]


def cut_height(layer: int) -> float:
    """Return the height in nm of the cut of a layer, midway between its two species.

    Parameters
    ----------
    layer : int
        Number of the layer.

    Returns
    -------
    float
        Height along the normal of the plane.
    """
    return (layer + 0.125) * LAYER_NM


def nearest_layer(height_nm: float) -> int:
    """Return the layer whose cut is nearest to a height.

    Parameters
    ----------
    height_nm : float
        Height along the normal of the plane in nm.

    Returns
    -------
    int
    """
    return round(height_nm / LAYER_NM - 0.125)


def displacement(position: Array, fault: Fault, depth: int) -> Array:
    """Return the displacement of columns by a fault in one slice of the thickness.

    Parameters
    ----------
    position : ndarray of float64, shape (N, 2)
        x, y of the columns of the perfect crystal in nm.
    fault : Fault
    depth : int
        Number of the slice.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Displacement in nm.
    """
    normal, axis = plane_axes(fault.plane)
    count = _count_cuts(position @ normal, fault, depth)
    return np.outer(count % 3 * (PERIOD_NM / 3), axis)


def junction_displacement(position: Array, junction: Junction, depth: int) -> Array:
    """Return the displacement of columns by a junction in one slice of the thickness.

    At each of the two faults the wedge is displaced as that fault requires. In between, the
    displacement is interpolated linearly in the angle, so that the mismatch is strain around the
    core.

    Parameters
    ----------
    position : ndarray of float64, shape (N, 2)
        x, y of the columns of the perfect crystal in nm.
    junction : Junction
    depth : int
        Number of the slice.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Displacement in nm.
    """
    periods = _least_mismatch(junction, depth)
    arms = [d * plane_axes(f.plane)[1] for d, f in _signed_faults(junction)]
    angle = _angles_from(arms[0], position - np.array(junction.core_nm))
    opening = _angles_from(arms[0], arms[1][None])[0]
    toward_second = np.clip(angle / opening, 0, 1)
    total = np.zeros_like(position)
    for index, fault in enumerate(junction.faults):
        weight = toward_second if index else 1 - toward_second
        count, side = _count_cuts_into_wedge(position, junction, index, depth)
        steps = side * count / 3 + periods[index] * (count > 0)
        axis = plane_axes(fault.plane)[1]
        total += np.outer(weight * steps * PERIOD_NM, axis)
    return total * is_in_wedge(position, junction)[:, None]


def is_in_wedge(position: Array, junction: Junction) -> NDArray[np.bool_]:
    """Return whether positions lie between the two faults of a junction, bands included.

    Parameters
    ----------
    position : ndarray of float64, shape (N, 2)
        x, y in nm.
    junction : Junction

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    inside = np.ones(len(position), bool)
    for index in (0, 1):
        count, _ = _count_cuts_into_wedge(position, junction, index, None)
        inside &= count > 0
    return inside


def beside_wedge(position: Array, junction: Junction) -> Array:
    """Return whether positions lie on the side of the core to which one of the faults runs.

    Parameters
    ----------
    position : ndarray of float64, shape (N, 2)
        x, y in nm.
    junction : Junction

    Returns
    -------
    ndarray of float64, shape (N,)
        1 or 0.
    """
    arms = [d * plane_axes(f.plane)[1] for d, f in _signed_faults(junction)]
    along = (position - np.array(junction.core_nm)) @ np.array(arms).T
    return np.asarray((along > 0).any(axis=1), dtype=np.float64)


def line_through(fault: Fault, near: Array, reach: tuple[float, float]) -> Array:
    """Return two points on the centre line of a fault.

    Parameters
    ----------
    fault : Fault
    near : ndarray of float64, shape (2,)
        x, y in nm of a point that is projected onto the line.
    reach : (float, float)
        Signed distances of the two points from the projection along the line, nm.

    Returns
    -------
    ndarray of float64, shape (2, 2)
        x, y of both points in nm.
    """
    normal, axis = plane_axes(fault.plane)
    foot = near + (fault.centre_nm - near @ normal) * normal
    return np.stack([foot + reach[0] * axis, foot + reach[1] * axis])


def crossing(first: Fault, second: Fault) -> tuple[float, float]:
    """Return the intersection of the centre lines of two faults on different planes.

    Parameters
    ----------
    first, second : Fault

    Returns
    -------
    (float, float)
        x, y in nm.
    """
    normals = np.stack([plane_axes(fault.plane)[0] for fault in (first, second)])
    x, y = np.linalg.solve(normals, [first.centre_nm, second.centre_nm])
    return float(x), float(y)


def band(position: Array, fault: Fault) -> Array:
    """Return the weight of the band of a fault at columns.

    Parameters
    ----------
    position : ndarray of float64, shape (N, 2)
        x, y of the columns in nm.
    fault : Fault

    Returns
    -------
    ndarray of float64, shape (N,)
        1 in the middle of the band, 0 outside.
    """
    normal, _ = plane_axes(fault.plane)
    distance = np.abs(position @ normal - fault.centre_nm)
    inside = (fault.half_width_nm - distance) / (0.5 * LAYER_NM) + 0.5
    return np.asarray(np.clip(inside, 0, 1))


def _signed_faults(junction: Junction) -> list[tuple[int, Fault]]:
    return list(zip(junction.directions, junction.faults, strict=True))


def _count_cuts(height: Array, fault: Fault, depth: int) -> Array:
    cuts = fault.cuts[depth % len(fault.cuts)]
    heights = np.array([cut_height(layer) for layer in cuts])
    return np.searchsorted(heights, height).astype(np.float64)


def _count_cuts_into_wedge(
    position: Array, junction: Junction, index: int, depth: int | None
) -> tuple[Array, int]:
    """Count the cuts between the outside and each position; also return the side of the wedge."""
    fault, other = junction.faults[index], junction.faults[1 - index]
    normal, _ = plane_axes(fault.plane)
    into = junction.directions[1 - index] * plane_axes(other.plane)[1]
    side = 1 if normal @ into > 0 else -1
    height = position @ normal
    depths = range(len(fault.cuts)) if depth is None else [depth]
    total = np.zeros(len(position))
    for one in depths:
        below = _count_cuts(height, fault, one)
        count = len(fault.cuts[one % len(fault.cuts)])
        total = np.maximum(total, below if side > 0 else count - below)
    return total, side


def _least_mismatch(junction: Junction, depth: int) -> tuple[int, int]:
    """Return the whole periods to add to the displacement at each of the two faults.

    The two displacements of the wedge should differ little, which keeps the strain low. They
    should also point away from the core: it then opens (the dark core seen in HAADF) instead of
    columns overlapping.
    """
    choices = []
    for index, (direction, fault) in enumerate(_signed_faults(junction)):
        _, side = _count_cuts_into_wedge(np.zeros((1, 2)), junction, index, depth)
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
