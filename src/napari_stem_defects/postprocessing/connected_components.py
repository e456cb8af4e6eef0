"""Connected components of a mask that is processed in row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

EIGHT_CONNECTED = np.ones((3, 3), bool)
"""Structuring element: pixels that touch at a corner are neighbours."""

BoundingBox = tuple[slice, slice]


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
        graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(size, size))
        components: NDArray[np.intp] = connected_components(graph, directed=False)[1]
        return components.astype(np.intp)

    def component_boxes(self) -> list[BoundingBox]:
        """Return the bounding box of each component; that of component n has index n - 1."""
        components = self.components()[1:]
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
