"""Shapes of regions: the centre line of a planar defect, the perimeter of an area."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.measure import perimeter_crofton

from napari_stem_defects.postprocessing.centre_line import centre_line, direction_deg
from napari_stem_defects.postprocessing.connected_components import StripLabeller

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.postprocessing.connected_components import BoundingBox

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
    blocks: Iterable[tuple[slice, NDArray[np.uint8]]],
    regions: Sequence[tuple[Sequence[int], BoundingBox]],
    kind: Kind,
    known: Sequence[tuple[tuple[float, float], ...]] = (),
) -> list[RegionShape]:
    """Measure the shapes of the regions of one mask.

    Parameters
    ----------
    blocks : iterable of (slice, ndarray of uint8, shape (rows, X))
        All row blocks of the mask, from top to bottom.
    regions : sequence of (sequence of int, (slice, slice))
        Numbers of the segments of each region, as `StripLabeller` counts them, and its bounding
        box in px.
    kind : {"point", "line", "area"}
        Kind of the class; points have no shape.
    known : sequence of lines
        Centre lines that the mask was drawn around, points (y, x) in px. A region with one of
        them inside has that one.

    Returns
    -------
    list of RegionShape
        In the order of the regions.

    Notes
    -----
    The perimeter is estimated with the Crofton formula from intersections with lines in four
    directions (`skimage.measure.perimeter_crofton`).
    """
    if kind not in ("line", "area") or not regions:
        return [RegionShape() for _ in regions]
    edges = [_edge(box) for _, box in regions]
    masks = _masks_of(blocks, regions, edges)
    if kind == "area":
        return [_area(mask, edge) for mask, edge in zip(masks, edges, strict=True)]
    shapes = []
    for mask, (_, box), edge in zip(masks, regions, edges, strict=True):
        inside = [line for line in known if _holds(mask, box, edge, line)]
        shapes.append(_known(inside[0]) if len(inside) == 1 else _line(mask, box, edge))
    return shapes


def _holds(
    mask: NDArray[np.bool_],
    box: BoundingBox,
    edge: int,
    line: Sequence[tuple[float, float]],
) -> bool:
    """Return whether the middle of a line lies in a region."""
    middle = np.mean([line[0], line[-1]], axis=0)
    corner = np.array([box[0].start, box[1].start])
    y, x = np.floor((np.rint(middle) - corner) / edge).astype(int)
    return bool(0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x])


def _known(line: tuple[tuple[float, float], ...]) -> RegionShape:
    return RegionShape(line, direction_deg(np.array(line)))


def _edge(box: BoundingBox) -> int:
    """Return the edge, in px, of the squares in which a bounding box is measured."""
    height, width = (side.stop - side.start for side in box)
    return math.ceil(math.sqrt(height * width / MOST_PIXELS))


def _masks_of(
    blocks: Iterable[tuple[slice, NDArray[np.uint8]]],
    regions: Sequence[tuple[Sequence[int], BoundingBox]],
    edges: Sequence[int],
) -> list[NDArray[np.bool_]]:
    """Return the mask of each region in its bounding box, at its resolution."""
    masks = [
        np.zeros([-(-(side.stop - side.start) // edge) for side in box], bool)
        for (_, box), edge in zip(regions, edges, strict=True)
    ]
    region_of = {segment: n for n, (segments, _) in enumerate(regions) for segment in segments}
    labeller, done = StripLabeller(), 0
    for rows, mask in blocks:
        numbers = labeller.add(mask)
        for segment, (down, across) in enumerate(labeller.segment_boxes[done:], done + 1):
            number = region_of[segment]
            here = slice(down.start - rows.start, down.stop - rows.start), across
            y, x = np.nonzero(numbers[here] == segment)
            top, left = (side.start for side in regions[number][1])
            edge = edges[number]
            masks[number][(y + down.start - top) // edge, (x + across.start - left) // edge] = True
        done = len(labeller.segment_boxes)
    return masks


def _line(mask: NDArray[np.bool_], box: BoundingBox, edge: int) -> RegionShape:
    line = centre_line(mask)
    corner = np.array([box[0].start, box[1].start])
    # The centre of a square of `edge` px lies half of edge - 1 px after its first pixel.
    points = np.round(corner + line * edge + (edge - 1) / 2, 2)
    return RegionShape(tuple((float(y), float(x)) for y, x in points), direction_deg(line))


def _area(mask: NDArray[np.bool_], edge: int) -> RegionShape:
    return RegionShape(perimeter=edge * float(perimeter_crofton(mask, _DIRECTIONS)))
