"""Placement of labels on a picture: beside what they name, without overlap."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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

    def overlaps(self, other: TextBox, gap: int = 0) -> bool:
        """Return whether the distance between two boxes is less than ``gap``."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap
            and other.top < self.bottom + gap
        )


class LabelPlacer:
    """Finds free positions for labels, one after another.

    Parameters
    ----------
    occupied : ndarray of bool, shape (height, width)
        Pixels that labels should leave visible.
    """

    def __init__(self, occupied: NDArray[np.bool_]) -> None:
        self._height, self._width = occupied.shape
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
        sums = self._sums
        left, right = (min(max(x, 0), self._width) for x in (box.left, box.right))
        top, bottom = (min(max(y, 0), self._height) for y in (box.top, box.bottom))
        inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return float(inside / max(1, (box.right - box.left) * (box.bottom - box.top)))

    def place_beside(
        self, anchors: Iterable[tuple[float, float]], reach: float, size: tuple[int, int]
    ) -> TextBox | None:
        """Reserve the best free position for a label.

        Parameters
        ----------
        anchors : iterable of (x, y)
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
        free = [box for box in self._candidates(anchors, reach, size) if self._is_free(box)]
        if not free:
            return None
        best = min(free, key=self.covered_share)
        self.reserve(best)
        return best

    def _candidates(
        self, anchors: Iterable[tuple[float, float]], reach: float, size: tuple[int, int]
    ) -> Iterator[TextBox]:
        width, height = size
        for (x, y), (right, down) in itertools.product(anchors, _SIDES):
            # On diagonals the label's corner, not its side, keeps the distance.
            away = (reach if right * down == 0 else 0.71 * reach) + _GAP_PX
            left = round(x + right * (away + width / 2) - width / 2)
            top = round(y + down * (away + height / 2) - height / 2)
            yield TextBox(left, top, left + width, top + height)

    def _is_free(self, box: TextBox) -> bool:
        inside = (
            box.left >= 0
            and box.top >= 0
            and box.right <= self._width
            and box.bottom <= self._height
        )
        return inside and not any(box.overlaps(other, _GAP_PX) for other in self._reserved)
