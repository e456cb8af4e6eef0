"""Lines of a general model are named by the geometry of the crystal on both sides.

The model distinguishes faults and boundaries by their look alone. Where the lattices on both sides
were measured, these decide: a fault has one lattice on both sides, a boundary two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.planar_geometry.relation import DIFFERENT_DEG
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import measure_regions, number_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.planar_geometry.relation import Relation
    from napari_stem_defects.planar_geometry.verdict import Check
    from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

    Line = tuple[tuple[float, float], ...]

FAULT, BOUNDARY, CORE = "Fault", "Boundary", "Core"
"""Names of the two classes of lines of the general model, and of dislocation cores."""

_SHORT_PERIODS = 6.0
"""Extent in periods from which a line beside a core is no part of its surroundings."""
_NEAR_PERIODS, _SHARED = 1.5, 0.6
"""Two lines are at one place where this share of the shorter one is so near the other, periods."""


def geometric_name(relation: Relation) -> str | None:
    """Return the class that the geometry of both sides gives a line.

    Parameters
    ----------
    relation : Relation

    Returns
    -------
    str or None
        None where the geometry does not decide.
    """
    if relation.kind == "twin":
        return BOUNDARY
    if relation.kind == "boundary" and (relation.misorientation_deg or 0.0) >= DIFFERENT_DEG:
        return BOUNDARY
    return FAULT if relation.kind in ("fault", "domain") else None


def is_perfect(check: Check) -> bool:
    """Return whether the crystal on both sides of a line is one and the same.

    Contamination, a disturbed scan or a slope of thickness looks like a line, and shifts nothing.

    Parameters
    ----------
    check : Check

    Returns
    -------
    bool
        False where the geometry could not be measured, or not well enough.
    """
    if check.relation is None or check.verdict == "not verified":
        return False
    return check.relation.kind == "none"


def doubles(
    lines: Sequence[NDArray[np.float64]], names: Sequence[str], period_px: float
) -> dict[int, int]:
    """Find lines of two classes at one place.

    Parameters
    ----------
    lines : sequence of ndarray of float64, shape (n, 2)
        Centre lines, points (y, x) in px.
    names : sequence of str
        Class of each line.
    period_px : float
        Lattice period.

    Returns
    -------
    dict of int to int
        For each line that lies along a longer one of another class, the number of that.
    """
    lengths = [float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines]
    found: dict[int, int] = {}
    for shorter in sorted(range(len(lines)), key=lengths.__getitem__):
        for longer in range(len(lines)):
            is_other = names[longer] != names[shorter] and longer not in found
            if is_other and (lengths[longer], longer) > (lengths[shorter], shorter):
                away = _distances(_dense(lines[shorter]), _dense(lines[longer]))
                if (away <= _NEAR_PERIODS * period_px).mean() >= _SHARED:
                    found[shorter] = longer
                    break
    return found


def around_cores(
    lines: Sequence[NDArray[np.float64]], cores: NDArray[np.float64], period_px: float
) -> list[int]:
    """Find short lines at a core: the strained crystal around it, which looks like a boundary.

    Parameters
    ----------
    lines : sequence of ndarray of float64, shape (n, 2)
        Centre lines, points (y, x) in px.
    cores : ndarray of float64, shape (M, 2)
        Dislocation cores, (y, x) in px.
    period_px : float
        Lattice period.

    Returns
    -------
    list of int
        Numbers of these lines.
    """
    if not len(cores):
        return []
    return [
        number
        for number, line in enumerate(lines)
        if np.hypot(*np.ptp(line, axis=0)) < _SHORT_PERIODS * period_px
        and _distances(cores, _dense(line)).min() <= _NEAR_PERIODS * period_px
    ]


def continued_names(
    lines: Sequence[NDArray[np.float64]],
    names: Sequence[str],
    verdicts: Sequence[str],
    period_px: float,
) -> dict[int, str]:
    """Find lines that continue a longer one whose name the geometry confirms.

    The end of a fault, with too little crystal beside it to be verified by itself, is as little a
    boundary as the rest.

    Parameters
    ----------
    lines : sequence of ndarray of float64, shape (n, 2)
        Centre lines, points (y, x) in px.
    names : sequence of str
        Class of each line after the geometry was compared.
    verdicts : sequence of str
        What the geometry gave: "confirmed", "contradicted" or "not verified".
    period_px : float
        Lattice period.

    Returns
    -------
    dict of int to str
        For each line that is not verified and has another class than the longest confirmed one
        that it continues, the name of that.
    """
    lengths = [float(np.hypot(*(line[-1] - line[0]))) for line in lines]
    found: dict[int, str] = {}
    for piece in [number for number, each in enumerate(verdicts) if each == "not verified"]:
        ends = lines[piece][[0, -1]]
        for longer in sorted(range(len(lines)), key=lengths.__getitem__, reverse=True):
            if lengths[longer] <= lengths[piece]:
                break
            along = (lines[longer][-1] - lines[longer][0]) / lengths[longer]
            away = np.abs((ends - lines[longer][0]) @ np.array([-along[1], along[0]]))
            if verdicts[longer] == "confirmed" and away.max() <= _NEAR_PERIODS * period_px:
                if names[longer] != names[piece]:
                    found[piece] = names[longer]
                break
    return found


def rename(
    map: ProbabilityMap,
    mask_stack: MaskStack,
    regions: Sequence[Region],
    new_names: Mapping[Line, str | None],
    pixel_size_nm: float | None,
) -> tuple[MaskStack, tuple[Region, ...]]:
    """Give lines other classes, or take them out.

    Parameters
    ----------
    map : ProbabilityMap
    mask_stack : MaskStack
    regions : sequence of Region
        The measured regions of the masks.
    new_names : mapping of tuple of (float, float) to str or None
        New class of lines by their centre line; None for those that are taken out.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    MaskStack, tuple of Region
        The regions of the classes concerned are measured again.
    """
    moved = [each for each in regions if each.centre_line in new_names]
    if not moved:
        return mask_stack, tuple(regions)
    concerned = {each.class_name for each in moved} | {n for n in new_names.values() if n}
    blocks = _moved(map, mask_stack, moved, new_names)
    lines = {
        name: tuple(
            line
            for owner, known in mask_stack.centre_lines.items()
            for line in known
            if new_names.get(line, owner) == name
        )
        for name in {*mask_stack.centre_lines, *concerned}
    }
    renamed = replace(
        MaskStack.from_blocks(mask_stack.names, mask_stack.shape, blocks), centre_lines=lines
    )
    first = regions[0]
    measured = measure_regions(
        map, renamed, image=first.image, frame=first.frame, pixel_size_nm=pixel_size_nm
    )
    kept = {(each.class_name, each.region): each for each in regions}
    before = {each.centre_line: each for each in regions if each.centre_line}
    return renamed, tuple(
        _as_before(each, before)
        if each.class_name in concerned
        else kept.get((each.class_name, each.region), each)
        for each in measured
    )


def _as_before(region: Region, before: Mapping[Line, Region]) -> Region:
    """Return a region with centroid and certainty of the class that it was found as."""
    known = before.get(region.centre_line)
    if known is None:
        return region
    same = ("y_px", "x_px", "y_nm", "x_nm", "mean_probability", "max_probability")
    return replace(region, **{name: getattr(known, name) for name in same})


def _moved(
    map: ProbabilityMap,
    mask_stack: MaskStack,
    moved: Sequence[Region],
    new_names: Mapping[Line, str | None],
) -> Iterator[NDArray[np.uint8]]:
    """Yield the row blocks of masks with some regions moved to the masks of other classes."""
    labels = {name: number_blocks(map, mask_stack, name) for name in {m.class_name for m in moved}}
    for _, block in mask_stack.blocks():
        numbers = {name: next(each)[1] for name, each in labels.items()}
        for region in moved:
            inside = numbers[region.class_name] == region.region
            block[mask_stack.names.index(region.class_name)][inside] = 0
        for region in moved:
            if (name := new_names[region.centre_line]) is not None:
                inside = numbers[region.class_name] == region.region
                block[mask_stack.names.index(name)][inside] = 1
        yield block


def _dense(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points along a line, one px apart."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], max(2, round(along[-1]) + 1))
    return np.stack([np.interp(at, along, axis) for axis in line.T], axis=1)


def _distances(points: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each point from the nearest point of a line."""
    away: NDArray[np.float64] = cKDTree(line).query(points)[0]
    return away
