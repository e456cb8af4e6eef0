"""Stretches of scan rows that look disturbed, but that the crystal repeats elsewhere.

Where columns are smooth or saturated, the rows through them differ from what the rows beside them
predict as much as disturbed ones do. What a crystal shows in a row it shows a lattice vector
further as well; what a scan or a detector does to a row, it does there alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.preprocessing.row_prediction import REACH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STEPS = 2
"""Base vectors, at most, to a place that is compared."""
_LEAST_ACROSS = 2 * REACH
"""Rows to a place that is compared, at least, so that the disturbed rows do not reach it."""
_PLACES = 8
_MOST_PIXELS = 4096
_BETTER = 0.25
"""Share of its square by which a change must make pixels more like the crystal: close to 1 for a
disturbance that is taken out, negative for a change of what the crystal shows."""
_BESIDE = REACH
"""Rows between a stretch and those beside it that show by how much pixels usually differ."""
_MATTERS = 0.3
"""Share of the usual mean square that a change must have: in an image that was smoothed, rows
follow from each other so well that differences far below its noise are sure, but do not matter."""
_MARGIN = 8
"""Rows beyond those that are compared, for the ends of splines."""


def without_repeated(
    image: NDArray[np.float32],
    filled: NDArray[np.float32],
    mask: NDArray[np.bool_],
    lattices: Sequence[NDArray[np.float64]],
) -> NDArray[np.bool_]:
    """Return the disturbed pixels without those that the crystal repeats.

    Parameters
    ----------
    image, filled : ndarray of float32, shape (Y, X)
        An image as recorded, and with its disturbed pixels replaced.
    mask : ndarray of bool, shape (Y, X)
        Disturbed pixels, stretches of rows.
    lattices : sequence of ndarray of float64, shape (2, 2)
        Base vectors (y, x) in px of each lattice of the image, one in a row.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        Stretches whose replacement matters, and makes them more like the crystal a few lattice
        vectors away. Where the image is too small to show that, the stretch stays.
    """
    places = [_places(vectors) for vectors in lattices]
    kept = mask.copy()
    # Labels of a whole image would take as much memory as the image.
    together, _ = ndimage.label(mask.any(axis=1))
    for (rows,) in ndimage.find_objects(together):
        parts, _ = ndimage.label(mask[rows], np.ones((3, 3)))
        for number, box in enumerate(ndimage.find_objects(parts), 1):
            own = parts[box] == number
            at = np.argwhere(own) + np.array([rows.start + box[0].start, box[1].start])
            at = at[:: len(at) // _MOST_PIXELS + 1]
            fits = [fit for steps in places if (fit := _fit_of(image, filled, mask, at, steps))]
            # The lattice of the grain predicts best what is beside the stretch.
            if fits and not min(fits, key=lambda fit: fit.beside).is_disturbed:
                kept[rows][box] &= ~own
    return kept


class _Fit(NamedTuple):
    """Mean squares: by how much a stretch and what is beside it differ from a lattice.

    Attributes
    ----------
    beside : float
        Of the rows beside the stretch.
    before, after : float
        Of the stretch as recorded and as replaced.
    change : float
        Of what replacing it changes.
    """

    beside: float
    before: float
    after: float
    change: float

    @property
    def is_disturbed(self) -> bool:
        """Whether the change matters and makes the stretch more like the crystal."""
        gain = self.before - self.after
        return self.change >= _MATTERS * self.beside and gain >= _BETTER * self.change


def _fit_of(
    image: NDArray[np.float32],
    filled: NDArray[np.float32],
    mask: NDArray[np.bool_],
    at: NDArray[np.int64],
    steps: NDArray[np.float64],
) -> _Fit | None:
    """Return how well a lattice predicts a stretch; None where it shows too little."""
    beside = np.concatenate([at + np.array([step, 0]) for step in (-_BESIDE, _BESIDE)])
    beside = beside[(beside[:, 0] >= 0) & (beside[:, 0] < len(image))]
    beside = beside[~mask[tuple(beside.T)]]
    predicted, usual = (_predicted(image, mask, each, steps) for each in (at, beside))
    known, known_beside = np.isfinite(predicted), np.isfinite(usual)
    if 2 * known.sum() < len(at) or not known_beside.any():
        return None
    before, after, near = (
        each[tuple(where.T)].astype(np.float64)
        for each, where in ((image, at), (filled, at), (image, beside))
    )
    return _Fit(
        beside=_mean_square((near - usual)[known_beside]),
        before=_mean_square((before - predicted)[known]),
        after=_mean_square((after - predicted)[known]),
        change=_mean_square(after - before),
    )


def _mean_square(values: NDArray[np.float64]) -> float:
    return float(np.square(values).mean())


def _predicted(
    image: NDArray[np.float32],
    mask: NDArray[np.bool_],
    at: NDArray[np.int64],
    steps: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the median of what an image shows some lattice vectors away; NaN where unknown."""
    if not len(steps) or not len(at):
        return np.full(len(at), np.nan)
    reach = int(np.ceil(np.abs(steps[:, 0]).max())) + _MARGIN
    first, last = max(0, at[:, 0].min() - reach), min(len(image), at[:, 0].max() + reach + 1)
    spline = ndimage.spline_filter(image[first:last].astype(np.float64))
    shown = []
    for step in steps:
        y, x = (at + step).T
        inside = (y >= 0) & (x >= 0) & (y <= image.shape[0] - 1) & (x <= image.shape[1] - 1)
        values = ndimage.map_coordinates(spline, [y - first, x], prefilter=False, mode="nearest")
        near = tuple(
            np.clip(np.rint(each).astype(int), 0, size - 1)
            for each, size in zip((y, x), image.shape, strict=True)
        )
        shown.append(np.where(inside & ~mask[near], values, np.nan))
    counted = np.isfinite(shown).sum(axis=0)
    median = np.full(len(at), np.nan)
    some = counted > 0
    median[some] = np.nanmedian(np.array(shown)[:, some], axis=0)
    return median


def _places(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lattice vectors to the nearest places far enough across the rows."""
    steps = np.arange(-_STEPS, _STEPS + 1)
    numbers = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    away = numbers @ vectors
    away = away[np.abs(away[:, 0]) >= _LEAST_ACROSS]
    return np.asarray(away[np.argsort(np.hypot(*away.T), kind="stable")][:_PLACES])
