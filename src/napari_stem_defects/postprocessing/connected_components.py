"""Connected regions of a mask that is never in memory as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

EIGHT = np.ones((3, 3), bool)
"""Neighbours of a pixel: those across a corner are some."""

Box = tuple[slice, slice]


class StripLabeller:
    """The 8-connected regions of a mask that comes in strips, from top to bottom.

    A region that lies in several strips comes in pieces. Pieces are numbered from 1 as they
    come; which of them are one region is known when the last strip was added.

    Attributes
    ----------
    boxes : list of (slice, slice)
        The rectangle around each piece, px of the whole mask; that of piece n is ``boxes[n - 1]``.
    """

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self._pairs: list[NDArray[np.intp]] = []
        self._above: NDArray[np.intp] | None = None
        self._top = 0

    def add(self, mask: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.intp]:
        """Take in the next strip (rows, X); return the number of its piece for every pixel."""
        before, top = len(self.boxes), self._top
        self._top += len(mask)
        if not mask.any():
            self._above = None
            return np.zeros(mask.shape, np.intp)
        labels, _ = ndimage.label(mask, EIGHT)
        self.boxes += [
            (slice(rows.start + top, rows.stop + top), columns)
            for rows, columns in ndimage.find_objects(labels)
        ]
        numbers = np.where(labels > 0, labels.astype(np.intp) + before, 0)
        self._join(numbers[0])
        self._above = numbers[-1].copy()
        return numbers

    def regions(self) -> NDArray[np.intp]:
        """Return the region, from 1, of each piece by its number; 0 stays 0."""
        first, second = np.concatenate([np.zeros((0, 2), np.intp), *self._pairs]).T
        size = len(self.boxes) + 1
        graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(size, size))
        regions: NDArray[np.intp] = connected_components(graph, directed=False)[1]
        return regions.astype(np.intp)

    def region_boxes(self) -> list[Box]:
        """Return the rectangle around each region; that of region n is at place n - 1."""
        regions = self.regions()[1:]
        edges = np.array(
            [(y.start, x.start, -y.stop, -x.stop) for y, x in self.boxes], np.intp
        ).reshape(-1, 4)
        least = np.full((regions.max(initial=0), 4), np.iinfo(np.intp).max)
        np.minimum.at(least, regions - 1, edges)
        return [
            (slice(top, -bottom), slice(left, -right))
            for top, left, bottom, right in least.tolist()
        ]

    def _join(self, row: NDArray[np.intp]) -> None:
        """Note which pieces of the strip above touch those in the first row of this one."""
        if self._above is None:
            return
        for above, below in (
            (self._above, row),
            (self._above[:-1], row[1:]),
            (self._above[1:], row[:-1]),
        ):
            touch = (above > 0) & (below > 0)
            self._pairs.append(np.unique(np.column_stack([above[touch], below[touch]]), axis=0))
