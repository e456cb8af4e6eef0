"""Shapes of regions: the centre line of a planar defect, the perimeter of an area."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.measure import perimeter_crofton

from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.postprocessing.centre_line import centre_line, direction_deg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.postprocessing.connected_components import BoundingBox, Component

MOST_PIXELS = 2**20
"""Bounding boxes of more pixels are measured at a lower resolution."""

# Number of directions in which the Crofton formula counts intersections: 0, 45, 90, 135 degrees.
_DIRECTIONS = 4


class RegionShape(NamedTuple):
    """Shape of a region in px; what its kind does not have is None or empty.

    Attributes
    ----------
    centre_line : tuple of (float, float)
        Points (y, x) of the centre line of a line.
    direction_deg : float or None
        Direction of a line; see `centre_line.direction_deg`.
    perimeter : float or None
        Perimeter of an area.
    """

    centre_line: tuple[tuple[float, float], ...] = ()
    direction_deg: float | None = None
    perimeter: float | None = None


def measure_shapes(
    components: Sequence[Component],
    kind: Kind,
    known: Sequence[tuple[tuple[float, float], ...]] = (),
    measured: Mapping[bytes, RegionShape] | None = None,
) -> list[RegionShape]:
    """Measure the shapes of the regions of one mask.

    Parameters
    ----------
    components : sequence of Component
        The pixels of each region.
    kind : {"point", "line", "area"}
        Kind of the class; points have no shape.
    known : sequence of lines
        Centre lines that the mask was drawn around, points (y, x) in px. A region with one of
        them inside has that one.
    measured : mapping of bytes to RegionShape, optional
        Shapes of lines that were measured before, by `Component.digest`.

    Returns
    -------
    list of RegionShape
        In the order of the regions.

    Notes
    -----
    The perimeter is estimated with the Crofton formula from intersections with lines in four
    directions (`skimage.measure.perimeter_crofton`).
    """
    if kind == "area":
        return [_area(*_mask_of(each)) for each in components]
    if kind != "line":
        return [RegionShape() for _ in components]
    middles = np.array([np.mean([line[0], line[-1]], axis=0) for line in known]).reshape(-1, 2)
    return for_each(_line_or_known, None, _KnownLines(middles, known, measured or {}), components)


class _KnownLines(NamedTuple):
    """Lines that masks were drawn around, with their middles (N, 2), and shapes by their pixels."""

    middles: NDArray[np.float64]
    lines: Sequence[tuple[tuple[float, float], ...]]
    measured: Mapping[bytes, RegionShape]


def _line_or_known(_: None, known: _KnownLines, component: Component) -> RegionShape:
    """Return the one line whose middle a region holds, else its own centre line."""
    mask, edge = _mask_of(component)
    inside = _held(mask, component.box, edge, known.middles)
    if len(inside) == 1:
        return _known(known.lines[inside[0]])
    before = known.measured.get(component.digest()) if known.measured else None
    return before or _line(mask, component.box, edge)


def _held(
    mask: NDArray[np.bool_], box: BoundingBox, edge: int, middles: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return which of some places (N, 2), the middles of lines, lie in a region."""
    corner = np.array([box[0].start, box[1].start])
    at = np.floor((np.rint(middles) - corner) / edge).astype(int)
    in_box = np.flatnonzero(((at >= 0) & (at < mask.shape)).all(axis=1))
    held: NDArray[np.intp] = in_box[mask[tuple(at[in_box].T)]]
    return held


def _known(line: tuple[tuple[float, float], ...]) -> RegionShape:
    return RegionShape(line, direction_deg(np.array(line)))


def _edge(box: BoundingBox) -> int:
    """Return the edge, in px, of the squares in which a bounding box is measured."""
    height, width = (side.stop - side.start for side in box)
    return math.ceil(math.sqrt(height * width / MOST_PIXELS))


def _mask_of(component: Component) -> tuple[NDArray[np.bool_], int]:
    """Return the mask of a region in its bounding box, and the edge of its squares in px."""
    edge, (top, left) = _edge(component.box), (side.start for side in component.box)
    mask = np.zeros([-(-(side.stop - side.start) // edge) for side in component.box], bool)
    for segment in component.segments:
        y, x = np.nonzero(segment.inside())
        down, across = segment.box
        mask[(y + down.start - top) // edge, (x + across.start - left) // edge] = True
    return mask, edge


def _line(mask: NDArray[np.bool_], box: BoundingBox, edge: int) -> RegionShape:
    line = centre_line(mask)
    corner = np.array([box[0].start, box[1].start])
    # The centre of a square of `edge` px lies half of edge - 1 px after its first pixel.
    points = np.round(corner + line * edge + (edge - 1) / 2, 2)
    return RegionShape(tuple((float(y), float(x)) for y, x in points), direction_deg(line))


def _area(mask: NDArray[np.bool_], edge: int) -> RegionShape:
    return RegionShape(perimeter=edge * float(perimeter_crofton(mask, _DIRECTIONS)))
