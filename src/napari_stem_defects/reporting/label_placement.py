"""Placement of labels on a picture: beside what they name, without overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GAP_PX = 8
# Right, left, below, above, then the diagonals: the order in which a reader expects a label.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, -1), (1, 1), (-1, 1))


class TextBox(NamedTuple):
    """A rectangle in px, its right and lower edges outside it."""

    left: int
    top: int
    right: int
    bottom: int


class LabelPlacer:
    """Finds free positions for labels, one after another.

    Parameters
    ----------
    occupied : ndarray of bool, shape (height, width)
        Pixels that labels should leave visible.
    gap_px : int
        Distance of labels from what they name and from each other.
    """

    def __init__(self, occupied: NDArray[np.bool_], gap_px: int = _GAP_PX) -> None:
        self._height, self._width = occupied.shape
        self._gap_px = gap_px
        self._reserved: list[TextBox] = []
        # Summed-area table: how much of a box is occupied costs four look-ups.
        self._sums = np.zeros((self._height + 1, self._width + 1), np.int32)
        occupied.cumsum(1, dtype=np.int32, out=self._sums[1:, 1:])
        for row in range(self._height):  # along its rows, numpy adds down columns slowly
            self._sums[row + 1] += self._sums[row]

    def reserve(self, box: TextBox) -> None:
        """Keep labels out of a box, which lies inside the picture."""
        self._reserved.append(box)

    def covered_share(self, box: TextBox) -> float:
        """Return the share, 0 to 1, of the pixels of a box that are occupied."""
        return float(self._covered_shares(np.array([box]))[0])

    def place_beside(
        self, anchors: Sequence[tuple[float, float]], reach: float, size: tuple[int, int]
    ) -> TextBox | None:
        """Reserve the best free position for a label.

        Parameters
        ----------
        anchors : sequence of (x, y)
            Points of the object that is named, the best first.
        reach : float
            Distance of the label from an anchor.
        size : (width, height)

        Returns
        -------
        TextBox or None
            The position that covers least; of several equal ones that of the earliest anchor.
            None if every position is outside the picture or touches another label.
        """
        boxes = _boxes_beside(anchors, reach, size, self._gap_px)
        free = boxes[self._are_free(boxes)]
        if not len(free):
            return None
        best = TextBox(*free[self._covered_shares(free).argmin()].tolist())
        self.reserve(best)
        return best

    def _covered_shares(self, boxes: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the share of the pixels of boxes (N, 4) that are occupied."""
        left, top, right, bottom = np.clip(boxes, 0, (self._width, self._height) * 2).T
        sums = self._sums
        inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return np.asarray(inside / np.maximum(1, areas))

    def _are_free(self, boxes: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of the boxes (N, 4) are in the picture and apart from other labels."""
        left, top, right, bottom = boxes.T
        inside = (left >= 0) & (top >= 0) & (right <= self._width) & (bottom <= self._height)
        if not self._reserved:
            return np.asarray(inside)
        other = np.array(self._reserved)
        after = np.any(boxes[:, None, :2] >= other[:, 2:] + self._gap_px, axis=2)
        before = np.any(boxes[:, None, 2:] <= other[:, :2] - self._gap_px, axis=2)
        return np.asarray(inside & np.all(after | before, axis=1))


def _boxes_beside(
    anchors: Sequence[tuple[float, float]], reach: float, size: tuple[int, int], gap_px: int
) -> NDArray[np.intp]:
    """Return the boxes (N, 4), as of `TextBox`, on all sides of the anchors."""
    sides, width_height = np.array(_SIDES), np.array(size)
    # On diagonals the label's corner, not its side, keeps the distance.
    away = np.where(sides.prod(axis=1) == 0, reach, 0.71 * reach) + gap_px
    shift = sides * (away[:, None] + width_height / 2) - width_height / 2
    corner = np.rint(np.array(anchors, float)[:, None] + shift).astype(np.intp).reshape(-1, 2)
    return np.concatenate([corner, corner + width_height], axis=1)
