"""Regions: the connected components of the masks, measured in pixels and nanometres.

Masks are processed in row blocks; components that cross blocks are merged from their segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from napari_stem_defects.base.defect_classes import UNKNOWN, Kind
from napari_stem_defects.base.polyline import polyline_length
from napari_stem_defects.postprocessing.connected_components import Component, components_of
from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
from napari_stem_defects.postprocessing.region_shapes import RegionShape, measure_shapes
from napari_stem_defects.postprocessing.result_totals import ClassTotal
from napari_stem_defects.postprocessing.results import Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.connected_components import Segment
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap


def measure_regions(
    map: ProbabilityMap,
    mask_stack: MaskStack,
    *,
    image: str,
    frame: int = 0,
    pixel_size_nm: float | None = None,
) -> tuple[Region, ...]:
    """Measure the 8-connected components of each defect mask.

    Parameters
    ----------
    map : ProbabilityMap
    mask_stack : MaskStack
        ``unknown`` is left out.
    image : str
        Name of the image, copied into each region.
    frame : int
        Index of the frame, copied into each region.
    pixel_size_nm : float or None

    Returns
    -------
    tuple of Region
        In the order of the masks, then of y, then of x; ``region`` counts from 1 per class.
        The origin is the centre of pixel (0, 0). The centroid is weighted with the probability;
        for point defects with its excess over the rim of the region, which puts it at the peak.
    """
    found: list[Region] = []
    for name in mask_stack.names:
        if name != UNKNOWN:
            kind = map.class_table[name].kind
            measured = _in_order(map, mask_stack, name)
            pixels = [each.pixels for each in measured]
            lines = mask_stack.centre_lines.get(name, ())
            shapes = measure_shapes(pixels, kind, lines, mask_stack.shapes)
            for number, (component, shape) in enumerate(zip(measured, shapes, strict=True), 1):
                about = _RegionName(image, frame, name, number, kind)
                found.append(_region(component, shape, about, pixel_size_nm))
    return tuple(found)


def number_regions(map: ProbabilityMap, mask_stack: MaskStack) -> NDArray[np.uint32]:
    """Return label images (C, Y, X): the region number in every pixel, 0 elsewhere.

    The numbers are those of `measure_regions`; ``unknown`` keeps its 0 and 1.

    Parameters
    ----------
    map : ProbabilityMap
    mask_stack : MaskStack

    Returns
    -------
    ndarray of uint32, shape (C, Y, X)
    """
    numbered = np.zeros((len(mask_stack.names), *mask_stack.shape), np.uint32)
    for name, labels in zip(mask_stack.names, numbered, strict=True):
        for rows, numbers in number_blocks(map, mask_stack, name):
            labels[rows] = numbers
    return numbered


def number_blocks(
    map: ProbabilityMap, mask_stack: MaskStack, name: str
) -> Iterator[tuple[slice, NDArray[np.uint32]]]:
    """Yield the rows of each block and its label image, as `number_regions` numbers a mask.

    Parameters
    ----------
    map : ProbabilityMap
        Probabilities of all windows.
    mask_stack : MaskStack
        The masks of the map.
    name : str
        Name of a mask.

    Yields
    ------
    (slice, ndarray of uint32, shape (rows, X))
        The rows of a block and the region numbers there.
    """
    if name == UNKNOWN:
        for rows, mask in mask_stack.blocks_of(name):
            yield rows, mask.astype(np.uint32)
        return
    numbered = list(enumerate(pixels_of_regions(map, mask_stack, name), start=1))
    for rows in mask_stack.row_slices:
        labels = np.zeros((rows.stop - rows.start, mask_stack.shape[1]), np.uint32)
        for number, component in numbered:
            for (down, across), inside in component.within(rows):
                labels[down, across][inside] = number
        yield rows, labels


def pixels_of_regions(map: ProbabilityMap, mask_stack: MaskStack, name: str) -> list[Component]:
    """Return the pixels of the regions of a mask, in the order of their numbers.

    Parameters
    ----------
    map : ProbabilityMap
        Probabilities of all windows.
    mask_stack : MaskStack
        The masks of the map.
    name : str
        Name of a mask, not ``unknown``.

    Returns
    -------
    list of Component
    """
    return [each.pixels for each in _in_order(map, mask_stack, name)]


def totals(regions: Iterable[Region], names: Iterable[str]) -> Mapping[str, ClassTotal]:
    """Sum over the regions of each class in ``names``; classes without a region count 0.

    Parameters
    ----------
    regions : iterable of Region
        Regions of any number of frames.
    names : iterable of str
        All classes of the regions; ``unknown`` is left out.

    Returns
    -------
    mapping of str to ClassTotal
        One entry per name.
    """
    sums = {name: ClassTotal(0, 0, 0.0, 0.0) for name in names if name != UNKNOWN}
    for region in regions:  # one at a time: those of a movie may come from files
        if region.class_name != UNKNOWN:
            sums[region.class_name] = _added(sums[region.class_name], region)
    return sums


def _longest(component: Component) -> float:
    """Return the maximum Feret diameter, px.

    The outline runs through the middles of the edges of the outer pixels, so a row of N pixels
    has length N and a single pixel 1, as in scikit-image's ``feret_diameter_max``, which draws
    the hull as an image and compares all pairs of its outline: too slow for a region that fills
    a large micrograph.
    """
    return float(pdist(np.concatenate([_corners(each) for each in component.segments])).max())


def _corners(segment: Segment) -> NDArray[np.float64]:
    """Return the corners (n, 2) of the convex hull of the outline of a segment."""
    mask = segment.inside()
    rim = np.vstack([_ends(mask), _ends(mask.T)[:, ::-1]])
    corner = np.array([side.start for side in segment.box])
    corners: NDArray[np.float64] = rim[ConvexHull(rim).vertices] + corner
    return corners


@dataclass(frozen=True)
class _Measured:
    """A connected component, before it has a class and a number."""

    pixels: Component
    y: float
    x: float
    area: int
    mean: float
    max: float


@dataclass(frozen=True)
class _Part:
    """Contribution of the part of a component in one row block; p is the probability."""

    area: int
    sums: NDArray[np.float64]
    """Sums of y, x, p y, p x and p over the pixels."""
    least: float
    most: float


def _in_order(map: ProbabilityMap, mask_stack: MaskStack, name: str) -> list[_Measured]:
    """Return the components of one mask by y, then x."""
    values = map.probability[map.classes.index(name)]
    interpolator = WindowInterpolator(map.y, map.x, mask_stack.shape)
    at_peak = map.class_table[name].kind == "point"
    found = []
    for component in components_of(mask_stack.blocks_of(name)):
        parts = [_part(each, values, interpolator) for each in component.segments]
        found.append(_merged(component, parts, at_peak=at_peak))
    return sorted(found, key=lambda each: (each.y, each.x))


def _part(segment: Segment, values: NDArray[np.float32], interpolator: WindowInterpolator) -> _Part:
    """Measure a segment with the probability of its class for each window."""
    inside = segment.inside()
    p = interpolator.bilinear(values, *segment.box)[inside].astype(np.float64)
    y, x = np.nonzero(inside)
    y, x = y + segment.box[0].start, x + segment.box[1].start
    return _Part(
        area=len(p),
        sums=np.array([y.sum(), x.sum(), p @ y, p @ x, p.sum()], np.float64),
        least=float(p.min()),
        most=float(p.max()),
    )


def _merged(component: Component, parts: Sequence[_Part], *, at_peak: bool) -> _Measured:
    """Merge the segments of one component."""
    area = sum(part.area for part in parts)
    y, x, py, px, p = np.sum([part.sums for part in parts], axis=0)
    most = max(part.most for part in parts)
    rim = min(part.least for part in parts) if at_peak else 0.0
    # Where the probability is constant, all pixels have the same weight.
    even = most == rim
    weight = area if even else p - area * rim
    return _Measured(
        pixels=component,
        y=float((y if even else py - rim * y) / weight),
        x=float((x if even else px - rim * x) / weight),
        area=area,
        mean=float(p / area),
        max=most,
    )


class _RegionName(NamedTuple):
    """What identifies a region, and the kind of its class."""

    image: str
    frame: int
    class_name: str
    number: int
    kind: Kind


def _region(
    component: _Measured, shape: RegionShape, about: _RegionName, nm: float | None
) -> Region:
    is_line = bool(shape.centre_line)
    length = polyline_length(shape.centre_line) if is_line else _longest(component.pixels)
    width = component.area / max(length, 1.0) if is_line else None
    return Region(
        image=about.image,
        frame=about.frame,
        class_name=about.class_name,
        region=about.number,
        y_px=component.y,
        x_px=component.x,
        y_nm=None if nm is None else component.y * nm,
        x_nm=None if nm is None else component.x * nm,
        area_px=component.area,
        area_nm2=None if nm is None else component.area * nm**2,
        length_nm=None if nm is None else length * nm,
        mean_probability=component.mean,
        max_probability=component.max,
        kind=about.kind,
        width_nm=None if nm is None or width is None else width * nm,
        direction_deg=shape.direction_deg,
        perimeter_nm=None if nm is None or shape.perimeter is None else shape.perimeter * nm,
        centre_line=shape.centre_line,
    )


def _added(total: ClassTotal, region: Region) -> ClassTotal:
    return ClassTotal(
        count=total.count + 1,
        area_px=total.area_px + region.area_px,
        area_nm2=_sum(total.area_nm2, region.area_nm2),
        length_nm=_sum(total.length_nm, region.length_nm),
    )


def _sum(first: float | None, second: float | None) -> float | None:
    """Return the sum, None if a value is missing because its frame has no pixel size."""
    return None if first is None or second is None else first + second


def _ends(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the middles of the first and last pixel edge of each row that has one; (n, 2)."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1) - 0.5
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1) - 0.5
    return np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
