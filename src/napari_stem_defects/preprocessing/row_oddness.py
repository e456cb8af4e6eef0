"""By how much stretches of scan rows differ from what the rows beside them predict.

Differences count in multiples of what pixels of the same brightness and slope usually have, and
stretches in multiples of what stretches of the same image usually have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.preprocessing.row_prediction import (
    REACH,
    predict_rows,
    spread,
    with_neighbours,
)
from napari_stem_defects.preprocessing.usual_difference import UsualDifference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_NORMAL = 1.4826
"""Standard deviation of normal noise in units of the median of its magnitude."""
_BEYOND = 10.0, 8.0
"""Multiples of the usual variation of a short and of a long stretch from which it is disturbed."""
_LONG = 8
"""Length of a long stretch in units of a short one."""
_LEAST_POWER, _LEAST_MEAN = 0.6, 0.6
"""Least excess of the mean square and of the mean, in units of what single pixels usually have: a
weaker disturbance does not matter, however sure it is."""
_UPPER = 0.84
"""Quantile of normal noise one standard deviation above its median."""
_SAMPLE_PX, _SAMPLE_ROWS, _BAND = 1 << 18, 64, 8
"""Pixels, and least number of rows, from which the usual is measured, and rows side by side."""
_CHUNK_PX, _CHUNK_ROWS = 1 << 16, 16
"""Pixels, and least number of rows, that are searched at once: what a processor keeps at hand."""


class RowOddness:
    """What rows of one image usually have beside what their neighbours predict, and who has more.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities; at least ``2 * REACH + 1`` rows.
    weights : ndarray of float64, shape (3,)
        See `row_prediction.row_weights`.
    stretch : int
        Length in px of a part of a row that is compared.
    ignored : ndarray of bool, shape (Y, X), optional
        Pixels without a value.

    Attributes
    ----------
    is_measurable : bool
        Whether rows differ at all: what follows from its neighbours throughout, as a constant,
        has no usual difference.
    mean : float32
        Mean of the image, without which rows are predicted.
    """

    def __init__(
        self,
        image: NDArray[np.float32],
        weights: NDArray[np.float64],
        stretch: int,
        ignored: NDArray[np.bool_] | None = None,
    ) -> None:
        self._weights, self._stretch, self._ignored = weights, stretch, ignored
        self.mean = np.float32(image.mean(dtype=np.float64))
        sample = list(_bands(*image.shape))
        parts = [with_neighbours(image, rows, self.mean) for rows in sample]
        predicted = np.concatenate([predict_rows(part, weights) for part in parts])
        actual = np.concatenate([part[REACH:-REACH] for part in parts])
        self._usual = UsualDifference(predicted, actual - predicted)
        self.is_measurable = not self._usual.is_zero
        self._limits: tuple[_Limit, ...] = ()
        if self.is_measurable:
            multiples = [
                self._multiples(part, rows) for part, rows in zip(parts, sample, strict=True)
            ]
            lengths = stretch, min(_LONG * stretch, image.shape[1])
            self._limits = tuple(
                _Limit.of(multiples, length, beyond)
                for length, beyond in zip(lengths, _BEYOND, strict=True)
            )

    def of_rows(
        self, image: NDArray[np.float32], mask: NDArray[np.bool_], rows: slice
    ) -> NDArray[np.float32]:
        """Return the oddness of rows of an image; zero if no stretch exceeds its limit.

        Parameters
        ----------
        image : ndarray of float32, shape (Y, X)
            The image, or the same with some rows filled.
        mask : ndarray of bool, shape (Y, X)
            Pixels that do not count.
        rows : slice
            Its start and stop lie within the image.

        Returns
        -------
        ndarray of float32, shape (rows,)
            See `of_excess`. Zero at the border, where rows have neighbours on one side alone.
        """
        height, width = image.shape
        first, last = max(REACH, rows.start), min(height - REACH, rows.stop)
        step = max(_CHUNK_ROWS, _CHUNK_PX // width)
        odd = np.zeros(rows.stop - rows.start, np.float32)
        for start in range(first, last, step):
            chunk = slice(start, min(start + step, last))
            multiples = self._multiples(with_neighbours(image, chunk, self.mean), chunk)
            # No mean over a part of a row exceeds the most that the row has.
            most = np.maximum(*(limit.most(multiples) for limit in self._limits))
            some = np.flatnonzero(most >= 1)
            if len(some):
                excess = self._excess(multiples[some])
                odd[start - rows.start + some] = self.of_excess(excess, mask[start + some])
        return odd

    def of_excess(
        self, excess: NDArray[np.float32], mask: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the mean excess of the oddest half stretch of each row.

        Parameters
        ----------
        excess : ndarray of float32, shape (rows, X)
            See `excess`; any columns of it.
        mask : ndarray of bool, shape (rows, X)
            Pixels that do not count.

        Returns
        -------
        ndarray of float32, shape (rows,)
            A row is odd from 1.
        """
        count = min(max(1, self._stretch // 2), excess.shape[1])
        values = np.where(mask, np.float32(0), excess)
        oddest = np.partition(values, -count, axis=1)[:, -count:]
        return np.asarray(oddest.mean(axis=1))

    def excess(self, part: NDArray[np.float32], rows: slice) -> NDArray[np.float32]:
        """Return what the short or the long stretch around each pixel has of its limit.

        Parameters
        ----------
        part : ndarray of float32, shape (rows + 2 * REACH, X)
            Rows with their neighbours, see `row_prediction.with_neighbours`.
        rows : slice
            Where they are in the image.

        Returns
        -------
        ndarray of float32, shape (rows, X)
        """
        return self._excess(self._multiples(part, rows))

    def _excess(self, multiples: NDArray[np.float32]) -> NDArray[np.float32]:
        short, long = (limit.excess(multiples) for limit in self._limits)
        excess: NDArray[np.float32] = np.maximum(short, long, out=short)
        return excess

    def _multiples(self, part: NDArray[np.float32], rows: slice) -> NDArray[np.float32]:
        """Return by which multiple of the usual difference pixels differ from their prediction."""
        predicted = predict_rows(part, self._weights)
        multiples = self._usual.multiples(predicted, part[REACH:-REACH] - predicted)
        if self._ignored is not None:
            multiples[_near_ignored(self._ignored, rows)] = 0
        return multiples


@dataclass(frozen=True)
class _Limit:
    """What stretches of one length usually have, and how much more is disturbed."""

    length: int
    typical: float
    power: float
    mean: float

    @classmethod
    def of(cls, sample: list[NDArray[np.float32]], length: int, beyond: float) -> _Limit:
        """Measure the limit of an image from the multiples that some rows of it have."""
        # A quarter of a stretch further, most of it is the same.
        sums = [
            [each[:, :: length // 4] / length for each in _power_and_sum(multiples, length)]
            for multiples in sample
        ]
        power, mean = (np.concatenate(each) for each in zip(*sums, strict=True))
        typical = float(np.median(power))
        upper = float(np.quantile(power, _UPPER)) - typical
        usual = _NORMAL * float(np.median(np.abs(mean)))
        return cls(
            length,
            typical,
            max(beyond * upper, _LEAST_POWER * typical, 1e-6),
            max(beyond * usual, _LEAST_MEAN),
        )

    def most(self, multiples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the most that a stretch of each row has, in units of the limit."""
        power, total = _power_and_sum(multiples, self.length)
        magnitude = np.maximum(total.max(axis=1), -total.min(axis=1))
        return self._excess(power.max(axis=1), magnitude)

    def excess(self, multiples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the stretch around each pixel has, in units of the limit."""
        power, total = _power_and_sum(multiples, self.length)
        return self._excess(power, np.abs(total))

    def _excess(
        self, power: NDArray[np.float32], magnitude: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        power = power * np.float32(1 / (self.length * self.power))
        power -= np.float32(self.typical / self.power)
        excess: NDArray[np.float32] = np.maximum(
            power, magnitude * np.float32(1 / (self.length * self.mean)), out=power
        )
        return excess


def _near_ignored(ignored: NDArray[np.bool_], rows: slice) -> NDArray[np.bool_]:
    """Return which pixels of rows have no value or are predicted from some without one."""
    first = max(0, rows.start - REACH)
    near = ignored[first : rows.stop + REACH]
    if near.any():
        near = ndimage.maximum_filter(near, 2 * REACH + 1)
    return near[rows.start - first :][: rows.stop - rows.start]


def _power_and_sum(
    multiples: NDArray[np.float32], length: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sum of squares and the sum of the stretch around each pixel.

    Beyond their ends rows are mirrored: a stretch there counts like one that is as much longer.
    """
    before = length // 2
    after = length - 1 - before
    ends = multiples[:, :before], multiples[:, multiples.shape[1] - after :]
    mirrored = np.concatenate([ends[0][:, ::-1], multiples, ends[1][:, ::-1]], axis=1)
    return _sums(np.square(mirrored), length), _sums(mirrored, length)


def _sums(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return the sums of as many values in sequence, from sums of half as many."""
    if length == 1:
        return values
    half = length // 2
    sums = _sums(values, half)
    sums = sums[:, half:] + sums[:, :-half]
    if length % 2:
        sums = sums[:, :-1] + values[:, length - 1 :]
    return sums


def _bands(height: int, width: int) -> Iterator[slice]:
    """Yield the rows from which the usual is measured: all, or bands over the image."""
    rows = max(_SAMPLE_ROWS, _SAMPLE_PX // width)
    for band in spread((height - 2 * REACH) // _BAND, rows // _BAND):
        start = REACH + _BAND * int(band)
        yield slice(start, start + _BAND)
