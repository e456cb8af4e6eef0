"""Point defects of successive frames linked to tracks, with trackpy.

trackpy assigns the defects of a frame to those before so that the sum of squared displacements is
smallest (Crocker and Grier (1996), J. Colloid Interface Sci. 179, 298). The search range is a bit
more than the longer of the two shortest lattice vectors: a defect that hops to the next site of
its sublattice is followed, one that appears further away is new. Where so many defects are in
reach of each other that the assignment would take too long, the range shrinks (trackpy's adaptive
search).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.optional_packages import load_package

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import Region

RANGE_PERIODS = 1.2
"""Search range in units of the longer base vector."""
MEMORY = 1
"""Frames for which a defect may be missed without ending its track."""
_SHRINK, _LEAST_SHARE = 0.9, 0.2
_DEFAULT_RANGE_PX = 16.0


@dataclass(frozen=True)
class Spot:
    """A point defect in one frame, as part of a track.

    Attributes
    ----------
    track : int
        Number of the track, from 1.
    frame : int
        Index of the frame.
    class_name : str
    region : int
        Number of the region within class and frame.
    y_px, x_px : float
        Position in the frame, px: the measured site where there is one, else the centroid.
    y_fixed_px, x_fixed_px : float
        Position on the specimen, px of the first frame: the drift is taken out.
    """

    track: int
    frame: int
    class_name: str
    region: int
    y_px: float
    x_px: float
    y_fixed_px: float
    x_fixed_px: float


def search_range_px(vectors_px: NDArray[np.float64] | None) -> float:
    """Return how far a defect may be from one frame to the next.

    Parameters
    ----------
    vectors_px : ndarray of float64, shape (2, 2), or None
        The two shortest lattice vectors (y, x) in px.

    Returns
    -------
    float
        In px; a default of 16 px where there is no lattice.
    """
    if vectors_px is None:
        return _DEFAULT_RANGE_PX
    return RANGE_PERIODS * float(np.linalg.norm(vectors_px, axis=1).max())


def link_defects(
    regions: Mapping[int, Sequence[Region]],
    drift_px: Mapping[int, NDArray[np.float64]],
    range_px: float,
    *,
    memory: int = MEMORY,
) -> list[Spot]:
    """Link the point defects of each class to tracks.

    Parameters
    ----------
    regions : mapping of int to sequence of Region
        The regions of each frame searched; those that are no points are left out.
    drift_px : mapping of int to ndarray of float64, shape (2,)
        Drift (y, x) of each frame, px.
    range_px : float
        Search range, px.
    memory : int
        Frames for which a defect may be missed without ending its track.

    Returns
    -------
    list of Spot
        In the order of frames.

    Raises
    ------
    InputError
        trackpy is not installed.
    """
    classes = {r.class_name for each in regions.values() for r in each if r.kind == "point"}
    spots: list[Spot] = []
    for name in sorted(classes):
        first = 1 + max((spot.track for spot in spots), default=0)
        points = {
            frame: [r for r in regions[frame] if r.kind == "point" and r.class_name == name]
            for frame in sorted(regions)
        }
        spots += _link_class(points, drift_px, range_px, memory, first)
    return sorted(spots, key=lambda spot: (spot.frame, spot.track))


def position_px(region: Region) -> tuple[float, float]:
    """Return the position (y, x) of a point defect in px: its measured site, if there is one.

    Parameters
    ----------
    region : Region

    Returns
    -------
    (float, float)
    """
    y, x = region.site_y_px, region.site_x_px
    return (region.y_px, region.x_px) if y is None or x is None else (y, x)


def _link_class(
    points: Mapping[int, Sequence[Region]],
    drift_px: Mapping[int, NDArray[np.float64]],
    range_px: float,
    memory: int,
    first: int,
) -> list[Spot]:
    linking = load_package("trackpy.linking", "trackpy", "linking of defects over time")
    logging.getLogger("trackpy").setLevel(logging.WARNING)  # it prints a line for every frame
    found = {
        frame: np.array([*map(position_px, each)]).reshape(-1, 2) for frame, each in points.items()
    }
    fixed = {frame: found[frame] - drift_px[frame] for frame in points}
    linked = linking.link_iter(
        # Frames are numbered without gaps: what lies between was not searched.
        enumerate(fixed.values()),
        range_px,
        memory=memory,
        adaptive_stop=_LEAST_SHARE * range_px,
        adaptive_step=_SHRINK,
    )
    return [
        Spot(first + int(number), frame, region.class_name, region.region, *at, *place)
        for frame, (_, numbers) in zip(points, linked, strict=True)
        for number, region, at, place in zip(
            numbers, points[frame], found[frame].tolist(), fixed[frame].tolist(), strict=True
        )
    ]


def distance_px(first: Spot, second: Spot) -> float:
    """Return how far a defect has moved on the specimen, px.

    Parameters
    ----------
    first, second : Spot

    Returns
    -------
    float
    """
    return math.hypot(second.y_fixed_px - first.y_fixed_px, second.x_fixed_px - first.x_fixed_px)
