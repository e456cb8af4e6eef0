"""Connected components of a mask that is processed in row blocks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

EIGHT_CONNECTED = np.ones((3, 3), bool)
"""Structuring element: pixels that touch at a corner are neighbours."""

BoundingBox = tuple[slice, slice]


class Segment(NamedTuple):
    """The part of a component in one row block.

    Attributes
    ----------
    box : (slice, slice)
        Bounding box in px of the whole mask.
    packed : ndarray of uint8
        Which of its pixels belong to the segment, as bits.
    """

    box: BoundingBox
    packed: NDArray[np.uint8]

    def inside(self) -> NDArray[np.bool_]:
        """Return which pixels of the bounding box belong to the segment."""
        height, width = (side.stop - side.start for side in self.box)
        bits = np.unpackbits(self.packed, count=height * width)
        return bits.reshape(height, width).view(bool)


class Component(NamedTuple):
    """The pixels of a connected component.

    Attributes
    ----------
    box : (slice, slice)
        Bounding box in px of the whole mask.
    segments : sequence of Segment
        From top to bottom.
    """

    box: BoundingBox
    segments: Sequence[Segment]

    def digest(self) -> bytes:
        """Return what only a component of the same pixels has, of masks in the same row blocks."""
        found = hashlib.sha256()
        for (down, across), packed in self.segments:
            found.update(repr((down, across)).encode())
            found.update(packed.tobytes())
        return found.digest()

    def within(self, rows: slice) -> Iterator[tuple[BoundingBox, NDArray[np.bool_]]]:
        """Yield the segments in a row block.

        Parameters
        ----------
        rows : slice
            Rows of one of the blocks of the mask.

        Yields
        ------
        (slice, slice), ndarray of bool
            A bounding box with rows counted from the first of the block, and the pixels inside.
        """
        for segment in self.segments:
            down, across = segment.box
            if rows.start <= down.start < rows.stop:
                yield (_shifted(down, -rows.start), across), segment.inside()


def components_of(
    blocks: Iterable[tuple[slice, NDArray[np.uint8] | NDArray[np.bool_]]],
) -> list[Component]:
    """Return the 8-connected components of a mask that comes in row blocks.

    With their pixels as bits, so that the mask need not be labelled again for them.

    Parameters
    ----------
    blocks : iterable of (slice, ndarray of uint8 or bool, shape (rows, X))
        All row blocks of the mask, from top to bottom.

    Returns
    -------
    list of Component
        In the order of `StripLabeller.components`.
    """
    labeller, segments = StripLabeller(), list[Segment]()
    for rows, mask in blocks:
        numbers = labeller.add(mask)
        for box in labeller.segment_boxes[len(segments) :]:
            here = slice(box[0].start - rows.start, box[0].stop - rows.start), box[1]
            inside = numbers[here] == len(segments) + 1
            segments.append(Segment(box, np.packbits(inside)))
    components = labeller.components()
    boxes = labeller.component_boxes(components)
    members: list[list[Segment]] = [[] for _ in boxes]
    for segment, component in zip(segments, components[1:].tolist(), strict=True):
        members[component - 1].append(segment)
    return [Component(box, own) for box, own in zip(boxes, members, strict=True)]


class StripLabeller:
    """Label the 8-connected components of a mask that comes in row blocks, top to bottom.

    The part of a component in one block is a segment. Segments are numbered from 1 in the order
    in which they come; which of them form one component is known after the last block.

    Attributes
    ----------
    segment_boxes : list of (slice, slice)
        Bounding box of each segment in px of the whole mask; that of segment n has index n - 1.
    """

    def __init__(self) -> None:
        self.segment_boxes: list[BoundingBox] = []
        self._pairs: list[NDArray[np.int32]] = []
        self._above: NDArray[np.int32] | None = None
        self._top = 0

    def add(self, mask: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.int32]:
        """Add the next block (rows, X); return the segment number of every pixel, 0 for none.

        Parameters
        ----------
        mask : ndarray of uint8 or bool, shape (rows, X)
            The next rows of the mask.

        Returns
        -------
        ndarray of int, shape (rows, X)
            Numbers continue over all blocks.
        """
        before, top = len(self.segment_boxes), self._top
        self._top += len(mask)
        numbers = np.zeros(mask.shape, np.int32)
        rows = np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            self._above = None
            return numbers
        # Defects fill a small part of most blocks.
        columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
        part = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        labels, _ = ndimage.label(mask[part], EIGHT_CONNECTED)
        self.segment_boxes += [
            (_shifted(down, top + part[0].start), _shifted(across, part[1].start))
            for down, across in ndimage.find_objects(labels)
        ]
        np.add(labels, before, out=numbers[part], where=labels > 0)
        self._join(numbers[0])
        self._above = numbers[-1].copy()
        return numbers

    def components(self) -> NDArray[np.intp]:
        """Return the component, from 1, of each segment by its number; 0 stays 0."""
        first, second = np.concatenate([np.zeros((0, 2), np.intp), *self._pairs]).T
        size = len(self.segment_boxes) + 1
        if not len(first):  # as in images of one block: the search of a graph takes longer
            return np.arange(size)
        graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(size, size))
        components: NDArray[np.intp] = connected_components(graph, directed=False)[1]
        return components.astype(np.intp)

    def component_boxes(self, components: NDArray[np.intp] | None = None) -> list[BoundingBox]:
        """Return the bounding box of each component; that of component n has index n - 1.

        Parameters
        ----------
        components : ndarray of int, optional
            Result of `components`, if it is known.

        Returns
        -------
        list of (slice, slice)
        """
        components = (self.components() if components is None else components)[1:]
        edges = np.array(
            [(y.start, x.start, -y.stop, -x.stop) for y, x in self.segment_boxes], np.intp
        ).reshape(-1, 4)
        least = np.full((components.max(initial=0), 4), np.iinfo(np.intp).max)
        np.minimum.at(least, components - 1, edges)
        return [
            (slice(top, -bottom), slice(left, -right))
            for top, left, bottom, right in least.tolist()
        ]

    def _join(self, row: NDArray[np.int32]) -> None:
        """Record which segments of the block above touch those in the first row of this one."""
        if self._above is None:
            return
        for above, below in (
            (self._above, row),
            (self._above[:-1], row[1:]),
            (self._above[1:], row[:-1]),
        ):
            touch = (above > 0) & (below > 0)
            self._pairs.append(np.unique(np.column_stack([above[touch], below[touch]]), axis=0))


def _shifted(side: slice, start: int) -> slice:
    return slice(side.start + start, side.stop + start)
