"""Planar defects of a detection, checked by the geometry of the crystal on both sides.

A check is stored as JSON-safe values among the parameters of the result, so that it holds when the
thresholds change: it is found again by the class and place of its line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.detection.generic_lines import (
    BOUNDARY,
    CORE,
    FAULT,
    around_cores,
    continued_names,
    doubles,
    geometric_name,
    is_perfect,
    rename,
)
from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.planar_geometry.verdict import check_line
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.masks import MIN_PLANAR_LENGTH_PX
from napari_stem_defects.postprocessing.regions import pixels_of_regions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.planar_geometry.verdict import Check
    from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

    Json = dict[str, Any]

_SAME_DEG = 5.0
_SAME_SHARE = 0.2
"""Direction, and distance of the middles in lengths, up to which two lines are the same."""
_PIECE_PX = 2 * MIN_PLANAR_LENGTH_PX
"""Distance, from a boundary or its continuation, up to which a short line belongs to it."""
PLANAR_CHECKS = "planar_checks"
"""Key of the checks among the parameters of a result."""
_NEITHER = "one lattice without a shift on both sides is neither a fault nor a boundary"
_CHANGED = "the line was found after the check, with other thresholds"
_NOTES = {
    "confirmed": "the crystal on both sides agrees with the name",
    "contradicted": "another geometry than the name means",
    "measured": "the name means no certain geometry",
    "not verified": "",
}
"""Notes where the check gives no reason."""


class _Scene(NamedTuple):
    """What is the same for all lines: their classes and points, the lattice, invalid pixels."""

    class_names: Sequence[str]
    points: Sequence[NDArray[np.float64]]
    lattice: LatticeMeasurement
    invalid: NDArray[np.bool_] | None


def _check(pixels: NDArray[np.float32], scene: _Scene, number: int) -> Check:
    """Check one line."""
    others = [each for index, each in enumerate(scene.points) if index != number]
    name, line = scene.class_names[number], scene.points[number]
    return check_line(name, line, pixels, scene.lattice, others, scene.invalid)


def check_regions(
    regions: Sequence[Region],
    pixels: NDArray[np.float32],
    lattice: LatticeMeasurement,
    invalid: NDArray[np.bool_] | None,
    pixel_size_nm: float | None,
    *,
    is_general: bool = False,
) -> list[Json]:
    """Check all planar defects of a frame.

    Parameters
    ----------
    regions : sequence of Region
        The regions of the frame.
    pixels : ndarray of float32, shape (Y, X)
        The image.
    lattice : LatticeMeasurement
        Of the image.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.
    pixel_size_nm : float or None
        Edge of a pixel in nm.
    is_general : bool
        Whether the regions are of the general model, whose lines are named by the geometry.

    Returns
    -------
    list of dict
        JSON-safe, one per planar defect: ``class``, ``line`` and the fields of `Region` that hold
        the check; ``renamed`` is the class of a line that gets another one, "" of one that lies
        along another.
    """
    lines = [region for region in regions if region.kind == "line" and region.centre_line]
    points = [np.array(region.centre_line) for region in lines]
    found = []
    scene = _Scene([region.class_name for region in lines], points, lattice, invalid)
    checks = for_each(_check, pixels, scene, range(len(lines)))
    for region, check in zip(lines, checks, strict=True):
        values: Json = {"geometry": check.verdict, "looks_like": check.looks_like}
        values["geometry_note"] = check.reason or _NOTES[check.verdict]
        if (relation := check.relation) is not None:
            values["misorientation_deg"] = relation.misorientation_deg
            values["shifted_layers"] = relation.shifted_layers
            if relation.plane is not None:
                values["plane"] = "[{} {}]".format(*relation.plane)
            if relation.shift_lattice is not None:
                values["shift_a"], values["shift_b"] = _rounded(relation.shift_lattice, 5)
            if relation.shift_px is not None and pixel_size_nm is not None:
                shift = (relation.shift_px[0] * pixel_size_nm, relation.shift_px[1] * pixel_size_nm)
                values["shift_y_nm"], values["shift_x_nm"] = _rounded(shift, 6)
                error = (relation.shift_error_px or 0.0) * pixel_size_nm
                values["shift_error_nm"] = round(error, 6)
        line = [list(point) for point in region.centre_line]
        found.append({"class": region.class_name, "line": line, "fields": values})
        if is_general and is_perfect(check):
            values |= {"geometry": "contradicted", "geometry_note": _NEITHER}
        name = None if check.relation is None else geometric_name(check.relation)
        if is_general and name is not None:
            values |= {"geometry": "confirmed", "geometry_note": _NOTES["confirmed"]}
            if name != region.class_name:
                found[-1]["renamed"] = name
                values["geometry_note"] = f"named {region.class_name} by its look alone"
    _join_boundaries(found)
    if is_general and lattice.cell is not None:
        period = lattice_period(lattice.cell)
        _name_continued(found, points, period)
        _drop_doubles(found, points, period)
        cores = [(each.y_px, each.x_px) for each in regions if each.class_name == CORE]
        _drop_around_cores(found, points, np.array(cores), period)
    return found


def _name_continued(
    checks: Sequence[Json], points: Sequence[NDArray[np.float64]], period_px: float
) -> None:
    """Give lines that could not be verified the name of the verified one that they continue."""
    names = [str(each.get("renamed", each["class"])) for each in checks]
    verdicts = [each["fields"]["geometry"] for each in checks]
    for number, name in continued_names(points, names, verdicts, period_px).items():
        note = f"named {names[number]} by its look alone; continues a {name}"
        checks[number]["renamed"] = name
        checks[number]["fields"]["geometry_note"] = note


def _drop_doubles(
    checks: Sequence[Json], points: Sequence[NDArray[np.float64]], period_px: float
) -> None:
    """Mark faults that lie along a boundary, and boundaries along a fault: one place, one name."""
    for shorter in doubles(points, [each["class"] for each in checks], period_px):
        if {FAULT, BOUNDARY} >= {checks[shorter]["class"]}:
            checks[shorter]["renamed"] = ""


def _drop_around_cores(
    checks: Sequence[Json],
    points: Sequence[NDArray[np.float64]],
    cores: NDArray[np.float64],
    period_px: float,
) -> None:
    """Mark short lines at a core that the geometry does not confirm."""
    for short in around_cores(points, cores, period_px):
        if checks[short]["fields"]["geometry"] != "confirmed":
            checks[short]["renamed"] = ""


def _join_boundaries(checks: Sequence[Json]) -> None:
    """Give what could not be verified by itself the verdict of the boundary that it is a piece of.

    The last bit of a general boundary before the border, with too little crystal beside it, is as
    little a stacking fault as the rest.
    """
    boundaries = [
        each
        for each in checks
        if each["fields"]["geometry"] == "contradicted"
        and each["fields"]["looks_like"].startswith("boundary")
    ]
    for piece in checks:
        if piece["fields"]["geometry"] != "not verified":
            continue
        line = np.array(piece["line"])
        for other in boundaries:
            away, longer = _gap(line, np.array(other["line"]))
            if longer and away <= _PIECE_PX:
                piece["fields"] = {
                    "geometry": "contradicted",
                    "looks_like": other["fields"]["looks_like"],
                    "geometry_note": "a piece of the boundary beside it",
                }
                break


def _gap(line: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, bool]:
    """Return how far a line is from another one or what continues it, and which is longer."""
    along = other[-1] - other[0]
    lengths = float(np.hypot(*(line[-1] - line[0]))), float(np.hypot(*along))
    normal = np.array([-along[1], along[0]]) / max(lengths[1], 1e-9)
    middle = (line[0] + line[-1]) / 2
    return abs(float((middle - other[0]) @ normal)), lengths[1] > lengths[0]


def apply_checks(
    map: ProbabilityMap,
    mask_stack: MaskStack,
    regions: Sequence[Region],
    checks: Sequence[Mapping[str, Any]] | None,
    pixel_size_nm: float | None = None,
) -> tuple[MaskStack, tuple[Region, ...]]:
    """Write checks into regions; those whose name they contradict become ``unknown``.

    Lines of the general model that the geometry gives another name get it.

    Parameters
    ----------
    map : ProbabilityMap
        Probabilities of all windows.
    mask_stack : MaskStack
        The masks.
    regions : sequence of Region
        The measured regions of the masks.
    checks : sequence of mapping, optional
        As `check_regions` returns them; None for a result without checks, which stays as it is.
    pixel_size_nm : float, optional
        Edge of a pixel in nm.

    Returns
    -------
    MaskStack, tuple of Region
        The pixels of contradicted regions are in the mask ``unknown``; their regions come last.
    """
    if checks is None:
        return mask_stack, tuple(regions)
    new_names = {
        region.centre_line: check["renamed"] or None
        for region in regions
        if (check := _check_of(region, checks)) is not None and "renamed" in check
    }
    mask_stack, regions = rename(map, mask_stack, regions, new_names, pixel_size_nm)
    checked = annotate(regions, checks)
    wrong = [each for each in checked if each.geometry == "contradicted"]
    if not wrong or UNKNOWN not in mask_stack.names:
        return mask_stack, tuple(checked)
    kept: list[Region] = []
    for each in checked:
        if each.geometry != "contradicted":
            before = sum(other.class_name == each.class_name for other in kept)
            kept.append(replace(each, region=before + 1))
    moved = MaskStack.from_blocks(
        mask_stack.names, mask_stack.shape, _without(map, mask_stack, wrong)
    )
    gone = {each.centre_line for each in wrong}
    lines = {
        name: tuple(line for line in known if line not in gone)
        for name, known in mask_stack.centre_lines.items()
    }
    unknown = [
        replace(each, class_name=UNKNOWN, region=number)
        for number, each in enumerate(wrong, start=1)
    ]
    return replace(moved, centre_lines=lines), (*kept, *unknown)


def annotate(
    regions: Sequence[Region], checks: Sequence[Mapping[str, Any]] | None
) -> tuple[Region, ...]:
    """Write checks into regions, whatever they find.

    Parameters
    ----------
    regions : sequence of Region
    checks : sequence of mapping, optional
        As `check_regions` returns them; None for a result without checks.

    Returns
    -------
    tuple of Region
        The same regions.
    """
    if checks is None:
        return tuple(regions)
    return tuple(_checked(region, checks) for region in regions)


def still_unknown(regions: Sequence[Region], mask_stack: MaskStack) -> tuple[Region, ...]:
    """Return the lines of the class ``unknown`` whose pixels are still unknown.

    Parameters
    ----------
    regions : sequence of Region
        Of an earlier result.
    mask_stack : MaskStack
        The masks now.

    Returns
    -------
    tuple of Region
    """
    lines = [each for each in regions if each.class_name == UNKNOWN and each.centre_line]
    found = []
    for each in lines:
        middle = np.mean([each.centre_line[0], each.centre_line[-1]], axis=0)
        y, x = (
            int(np.clip(np.rint(at), 0, length - 1))
            for at, length in zip(middle, mask_stack.shape, strict=True)
        )
        if mask_stack.crop(UNKNOWN, (slice(y, y + 1), slice(x, x + 1))).any():
            found.append(each)
    return tuple(found)


def shifted_checks(checks: Sequence[Mapping[str, Any]], top: int, left: int) -> list[Json]:
    """Return the checks of a part of a frame in px of the frame.

    Parameters
    ----------
    checks : sequence of mapping
        In px of the part.
    top, left : int
        First row and column of the part.

    Returns
    -------
    list of dict
    """
    return [{**each, "line": [[y + top, x + left] for y, x in each["line"]]} for each in checks]


def _rounded(pair: tuple[float, float], digits: int) -> tuple[float, float]:
    return round(pair[0], digits), round(pair[1], digits)


def _checked(region: Region, checks: Sequence[Mapping[str, Any]]) -> Region:
    if region.kind != "line" or not region.centre_line:
        return region
    check = _check_of(region, checks)
    if check is not None:
        return replace(region, **check["fields"])
    return replace(region, geometry="not verified", geometry_note=_CHANGED)


def _check_of(region: Region, checks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the check of a line, under the name that it was found with or that it got."""
    if region.kind != "line" or not region.centre_line:
        return None
    named = [each for each in checks if region.class_name in (each["class"], each.get("renamed"))]
    mine = [list(point) for point in region.centre_line]
    # The very line, before one that is only similar.
    return next((each for each in named if each["line"] == mine), None) or next(
        (each for each in named if _same_line(region, np.array(each["line"]))), None
    )


def _same_line(region: Region, line: NDArray[np.float64]) -> bool:
    mine = np.array(region.centre_line)
    first, second = mine[-1] - mine[0], line[-1] - line[0]
    lengths = float(np.hypot(*first)), float(np.hypot(*second))
    if min(lengths) < 1e-9:
        return False
    cosine = abs(float(first @ second)) / (lengths[0] * lengths[1])
    apart = (mine[0] + mine[-1] - line[0] - line[-1]) / 2
    near = float(np.hypot(*apart)) <= _SAME_SHARE * max(lengths)
    return near and cosine >= np.cos(np.radians(_SAME_DEG))


def _without(
    map: ProbabilityMap, mask_stack: MaskStack, wrong: Sequence[Region]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the row blocks of masks with some regions moved to ``unknown``."""
    moved = []
    for name in dict.fromkeys(each.class_name for each in wrong):
        pixels = pixels_of_regions(map, mask_stack, name)
        chosen = [each.region for each in wrong if each.class_name == name]
        moved += [(mask_stack.names.index(name), pixels[number - 1]) for number in chosen]
    unknown = mask_stack.names.index(UNKNOWN)
    for rows, block in mask_stack.blocks():
        for index, component in moved:
            for (down, across), inside in component.within(rows):
                part = block[:, down, across]
                part[index][inside] = 0
                part[unknown][inside & ~part[:-1].any(axis=0)] = 1
        yield block
