"""Columns that look like defects because a crystal ends there: those along an interface.

A model of a crystal knows missing and added columns, but no other crystal beside it. Each column of
the last row before another crystal differs from its like, and the columns of the row among
themselves do not: that is a line, which the survey shows, and no row of point defects.
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.postprocessing.results import ProbabilityMap

REPEATED_COLUMNS = "repeated_columns"
"""Parameter of a result: what to state about such places."""


class WithoutRows(NamedTuple):
    """A map without point defects that repeat along a lattice row.

    Attributes
    ----------
    map : ProbabilityMap
    places : int
        How many had a name and have none.
    """

    map: ProbabilityMap
    places: int

    @property
    def statement(self) -> str:
        """What to state about these places; "" without any."""
        if not self.places:
            return ""
        places = "1 place got" if self.places == 1 else f"{self.places} places got"
        return (
            f"{places} no name: columns along a lattice row look the same there, as at an interface"
            " with another crystal, which is no row of point defects; see the survey of this image"
        )


def without_rows(
    found: ProbabilityMap,
    pixels: NDArray[np.float32],
    cells: Sequence[UnitCell],
    thresholds: Mapping[str, float],
    separation_px: float,
) -> WithoutRows:
    """Take their name from point defects that look like their neighbours in one lattice row.

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
    probability, count = found.probability.copy(), 0
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
        repeated = np.array(for_each(repeats_along_row, pixels, cells, sites), bool)
        count += int((values[tested][repeated] >= thresholds[kind.name]).sum())
        nearest = cKDTree(centres[tested]).query(centres)[1]
        layer[tuple(windows[repeated[nearest]].T)] *= LEFT
    return WithoutRows(replace(found, probability=probability), count)


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
