"""Connected defects of the planes, measured in pixels and nanometres.

Planes are looked through strip by strip; what crosses strips is added up piece by piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from napari_stem_defects.base.defect_classes import UNKNOWN, kind_of
from napari_stem_defects.postprocessing.connected_components import StripLabeller
from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
from napari_stem_defects.postprocessing.results import ClassTotal, Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.connected_components import Box
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap


def measure_regions(
    map: ProbabilityMap,
    planes: MaskStack,
    *,
    image: str,
    frame: int = 0,
    pixel_size_nm: float | None = None,
) -> tuple[Region, ...]:
    """Measure the 8-connected regions of each defect plane.

    Parameters
    ----------
    map : ProbabilityMap
    planes : Planes
        ``unknown`` is left out.
    image, frame
        Copied into each region.
    pixel_size_nm : float or None

    Returns
    -------
    tuple of Region
        In the order of the planes, then of y, then of x; ``region`` counts from 1 per class.
        Positions take the centre of pixel (0, 0) as origin. The centroid is weighted with the
        probability; for point defects with what it exceeds the region's rim by, which puts it
        at the peak.
    """
    found: list[Region] = []
    for name in planes.names:
        if name != UNKNOWN:
            blobs = sorted(_blobs(map, planes, name), key=_place)
            for number, blob in enumerate(blobs, start=1):
                found.append(_region(blob, name, number, image, frame, pixel_size_nm))
    return tuple(found)


def number_regions(map: ProbabilityMap, planes: MaskStack) -> NDArray[np.uint32]:
    """Return the planes (C, Y, X) with the number of its region in every pixel, 0 elsewhere.

    The numbers are those `measure_regions` gives; ``unknown`` keeps its 0 and 1.
    """
    numbered = np.zeros((len(planes.names), *planes.shape), np.uint32)
    for name, plane in zip(planes.names, numbered, strict=True):
        for rows, numbers in numbers_of(map, planes, name):
            plane[rows] = numbers
    return numbered


def numbers_of(
    map: ProbabilityMap, planes: MaskStack, name: str
) -> Iterator[tuple[slice, NDArray[np.uint32]]]:
    """Yield the rows of each strip and one plane there as `number_regions` numbers it."""
    if name == UNKNOWN:
        for rows, mask in planes.parts_of(name):
            yield rows, mask.astype(np.uint32)
        return
    blobs = list(_blobs(map, planes, name))
    number_of = np.zeros(1 + sum(len(blob.pieces) for blob in blobs), np.uint32)
    for number, blob in enumerate(sorted(blobs, key=_place), start=1):
        number_of[list(blob.pieces)] = number
    pieces = StripLabeller()
    for rows, mask in planes.parts_of(name):
        yield rows, number_of[pieces.add(mask)]


def totals(regions: Iterable[Region], names: Iterable[str]) -> Mapping[str, ClassTotal]:
    """Add up the regions of each class in ``names``; classes without a region count 0."""
    by_class: dict[str, list[Region]] = {name: [] for name in names if name != UNKNOWN}
    for region in regions:
        by_class[region.class_name].append(region)
    return {name: _total(members) for name, members in by_class.items()}


def _corners(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the corners (n, 2) of a region's outline that no straight line leaves out."""
    rim = np.vstack([_ends(mask), _ends(mask.T)[:, ::-1]])
    corners: NDArray[np.float64] = rim[ConvexHull(rim).vertices]
    return corners


def _longest(corners: NDArray[np.float64]) -> float:
    """Return the maximum Feret diameter, px.

    The outline runs through the middles of the outer pixels' edges, so a row of N pixels is
    N long and a single pixel 1, as in scikit-image's ``feret_diameter_max``; that one builds
    the hull as an image and compares all pairs of its outline, too much for a region that
    fills a large micrograph.
    """
    return float(pdist(corners).max())


@dataclass(frozen=True)
class _Blob:
    """A region in pixels, before it has a name and a number."""

    pieces: tuple[int, ...]
    y: float
    x: float
    area: int
    length: float
    mean: float
    max: float


@dataclass(frozen=True)
class _Piece:
    """What the part of a region in one strip adds to its figures; p is the probability."""

    area: int
    sums: NDArray[np.float64]
    """Of y, x, p y, p x and p over the pixels."""
    least: float
    most: float
    corners: NDArray[np.float64]


def _place(blob: _Blob) -> tuple[float, float]:
    return blob.y, blob.x


def _blobs(map: ProbabilityMap, planes: MaskStack, name: str) -> Iterator[_Blob]:
    """Yield the regions of one plane, in no order."""
    values = map.probability[map.classes.index(name)]
    raster = WindowInterpolator(map.y, map.x, planes.shape)
    pieces, measured = StripLabeller(), list[_Piece]()
    for rows, mask in planes.parts_of(name):
        numbers = pieces.add(mask)
        if len(pieces.boxes) > len(measured):
            pixels = raster.bilinear(values, rows)
            for number, box in enumerate(pieces.boxes[len(measured) :], len(measured) + 1):
                measured.append(_piece(numbers, number, pixels, box, rows.start))
    parts_of_region: dict[int, list[int]] = {}
    for piece, region in enumerate(pieces.regions()[1:].tolist(), start=1):
        parts_of_region.setdefault(region, []).append(piece)
    for parts in parts_of_region.values():
        of_point = kind_of(name) == "point"
        yield _together(parts, [measured[piece - 1] for piece in parts], at_peak=of_point)


def _piece(
    numbers: NDArray[np.intp], number: int, pixels: NDArray[np.float32], box: Box, top: int
) -> _Piece:
    """Measure the piece of that number, in a strip of which ``top`` is the first row."""
    here = slice(box[0].start - top, box[0].stop - top), box[1]
    inside = numbers[here] == number
    p = pixels[here][inside].astype(np.float64)
    y, x = np.nonzero(inside)
    y, x = y + box[0].start, x + box[1].start
    return _Piece(
        area=len(p),
        sums=np.array([y.sum(), x.sum(), p @ y, p @ x, p.sum()], np.float64),
        least=float(p.min()),
        most=float(p.max()),
        corners=_corners(inside) + np.array([box[0].start, box[1].start]),
    )


def _together(numbers: Sequence[int], parts: Sequence[_Piece], *, at_peak: bool) -> _Blob:
    """Add up the pieces of one region."""
    area = sum(part.area for part in parts)
    y, x, py, px, p = np.sum([part.sums for part in parts], axis=0)
    most = max(part.most for part in parts)
    rim = min(part.least for part in parts) if at_peak else 0.0
    # The same everywhere: every pixel weighs as much as any other.
    even = most == rim
    weight = area if even else p - area * rim
    return _Blob(
        pieces=tuple(numbers),
        y=float((y if even else py - rim * y) / weight),
        x=float((x if even else px - rim * x) / weight),
        area=area,
        length=_longest(np.concatenate([part.corners for part in parts])),
        mean=float(p / area),
        max=most,
    )


def _region(
    blob: _Blob, name: str, number: int, image: str, frame: int, nm: float | None
) -> Region:
    return Region(
        image=image,
        frame=frame,
        class_name=name,
        region=number,
        y_px=blob.y,
        x_px=blob.x,
        y_nm=None if nm is None else blob.y * nm,
        x_nm=None if nm is None else blob.x * nm,
        area_px=blob.area,
        area_nm2=None if nm is None else blob.area * nm**2,
        length_nm=None if nm is None else blob.length * nm,
        mean_probability=blob.mean,
        max_probability=blob.max,
    )


def _total(members: list[Region]) -> ClassTotal:
    areas = [region.area_nm2 for region in members]
    lengths = [region.length_nm for region in members]
    return ClassTotal(
        count=len(members),
        area_px=sum(region.area_px for region in members),
        area_nm2=_sum(areas),
        length_nm=_sum(lengths),
    )


def _sum(values: list[float | None]) -> float | None:
    """Add, None where a value is missing because its frame has no pixel size."""
    known = [value for value in values if value is not None]
    return sum(known, 0.0) if len(known) == len(values) else None


def _ends(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the middles of the first and last pixel edge of each row that has one; (n, 2)."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1) - 0.5
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1) - 0.5
    return np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
