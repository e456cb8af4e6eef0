"""Columns that look like defects because of another crystal: along an interface, or of its cell.

A model of a crystal knows missing and added columns, but no other crystal beside it. Each column of
the last row before another crystal differs from its like, and the columns of the row among
themselves do not: that is a line, which the survey shows, and no row of point defects. Nor does it
know a crystal of which every second cell differs, whose columns repeat in two directions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.detection.crystal_around import LEFT
from napari_stem_defects.detection.decided_sites import CANDIDATE
from napari_stem_defects.lattice.repeated_along_row import repeats_along_row
from napari_stem_defects.lattice.repeated_in_order import repeats_in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.postprocessing.results import ProbabilityMap

REPEATED_COLUMNS = "repeated_columns"
"""Parameter of a result: what to state about such places."""
_ALONG_ROW = (
    "columns along a lattice row look the same there, as at an interface with another crystal,"
    " which is no row of point defects; see the survey of this image"
)
_IN_ORDER = (
    "every second or third cell looks the same there, as in a crystal with a larger cell than that"
    " of the model"
)

_ROW, _ORDER = 1, 2


class WithoutRows(NamedTuple):
    """A map without point defects that repeat along a lattice row or in the order of a larger cell.

    Attributes
    ----------
    map : ProbabilityMap
    places : int
        How many had a name and have none because columns along a row look the same.
    ordered : int
        The same because what they show is that of every second or third cell.
    """

    map: ProbabilityMap
    places: int
    ordered: int = 0

    @property
    def statement(self) -> str:
        """What to state about these places; "" without any."""
        return "; ".join(
            f"{count} place{' got' if count == 1 else 's got'} no name: {why}"
            for count, why in ((self.places, _ALONG_ROW), (self.ordered, _IN_ORDER))
            if count
        )


def without_rows(
    found: ProbabilityMap,
    pixels: NDArray[np.float32],
    cells: Sequence[UnitCell],
    thresholds: Mapping[str, float],
    separation_px: float,
) -> WithoutRows:
    """Take their name from point defects that look like others in one lattice row or in order.

    Parameters
    ----------
    found : ProbabilityMap
        Of a model of one crystal, with its windows in px of the image.
    pixels : ndarray of float32, shape (Y, X)
        The image.
    cells : sequence of UnitCell
        Its lattices.
    thresholds : mapping of str to float
        Of all classes.
    separation_px : float
        Least distance of two defects of a class in px.

    Returns
    -------
    WithoutRows
        The probability of these places is a tenth of what it was.
    """
    probability, counts = found.probability.copy(), [0, 0]
    for kind in found.class_data:
        if kind.kind != "point" or kind.name == BULK:
            continue
        layer = probability[found.classes.index(kind.name)]
        windows = np.argwhere(found.valid & (layer >= CANDIDATE))
        if not len(windows):
            continue
        centres = found.centres_of(windows)
        values = layer[tuple(windows.T)]
        tested = _apart(centres, values, separation_px)
        sites = [(y, x) for y, x in centres[tested].tolist()]
        repeated = np.array(for_each(_repeated, pixels, cells, sites), np.intp)
        named = values[tested] >= thresholds[kind.name]
        for why, number in enumerate((_ROW, _ORDER)):
            counts[why] += int((named & (repeated == number)).sum())
        nearest = cKDTree(centres[tested]).query(centres)[1]
        layer[tuple(windows[repeated[nearest] > 0].T)] *= LEFT
    return WithoutRows(replace(found, probability=probability), *counts)


def _repeated(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], position: tuple[float, float]
) -> int:
    """Return whether a place repeats along a row or in the order of a larger cell."""
    if repeats_along_row(pixels, cells, position):
        return _ROW
    return _ORDER if repeats_in_order(pixels, cells, position) else 0


def _apart(
    centres: NDArray[np.float64], values: NDArray[np.float32], separation_px: float
) -> list[int]:
    """Return the numbers of places, the highest values first, with a distance between them.

    A row of defects may be one plateau of probability, without a peak for each.
    """
    tested: list[int] = []
    for number in np.lexsort((centres[:, 1], centres[:, 0], -values)).tolist():
        away = np.hypot(*(centres[tested] - centres[number]).T)
        if away.min(initial=np.inf) >= separation_px:
            tested.append(number)
    return tested
