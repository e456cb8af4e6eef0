"""Lines and areas of a class, from how similar each cell of an image is to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_stem_defects.anomaly.area_border import within_border
from napari_stem_defects.base.disc import disc
from napari_stem_defects.matched_filter.area_rim import with_borders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import ClassFilter

SOFTNESS = 0.06
"""Change of the similarity that changes the odds by a factor of e."""
_CLOSING = 0.8
"""Gaps of a line, half of this many periods wide on each side, are closed."""
_LOW, _RELATIVE, _NEAR = 0.65, 0.5, 1.5
"""A line extends from where it is certain down to these shares of the threshold and of the highest
similarity within ``_NEAR`` periods."""
_FLANK, _CORE = 0.7, 0.5
"""Off its centre line by more than ``_CORE`` periods a line ends at this share of the highest."""
_WIDEST = 2.5
"""Half the width in periods from which the evidence of a line is an area, which is no line."""
_RIDGE = 1.4
"""A line at the edge of such an area is this much more similar than what is around it."""
_MIN_LENGTH = {True: 2.0, False: 3.0}
"""Shortest line in lattice periods, of a class with templates and one recognised by anomaly."""
_MIN_FAINT = 10.0
"""Shortest line of a class that is fainter than the highest noise of an image."""
_MIN_AREA = 4.0


def anomaly_similarity(
    extended: NDArray[np.float32], item: ClassFilter, noise: float = 0.0
) -> NDArray[np.float32]:
    """Return the anomaly of every place on a scale on which the threshold of the class is 0.5.

    On a logarithmic scale the threshold is half-way between the perfect crystal and the clicks, at
    least what noise does not reach, at most near the clicks. The scale is logarithmic for lines,
    and of the power for areas; see `anomaly.area_border`.

    Parameters
    ----------
    extended : ndarray of float32, shape (Y, X)
        Anomaly score of every place, averaged as for extended features.
    item : ClassFilter
        A class without templates.
    noise : float
        Score that noise does not reach in the image; 0 where it is not known.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Zeros for an area that its levels show, and for what cannot be distinguished from noise.
    """
    # An area that its levels show is found as a whole, not its rim alone.
    if any(item.difference) or item.is_hidden:
        return np.zeros_like(extended)
    usual = float(np.log(np.median(extended)))
    clicks = max(float(np.log(item.anomaly)) - usual, 0.1)
    limit = max(float(np.log(max(noise, 1e-3))) - usual, 0.5 * clicks)
    limit = min(limit, 0.9 * clicks)
    similar: NDArray[np.float32] = np.log(np.maximum(extended, np.float32(1e-3)))
    similar -= np.float32(usual)
    if item.kind == "area":
        return np.expm1(2 * similar) * np.float32(0.5 / np.expm1(2 * limit))
    similar *= np.float32(0.5 / limit)
    return similar


def extended_probability(
    item: ClassFilter, similar: NDArray[np.float32], cells_per_period: float
) -> NDArray[np.float32]:
    """Return the probability of a line or an area from its similarity on cells.

    Parameters
    ----------
    item : ClassFilter
        Of the kind "line" or "area".
    similar : ndarray of float32, shape (gy, gx)
        Highest similarity to the class, or `anomaly_similarity`, of each cell.
    cells_per_period : float

    Returns
    -------
    ndarray of float32, shape (gy, gx)
        At least 0.75 in the lines or areas that are found, at most 0.15 elsewhere.
    """
    filled = ndimage.grey_closing(similar, footprint=disc(_CLOSING * cells_per_period))
    around = 2 * round(_NEAR * cells_per_period) + 1
    highest = ndimage.maximum_filter(filled, around)
    inside = filled > _LOW * item.limit
    if item.kind == "area":
        bordered = within_border(filled, inside, cells_per_period)
        inside = with_borders(similar, inside, bordered, item.limit, cells_per_period)
    else:
        inside &= filled > _RELATIVE * highest
        wide = _too_wide(inside, _WIDEST * cells_per_period)
        usual = ndimage.uniform_filter(filled, 2 * round(_WIDEST * cells_per_period) + 1)
        inside &= ~wide | (filled > _RIDGE * usual)
    kept = large_enough(item, inside, similar > item.limit, cells_per_period)
    if item.kind == "line":
        kept &= (filled > _FLANK * highest) | _along_centre(kept, _CORE * cells_per_period)
    probability = odds_to_probability((filled - item.limit) / SOFTNESS)
    # 0.5 separates what is kept from the rest, however similar it is.
    result: NDArray[np.float32] = np.where(
        kept, np.maximum(probability, 0.75), np.minimum(probability, 0.15)
    ).astype(np.float32)
    return result


def large_enough(
    item: ClassFilter,
    inside: NDArray[np.bool_],
    certain: NDArray[np.bool_],
    cells_per_period: float,
) -> NDArray[np.bool_]:
    """Return the connected places that are certain somewhere and as large as their kind must be.

    Parameters
    ----------
    item : ClassFilter
    inside, certain : ndarray of bool, shape (gy, gx)
        Cells that the class may fill, and those that are certainly its own.
    cells_per_period : float

    Returns
    -------
    ndarray of bool, shape (gy, gx)
    """
    regions, count = ndimage.label(inside, np.ones((3, 3)))
    kept = np.zeros(count + 1, bool)
    kept[np.unique(regions[certain & inside])] = True
    shortest = _MIN_LENGTH[bool(item.templates)] if not item.is_faint else _MIN_FAINT
    shortest *= cells_per_period
    sizes = np.bincount(regions.ravel())
    for number, box in enumerate(ndimage.find_objects(regions), 1):
        if item.kind == "line":
            diagonal = np.hypot(*(side.stop - side.start for side in box))
            kept[number] &= bool(diagonal >= shortest)
        else:
            kept[number] &= bool(sizes[number] >= _MIN_AREA * cells_per_period**2)
    kept[0] = False
    chosen: NDArray[np.bool_] = kept[regions]
    return chosen


def _too_wide(lines: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return the cells of lines where they are an area: around every disc that they hold."""
    border = int(np.ceil(2 * radius)) + 2
    padded = np.pad(lines, border, mode="edge")
    inside = ndimage.distance_transform_edt(padded) > radius
    if not inside.any():
        return np.zeros_like(lines)
    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~inside) <= 2 * radius
    return near[border:-border, border:-border]


def _along_centre(lines: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Return the cells within a distance of the centre lines of wide lines."""
    border = int(np.ceil(2 * reach)) + 2
    # Continued beyond the border, or centre lines would end before it.
    centre = skeletonize(np.pad(lines, border, mode="edge"))
    near: NDArray[np.bool_] = ndimage.binary_dilation(centre, disc(reach))
    return near[border:-border, border:-border]


def odds_to_probability(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities from the logarithms of odds (logistic function).

    Parameters
    ----------
    values : ndarray of float32
        Of any shape.

    Returns
    -------
    ndarray of float32, the same shape
    """
    half = np.float32(0.5)
    result: NDArray[np.float32] = half + half * np.tanh(half * values.astype(np.float32))
    return result
