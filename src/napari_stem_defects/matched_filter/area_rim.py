"""Areas that are crystals themselves, and are unusual at their rims alone.

The lattice residual of a precipitate or an ordered domain is at its rim: inside, its own lattice
predicts it. The columns on both sides of the border are unusual, as far as a column is predicted
from its neighbours, so the border is where the rim is most unusual, not where it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from napari_stem_defects.anomaly.area_border import above_half
from napari_stem_defects.anomaly.candidates import cell_edge, pool_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEPTH = 1.5
"""How many times as unusual as the inside a rim is all around it, as a power."""
_LEAST = 0.1
"""Least power that counts, in units of twice the threshold: less is perfect crystal."""
_LARGEST, _SMALL = 4.0, 0.5
"""A hole is part of what certainly surrounds it up to so many times its size."""
_USUAL = 1.3
"""Anomaly score in units of the median up to which connected places are the crystal around."""
_WIDTH = 1.5
"""Largest distance, in lattice periods, of the crest of a rim from where half of it is left."""
_NEIGHBOURS = np.ones((3, 3))


def without_holes(areas: NDArray[np.bool_], largest: float = 1.0) -> NDArray[np.bool_]:
    """Return areas with the holes that they surround.

    Parameters
    ----------
    areas : ndarray of bool, shape (gy, gx)
    largest : float
        Size of a hole in units of that of the area around it.

    Returns
    -------
    ndarray of bool, shape (gy, gx)
    """
    regions, _ = ndimage.label(areas, _NEIGHBOURS)
    filled = areas.copy()
    for number, box in enumerate(ndimage.find_objects(regions), 1):
        region = regions[box] == number
        holes, count = ndimage.label(~region)
        rim = np.ones(region.shape, bool)
        rim[1:-1, 1:-1] = False
        open_ones = np.unique(holes[rim])
        sizes = np.bincount(holes.ravel(), minlength=count + 1)
        chosen = sizes <= largest * region.sum()
        chosen[0] = chosen[open_ones] = False
        filled[box] |= chosen[holes]
    return filled


def up_to_crest(
    power: NDArray[np.float32], areas: NDArray[np.bool_], cells_per_period: float
) -> NDArray[np.bool_]:
    """Return the areas that have a rim, up to its crest.

    Parameters
    ----------
    power : ndarray of float32, shape (gy, gx)
        How unusual each cell is: a power, in units in which the threshold is 0.5.
    areas : ndarray of bool, shape (gy, gx)
        Areas with their whole rims, and without holes.
    cells_per_period : float

    Returns
    -------
    ndarray of bool, shape (gy, gx)
        Some of ``areas``; none where all around a less unusual place is wider than a rim.
    """
    if not areas.any() or areas.all():
        return np.zeros_like(areas)
    logarithm = np.log(np.maximum(power, np.float32(_LEAST)))
    # The lowest crest that is between each place and the outside.
    outside = np.where(areas, logarithm.max(), logarithm)
    crest = reconstruction(outside, logarithm, method="erosion")
    inner = areas & (crest - logarithm > np.log(_DEPTH))
    parts = watershed(logarithm, np.where(inner, 2, np.where(areas, 0, 1)))
    found = (parts == 2) & areas
    regions, _ = ndimage.label(found, _NEIGHBOURS)
    numbers = ndimage.grey_dilation(regions, size=3)
    flank = ~found & ~above_half(power, areas, cells_per_period)
    away = ndimage.distance_transform_edt(~flank) > _WIDTH * cells_per_period
    wide = np.unique(numbers[away & ~found])
    return np.asarray(found & ~np.isin(regions, wide))


def with_borders(
    power: NDArray[np.float32],
    wide: NDArray[np.bool_],
    bordered: NDArray[np.bool_],
    threshold: float,
    cells_per_period: float,
) -> NDArray[np.bool_]:
    """Return areas up to the crest of their rims, and those without a rim up to their border.

    Parameters
    ----------
    power : ndarray of float32, shape (gy, gx)
        See `up_to_crest`.
    wide : ndarray of bool, shape (gy, gx)
        Areas with all that is unusual around them.
    bordered : ndarray of bool, shape (gy, gx)
        The same up to their borders; see `anomaly.area_border.within_border`.
    threshold : float
        Power from which a place certainly belongs to an area.
    cells_per_period : float

    Returns
    -------
    ndarray of bool, shape (gy, gx)
    """
    closed = without_holes(power > threshold, _LARGEST) | without_holes(bordered)
    rimmed = up_to_crest(power, without_holes(wide, _SMALL) | closed, cells_per_period)
    regions, _ = ndimage.label(without_holes(bordered), _NEIGHBOURS)
    others = (regions > 0) & ~np.isin(regions, np.unique(regions[rimmed]))
    return np.asarray(rimmed | others)


def rim_anomalies(
    scores: NDArray[np.float32], clicks: NDArray[np.float64], samples: float
) -> NDArray[np.float64]:
    """Return how unusual the rims around some clicks are.

    Parameters
    ----------
    scores : ndarray of float32, shape (Y, X)
        Anomaly score of every place, averaged as for extended features.
    clicks : ndarray of float, shape (N, 2)
        y and x in samples.
    samples : float
        Samples per length unit.

    Returns
    -------
    ndarray of float64, shape (N,)
        Median of the rim; NaN for a click that none surrounds.
    """
    edge = cell_edge(samples)
    near = round(samples / edge)
    cells = pool_cells(scores, edge)
    logarithm = np.log(np.maximum(cells, np.float32(1e-3)))
    bulk, _ = ndimage.label(logarithm < np.median(logarithm) + np.log(_USUAL))
    sizes = np.bincount(bulk.ravel())
    sizes[0] = 0
    is_bulk = (bulk > 0) & (bulk == sizes.argmax())
    crest = reconstruction(
        np.where(is_bulk, logarithm, logarithm.max()), logarithm, method="erosion"
    )
    found = []
    for row, column in np.rint(clicks).astype(int) // edge:
        top, left = max(0, row - near), max(0, column - near)
        box = np.s_[top : row + near + 1, left : column + near + 1]
        depth = (crest - logarithm)[box]
        down, across = np.unravel_index(int(depth.argmax()), depth.shape)
        if depth[down, across] < 0.5 * np.log(_DEPTH):
            found.append(np.nan)
            continue
        at = top + int(down), left + int(across)
        parts, _ = ndimage.label(logarithm < crest[at])
        inside = parts == parts[at]
        rim = ndimage.binary_dilation(inside, _NEIGHBOURS) & ~inside
        found.append(float(np.median(cells[rim])))
    return np.array(found)
