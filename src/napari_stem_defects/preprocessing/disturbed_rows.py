"""Scan rows that differ from both of their neighbours: shifted, brighter, repeated or lost ones.

A row is disturbed where a stretch of it differs from what the rows beside it predict by much more
than rows usually do. Each such place is explained by one to three neighbouring rows, whichever
leave the rows around them as usual without them. No defect of a specimen is that thin: a probe of
several pixels spreads it over as many rows, which then predict each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.preprocessing.row_prediction import (
    REACH,
    UsualDifference,
    fill_rows,
    fine_structure,
    predict_rows,
    row_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BEYOND = 10.0, 8.0
"""Multiples of the usual variation of a short and of a long stretch from which it is disturbed."""
_LONG = 8
"""Length of a long stretch in units of a short one."""
_LEAST_POWER, _LEAST_MEAN = 0.6, 0.6
"""Least excess of the mean square and of the mean, in units of what single pixels usually have: a
weaker disturbance does not matter, however sure it is."""
_UPPER = 0.84
"""Quantile of normal noise one standard deviation above its median."""
_HALF = 0.5
"""Share of the limit down to which what is beside a disturbed stretch belongs to it, and share of a
row from which all of it is disturbed."""
_USUAL, _PER_ROW = 0.35, 0.15
"""What a row may have of the limit without being odd, and what a row more that is left out must
explain."""
_EXPLAINED = 0.6
"""Share of what is odd that may be left around rows that explain it."""
_BLOCKS = ((0,), (0, 1), (-1, 0), (-1, 0, 1), (0, 1, 2), (-2, -1, 0))
"""Rows, relative to the oddest, that are tried to explain it."""
_MORE_BLOCKS = (
    *((at,) for at in (-2, -1, 1, 2)),
    *((at, at + 1) for at in (-3, -2, 1, 2)),
    *((at, at + 1, at + 2) for at in (-4, -3, 1, 2)),
    *((at, at + apart) for apart in (2, 3, 4) for at in (-4, -3, -2, -1, 0)),
)
"""What is tried where those leave something odd: rows between disturbed ones are odd as well."""
_AS_OTHERS = 0.7
"""What rows near a row that is restored may have of the limit."""
_LITTLE = 0.5
"""Oddness of all rows around that is little."""
_AROUND, _NEAR = 10, 5
"""Rows on both sides that are filled and compared again, and those that must be as usual."""
_MOST_FINE = 0.03
"""See `fine_structure`. Where columns are 4 px wide or more at half of their height it is at most
0.02, where they are 3 px wide 0.06."""
_MOST_SAME = 0.1
"""Share of rows equal to the one above beyond which an image was enlarged."""
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
        The image with those pixels replaced.

    Notes
    -----
    Nothing is found where a probe of few pixels shows structure as fine as a row.
    """
    mask = np.zeros(image.shape, bool)
    if len(image) < _FEWEST_ROWS or image.shape[1] < stretch:
        return mask, image
    if fine_structure(image) > _MOST_FINE:
        return mask, image
    mean = np.float32(image.mean())
    centred = image - mean
    repeated = np.zeros(len(image), bool)
    repeated[1:] = (image[1:] == image[:-1]).all(axis=1)
    flat = np.ptp(image, axis=1) == 0
    repeated &= ~flat
    if repeated.mean() <= _MOST_SAME:
        mask[repeated] = True
    weights = row_weights(centred)
    search = _Search(centred, mask, weights, stretch, most, ignored)
    if search.is_possible:
        search.run()
    if not search.mask.any():
        return mask, image
    return search.mask, search.filled + mean


class _Search:
    """The rows of one image that are found so far.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Zero mean.
    mask : ndarray of bool, shape (Y, X)
        Pixels known to be disturbed.
    weights : ndarray of float64, shape (3,)
        See `row_prediction.row_weights`.
    stretch, most : int
        See `disturbed_rows`.
    ignored : ndarray of bool, shape (Y, X), or None
        See `disturbed_rows`.
    """

    def __init__(
        self,
        image: NDArray[np.float32],
        mask: NDArray[np.bool_],
        weights: NDArray[np.float64],
        stretch: int,
        most: int,
        ignored: NDArray[np.bool_] | None,
    ) -> None:
        self.image, self.mask, self._weights = image, mask, weights
        self._stretch, self._most = stretch, most
        near = 2 * REACH + 1
        self._ignored = None if ignored is None else ndimage.maximum_filter(ignored, (near, near))
        predicted = predict_rows(image, weights)
        self._usual = UsualDifference(predicted, image - predicted)
        # What follows from its neighbours throughout, as a constant, has no usual difference.
        self.is_possible = not self._usual.is_zero
        multiples = self._multiples(slice(0, len(image)), image)
        lengths = stretch, min(_LONG * stretch, image.shape[1])
        self._limits = tuple(
            _Limits.of(multiples, length, beyond)
            for length, beyond in zip(lengths, _BEYOND, strict=True)
        )
        self._excess = self._beyond(multiples)
        self.filled = image

    def run(self) -> None:
        """Explain the oddest row, then the next one, until all are as usual."""
        certain = self.mask.any(axis=1)
        if certain.any():
            self.filled = fill_rows(self.image, self.mask, self._weights)
            self._excess = self._excess_of(slice(0, len(self.image)), self.filled)
        odd = self._oddness(self._excess, self.mask)
        tried = np.zeros(len(odd), bool)
        # Rows at the border have neighbours on one side alone.
        tried[:REACH] = tried[-REACH:] = True
        while True:
            row = int(np.where(tried, 0, odd).argmax())
            if odd[row] < 1 or tried[row]:
                break
            tried[row] = True
            around = self._explain(row)
            if around is not None:
                odd[around] = self._oddness(self._excess[around], self.mask[around])
        for taken in np.flatnonzero(self.mask.any(axis=1) & ~certain):
            self._restore(int(taken))

    def _restore(self, row: int) -> None:
        """Restore a row that was taken out with others, if nothing near it is odd with it."""
        around = slice(max(0, row - _AROUND), min(len(self.image), row + _AROUND + 1))
        near = slice(max(row - _NEAR, 0) - around.start, row + _NEAR + 1 - around.start)
        mask = self.mask[around].copy()
        mask[row - around.start] = False
        if not mask[near].any():
            return
        filled = fill_rows(self.image[around], mask, self._weights)
        across = np.flatnonzero(ndimage.maximum_filter1d(self.mask[row], self._stretch))
        excess = self._excess_of(around, filled)[near][:, across]
        if self._oddness(excess, mask[near][:, across]).max() < _AS_OTHERS:
            self.mask[around] = mask
            self.filled[around] = np.where(mask, filled, self.image[around])

    def _explain(self, row: int) -> slice | None:
        """Take out the rows that explain why a row is odd; return the rows that changed."""
        height = len(self.image)
        around = slice(max(0, row - _AROUND), min(height, row + _AROUND + 1))
        known, image = self.mask[around], self.image[around]
        near = slice(max(row - _NEAR, 0) - around.start, row + _NEAR + 1 - around.start)
        best, least, before = None, np.inf, np.inf
        for offsets in (*_BLOCKS, *_MORE_BLOCKS):
            if offsets is _MORE_BLOCKS[0] and least < _LITTLE + _PER_ROW:
                break
            rows = row + np.array(offsets)
            if rows[0] < 0 or rows[-1] >= height:
                continue
            part = self._odd_part(row, rows)
            across = np.flatnonzero(ndimage.maximum_filter1d(part, self._stretch))
            before = min(before, self._cost(known, self._excess[around], near, across))
            mask = known.copy()
            mask[rows - around.start] |= part
            taken = np.asarray(mask[:, part].any(axis=1))
            if _longest(taken) > self._most:
                continue
            filled = fill_rows(image, mask, self._weights)
            cost = self._cost(mask, self._excess_of(around, filled), near, across)
            cost += _PER_ROW * len(rows)
            if cost < least:
                best, least = (mask, filled), cost
        if best is None or least > _EXPLAINED * before:
            return None
        self.mask[around] = best[0]
        if self.filled is self.image:
            self.filled = self.image.copy()
        self.filled[around] = np.where(best[0], best[1], self.filled[around])
        wide = slice(max(0, around.start - REACH), min(height, around.stop + REACH))
        excess = self._excess_of(wide, self.filled[wide])
        # Rows at an end of the part, but for the border of the image, lack their neighbours.
        start = wide.start + (REACH + 1 if wide.start else 0)
        stop = wide.stop - (REACH + 1 if wide.stop < height else 0)
        self._excess[start:stop] = excess[start - wide.start : stop - wide.start]
        return slice(start, stop)

    def _odd_part(self, row: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which part of a row is disturbed: its odd stretches, or all of it."""
        excess = self._excess[np.append(rows, row)].max(axis=0)
        parts, _ = ndimage.label(excess > _HALF)
        odd = np.unique(parts[self._excess[row] > 1])
        part = np.isin(parts, odd[odd > 0])
        if part.mean() > _HALF:
            part[:] = True
        return np.asarray(part)

    def _cost(
        self,
        mask: NDArray[np.bool_],
        excess: NDArray[np.float32],
        near: slice,
        across: NDArray[np.int64],
    ) -> float:
        """Return how odd the rows near a place are beside those that are taken out."""
        part, taken = excess[near][:, across], mask[near][:, across]
        return float(np.maximum(self._oddness(part, taken) - _USUAL, 0).sum())

    def _oddness(self, excess: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the mean excess of the oddest half stretch of each row."""
        count = min(max(1, self._stretch // 2), excess.shape[1])
        values = np.where(mask, np.float32(0), excess)
        oddest = np.partition(values, -count, axis=1)[:, -count:]
        return np.asarray(oddest.mean(axis=1))

    def _excess_of(self, rows: slice, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._beyond(self._multiples(rows, image))

    def _multiples(self, rows: slice, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return by which multiple of the usual difference pixels differ from their prediction."""
        predicted = predict_rows(image, self._weights)
        multiples = self._usual.multiples(predicted, image - predicted)
        if self._ignored is not None:
            multiples[self._ignored[rows]] = 0
        return multiples

    def _beyond(self, multiples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the short or the long stretch around each pixel has of its limit."""
        short, long = (each.excess(multiples) for each in self._limits)
        excess: NDArray[np.float32] = np.maximum(short, long, out=short)
        return excess


@dataclass(frozen=True)
class _Limits:
    """What stretches of one length usually have, and how much more is disturbed."""

    length: int
    typical: float
    power: float
    mean: float

    @classmethod
    def of(cls, multiples: NDArray[np.float32], length: int, beyond: float) -> _Limits:
        """Measure the limits of an image."""
        power, mean = (each[REACH:-REACH:2, ::5] for each in _averages(multiples, length))
        typical = float(np.median(power))
        upper = float(np.quantile(power, _UPPER)) - typical
        spread = 1.4826 * float(np.median(np.abs(mean)))
        return cls(
            length,
            typical,
            max(beyond * upper, _LEAST_POWER * typical, 1e-6),
            max(beyond * spread, _LEAST_MEAN),
        )

    def excess(self, multiples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the excess of the stretch around each pixel in units of the limit."""
        power, mean = _averages(multiples, self.length)
        power -= np.float32(self.typical)
        power /= np.float32(self.power)
        np.abs(mean, out=mean)
        mean /= np.float32(self.mean)
        excess: NDArray[np.float32] = np.maximum(power, mean, out=power)
        return excess


def _longest(rows: NDArray[np.bool_]) -> int:
    """Return the number of masked rows in the longest sequence."""
    parts, count = ndimage.label(rows)
    return int(np.bincount(parts)[1:].max()) if count else 0


def _averages(
    multiples: NDArray[np.float32], length: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean square and the mean of the stretch around each pixel."""
    power, mean = (
        ndimage.uniform_filter1d(each, length, axis=1, mode="reflect")
        for each in (np.square(multiples), multiples)
    )
    return power, mean
