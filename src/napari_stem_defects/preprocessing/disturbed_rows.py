"""Scan rows that differ from both of their neighbours: shifted, brighter, repeated or lost ones.

A row is disturbed where a stretch of it differs from what the rows beside it predict by much more
than rows usually do. Each such place is explained by one to three neighbouring rows, whichever
leave the rows around them as usual without them. No defect of a specimen is that thin: a probe of
several pixels spreads it over as many rows, which then predict each other.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.preprocessing.row_oddness import RowOddness
from napari_stem_defects.preprocessing.row_prediction import (
    REACH,
    fill_rows,
    fine_structure,
    row_weights,
    some_columns,
    with_neighbours,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BELONGS = 0.5
"""Share of the limit down to which what is beside a disturbed stretch belongs to it."""
_WHOLE = 0.5
"""Share of a row from which all of it is disturbed: a scan that differs in most of a row differs in
the rest too little to show."""
_USUAL, _PER_ROW = 0.35, 0.15
"""What a row may have of the limit without being odd, and what a row more that is left out must
explain."""
_EXPLAINED = 0.6
"""Share of what is odd that may be left around rows that explain it."""
_BLOCKS = ((0,), (0, 1), (-1, 0), (-1, 0, 1), (0, 1, 2), (-2, -1, 0))
"""Rows, relative to the oddest, that are tried to explain it."""
_FARTHEST = 4
_WITHIN = range(-_FARTHEST, _FARTHEST + 1)
_OTHER_BLOCKS = tuple(
    block
    for block in (
        *((at,) for at in _WITHIN),
        *combinations(_WITHIN, 2),
        *((at - 1, at, at + 1) for at in _WITHIN[1:-1]),
    )
    if block not in _BLOCKS and block[-1] - block[0] <= _FARTHEST
)
"""What is tried where those leave something odd, as rows between disturbed ones are odd as well:
one row, two, or three in sequence among those up to four rows away."""
_LITTLE = 0.5
"""Oddness of all rows around that is little: where no more is left, or may be, nothing else is
tried."""
_AS_OTHERS = 0.7
"""What rows near a row that is restored may have of the limit."""
_NEAR = 5
"""Rows on both sides that must be as usual."""
_CHANGED = _FARTHEST + REACH
"""Rows on both sides whose filling may change when a row is explained."""
_MOST_FINE = 0.03
"""See `fine_structure`. Where columns are 4 px wide or more at half of their height it is at most
0.02, where they are 3 px wide 0.06."""
_MOST_SAME = 0.1
"""Share of rows equal to the one above beyond which an image was enlarged."""
_MOST = 0.12
"""Share of the rows beyond which an image has no single disturbed ones."""
_FEWEST_ROWS = 32


def disturbed_rows(
    image: NDArray[np.float32],
    stretch: int,
    most: int,
    ignored: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Find the disturbed scan rows of an image and replace them by what is beside them.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities.
    stretch : int
        Length in px of a part of a row that is compared; some lattice periods, so that no point
        defect fills it.
    most : int
        Rows that are disturbed together, at most: fewer than a column of the crystal is wide.
    ignored : ndarray of bool, shape (Y, X), optional
        Pixels without a value.

    Returns
    -------
    mask : ndarray of bool, shape (Y, X)
        Disturbed pixels: stretches of rows, or whole rows.
    filled : ndarray of float32, shape (Y, X)
        The image with those pixels replaced; the image itself where nothing is disturbed.

    Notes
    -----
    Nothing is found where a probe of few pixels shows structure as fine as a row, or where more
    than an eighth of the rows differ from those beside them.
    """
    nothing = np.zeros(image.shape, bool)
    if len(image) < _FEWEST_ROWS or image.shape[1] < stretch:
        return nothing, image
    part = some_columns(image)
    if fine_structure(part) > _MOST_FINE:
        return nothing, image
    weights = row_weights(part)
    oddness = RowOddness(image, weights, stretch, ignored)
    if not oddness.is_measurable:
        return nothing, image
    search = _Search(image, weights, oddness, stretch, most)
    search.run(_repeated(image, part))
    if not search.taken.any() or search.is_hopeless:
        return nothing, image
    return search.mask, search.filled


def _repeated(image: NDArray[np.float32], part: NDArray[np.float64]) -> list[int]:
    """Return the rows that were recorded again; none of an image that was enlarged."""
    same = 1 + np.flatnonzero((part[1:] == part[:-1]).all(axis=1))
    rows = [int(row) for row in same if (image[row] == image[row - 1]).all()]
    rows = [row for row in rows if np.ptp(image[row]) > 0]
    return rows if len(rows) <= _MOST_SAME * len(image) else []


class _Search:
    """The rows of one image that are found so far.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities.
    weights : ndarray of float64, shape (3,)
        See `row_prediction.row_weights`.
    oddness : RowOddness
        Of the image.
    stretch, most : int
        See `disturbed_rows`.

    Attributes
    ----------
    mask : ndarray of bool, shape (Y, X)
        Pixels known to be disturbed.
    taken : ndarray of bool, shape (Y,)
        Rows with such pixels.
    filled : ndarray of float32, shape (Y, X)
        The image with those pixels replaced.
    """

    def __init__(
        self,
        image: NDArray[np.float32],
        weights: NDArray[np.float64],
        oddness: RowOddness,
        stretch: int,
        most: int,
    ) -> None:
        self._image, self._weights, self._oddness = image, weights, oddness
        self._stretch, self._most = stretch, most
        self.mask = np.zeros(image.shape, bool)
        self.taken = np.zeros(len(image), bool)
        self.filled = image

    @property
    def is_hopeless(self) -> bool:
        """Whether so many rows are disturbed that none is a single one."""
        return bool(self.taken.mean() > _MOST)

    def run(self, certain: list[int]) -> None:
        """Explain the oddest row, then the next one, until all are as usual.

        Parameters
        ----------
        certain : list of int
            Rows that are disturbed whatever the others are.
        """
        self.mask[certain] = True
        for row in certain:
            place = _Place(self._image, row, self._oddness.mean)
            mask = self.mask[place.around]
            self._put(place, mask, fill_rows(place.part, mask, self._weights))
        odd = self._oddness.of_rows(self.filled, self.mask, slice(0, len(self._image)))
        tried = np.zeros(len(odd), bool)
        while not self.is_hopeless:
            row = int(np.where(tried, 0, odd).argmax())
            if odd[row] < 1 or tried[row]:
                break
            tried[row] = True
            place = _Place(self._image, row, self._oddness.mean)
            if self._explain(place):
                odd[place.around] = self._oddness.of_rows(self.filled, self.mask, place.around)
        for row in np.setdiff1d(np.flatnonzero(self.taken), certain):
            self._restore(_Place(self._image, int(row), self._oddness.mean))

    def _restore(self, place: _Place) -> None:
        """Restore a row that was taken out with others, if nothing near it is odd with it."""
        mask = self.mask[place.around].copy()
        mask[place.own] = False
        if not mask[place.near_part].any():
            return
        filled = fill_rows(place.part, mask, self._weights)
        across = np.flatnonzero(ndimage.maximum_filter1d(self.mask[place.row], self._stretch))
        excess = self._excess_near(place, filled)[:, across]
        odd = self._oddness.of_excess(excess, mask[place.near_part][:, across])
        if odd.max() < _AS_OTHERS:
            self._put(place, mask, filled)

    def _explain(self, place: _Place) -> bool:
        """Take out the rows that explain why a row is odd, if there are any."""
        known, excess = self.mask[place.around], self._excess(place.around)
        part = _odd_part(excess, place.own)
        across = np.flatnonzero(ndimage.maximum_filter1d(part, self._stretch))
        before = self._cost(place, known, excess[place.near_part], across)
        best, least = None, _EXPLAINED * before
        for offsets in (*_BLOCKS, *_OTHER_BLOCKS):
            if offsets is _OTHER_BLOCKS[0] and least < _LITTLE + _PER_ROW:
                break
            rows = place.own + np.array(offsets)
            if rows[0] < 0 or rows[-1] >= len(known):
                continue
            mask = known.copy()
            mask[rows] |= part
            if _longest(np.asarray(mask[:, part].any(axis=1))) > self._most:
                continue
            filled = fill_rows(place.part, mask, self._weights)
            cost = self._cost(place, mask, self._excess_near(place, filled), across)
            cost += _PER_ROW * len(rows)
            if cost <= least:
                best, least = (mask, filled), cost
        if best is None:
            return False
        self._put(place, *best)
        return True

    def _cost(
        self,
        place: _Place,
        mask: NDArray[np.bool_],
        excess: NDArray[np.float32],
        across: NDArray[np.int64],
    ) -> float:
        """Return how odd the rows near a place are beside those that are taken out."""
        taken = mask[place.near_part][:, across]
        odd = self._oddness.of_excess(excess[:, across], taken)
        return float(np.maximum(odd - _USUAL, 0).sum())

    def _excess(self, rows: slice) -> NDArray[np.float32]:
        """Return the excess of rows with what is found so far replaced."""
        return self._oddness.excess(with_neighbours(self.filled, rows, self._oddness.mean), rows)

    def _excess_near(self, place: _Place, filled: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the excess of the rows near a place with other pixels replaced."""
        part = with_neighbours(filled, place.near_part, np.float32(0))
        return self._oddness.excess(part, place.near)

    def _put(self, place: _Place, mask: NDArray[np.bool_], filled: NDArray[np.float32]) -> None:
        """Replace the pixels around a place that are now thought to be disturbed."""
        if self.filled is self._image:
            self.filled = self._image.astype(np.float32, order="K")
        self.mask[place.around] = mask
        self.taken[place.around] = mask.any(axis=1)
        rows, own = place.changed, place.changed_part
        self.filled[rows] = np.where(mask[own], filled[own] + self._oddness.mean, self._image[rows])


class _Place:
    """A row and the rows around it.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        The image as recorded.
    row : int
    mean : float32
        Mean of the image.

    Attributes
    ----------
    row : int
    near, changed, around : slice
        Rows of the image, see `_NEAR` and `_CHANGED`, and those from which they are predicted.
    near_part, changed_part : slice
        The first two, counted within the third.
    own : int
        The row, counted likewise.
    part : ndarray of float32, shape (rows around, X)
        The rows around without the mean.
    """

    def __init__(self, image: NDArray[np.float32], row: int, mean: np.float32) -> None:
        def rows(reach: int) -> slice:
            return slice(max(0, row - reach), min(len(image), row + reach + 1))

        def within(part: slice) -> slice:
            return slice(part.start - first, part.stop - first)

        self.row, self.around = row, rows(_CHANGED + REACH)
        first = self.around.start
        self.near, self.changed = rows(_NEAR), rows(_CHANGED)
        self.near_part, self.changed_part = within(self.near), within(self.changed)
        self.own = row - first
        self.part = np.subtract(image[self.around], mean, order="C")


def _odd_part(excess: NDArray[np.float32], row: int) -> NDArray[np.bool_]:
    """Return which part of a row is disturbed.

    Its odd stretches with what is beside them in any row that is predicted from it, or all of it.
    """
    most = excess[max(0, row - REACH) : row + REACH + 1].max(axis=0)
    parts, _ = ndimage.label(most > _BELONGS)
    odd = np.unique(parts[excess[row] > 1])
    part = np.isin(parts, odd[odd > 0])
    if part.mean() > _WHOLE:
        part[:] = True
    return np.asarray(part)


def _longest(rows: NDArray[np.bool_]) -> int:
    """Return the number of masked rows in the longest sequence."""
    parts, count = ndimage.label(rows)
    return int(np.bincount(parts)[1:].max()) if count else 0
