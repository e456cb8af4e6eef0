"""What happens to defects over time: births, deaths, hops, residence times, counts.

A hop is a displacement of more than half the shortest lattice vector from where the defect has
been, which is the median of its positions since its last hop. A rate of events is their number
divided by the time in which they could be observed, the exposure, with the mid-p interval of a
Poisson count; tracks that begin or end with the movie or at the edge of the view count with the
time for which they were seen (censored observations; for exponential waiting times this is the
maximum-likelihood estimate).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.statistics.rates import Estimate, Observed, rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.tracking.linking import Spot

HOP_SHARE = 0.5
"""Displacement of a hop in units of the shortest lattice vector."""
_DEFAULT_HOP_PX = 6.0


@dataclass(frozen=True)
class Hop:
    """A jump of a defect to another site.

    Attributes
    ----------
    track : int
    class_name : str
    from_frame, to_frame : int
        The last frame before it, and the first after it.
    dy_px, dx_px : float
        From the site before to the position after it, drift taken out, px.
    steps_a, steps_b : float or None
        The same in units of the two shortest lattice vectors; None without a lattice.
    """

    track: int
    class_name: str
    from_frame: int
    to_frame: int
    dy_px: float
    dx_px: float
    steps_a: float | None
    steps_b: float | None

    @property
    def length_px(self) -> float:
        """Length of the jump, px."""
        return float(np.hypot(self.dy_px, self.dx_px))


@dataclass(frozen=True)
class History:
    """The life of one defect.

    Attributes
    ----------
    track : int
    class_name : str
    first_frame, last_frame : int
        Frames in which it was seen first and last.
    seen : int
        Number of frames in which it was found; fewer than it lived where it was missed.
    lived : int
        Number of searched frames from the first to the last.
    birth : {"start", "entered", "born"}
        It was there in the first frame; it came into view; it appeared.
    death : {"end", "left", "died"}
        It was there in the last frame; it went out of view; it disappeared.
    hops : int
    net_px : float
        Distance between its first and its last position on the specimen, px.
    """

    track: int
    class_name: str
    first_frame: int
    last_frame: int
    seen: int
    lived: int
    birth: str
    death: str
    hops: int
    net_px: float


@dataclass(frozen=True)
class ClassDynamics:
    """Rates of one class, per step from frame to frame.

    Attributes
    ----------
    class_name : str
    tracks : int
    births, deaths, hops : int
        Events seen; arrivals and departures at the edges of the view do not count.
    exposure : int
        Steps from frame to frame through which defects were followed.
    birth_rate : Estimate
        Births per step in the whole view, with the interval at 95 %.
    death_rate, hop_rate : Estimate
        Per step and defect, with the interval at 95 %.
    lifetime : Estimate
        Mean time until a death in steps, 1 / death rate; without an upper end where none was seen.
    residence : Estimate
        Mean time between hops in steps, 1 / hop rate; without an upper end where no hop was seen.
    """

    class_name: str
    tracks: int
    births: int
    deaths: int
    hops: int
    exposure: int
    birth_rate: Estimate
    death_rate: Estimate
    hop_rate: Estimate
    lifetime: Estimate
    residence: Estimate


@dataclass(frozen=True)
class FrameCount:
    """Number of defects of a class in a frame.

    Attributes
    ----------
    frame : int
    class_name : str
    count : Estimate
        With the mid-p interval of a Poisson count at 95 %.
    births, deaths : int
        Tracks that appear in this frame, or were seen last in the one before.
    """

    frame: int
    class_name: str
    count: Estimate
    births: int = 0
    deaths: int = 0


def find_hops(
    spots: Sequence[Spot], vectors_px: NDArray[np.float64] | None
) -> dict[int, list[Hop]]:
    """Find the hops of all tracks.

    Parameters
    ----------
    spots : sequence of Spot
        In the order of frames.
    vectors_px : ndarray of float64, shape (2, 2), or None
        The two shortest lattice vectors (y, x) in px.

    Returns
    -------
    dict of int to list of Hop
        By track; tracks without a hop are left out.
    """
    least = _DEFAULT_HOP_PX
    if vectors_px is not None:
        least = HOP_SHARE * float(np.linalg.norm(vectors_px, axis=1).min())
    found: dict[int, list[Hop]] = {}
    for track, points in by_track(spots).items():
        stay = [points[0]]
        for point in points[1:]:
            y, x = (
                median(getattr(each, axis) for each in stay)
                for axis in ("y_fixed_px", "x_fixed_px")
            )
            jump = np.array([point.y_fixed_px - y, point.x_fixed_px - x])
            if np.linalg.norm(jump) <= least:
                stay.append(point)
                continue
            a = b = None
            if vectors_px is not None:
                a, b = map(float, np.linalg.solve(vectors_px.T, jump))
            dy, dx = map(float, jump)
            hop = Hop(track, point.class_name, stay[-1].frame, point.frame, dy, dx, a, b)
            found.setdefault(track, []).append(hop)
            stay = [point]
    return found


def make_histories(
    spots: Sequence[Spot],
    hops: Mapping[int, Sequence[Hop]],
    frames: Sequence[int],
    frame_shape: tuple[int, int],
    margin_px: float,
) -> list[History]:
    """Return the history of every track.

    Parameters
    ----------
    spots : sequence of Spot
        In the order of frames.
    hops : mapping of int to sequence of Hop
        By track.
    frames : sequence of int
        The frames searched, in order.
    frame_shape : (int, int)
        Height and width of a frame in px.
    margin_px : float
        A defect that is seen first or last within this distance of the edge of a frame has come
        into view, or gone out of it.

    Returns
    -------
    list of History
        In the order of tracks.
    """
    place = {frame: index for index, frame in enumerate(frames)}
    histories = []
    for track, points in sorted(by_track(spots).items()):
        first, last = points[0], points[-1]
        birth = "entered" if _at_edge(first, frame_shape, margin_px) else "born"
        death = "left" if _at_edge(last, frame_shape, margin_px) else "died"
        histories.append(
            History(
                track,
                first.class_name,
                first.frame,
                last.frame,
                len(points),
                place[last.frame] - place[first.frame] + 1,
                "start" if first.frame == frames[0] else birth,
                "end" if last.frame == frames[-1] else death,
                len(hops.get(track, ())),
                float(
                    np.hypot(last.y_fixed_px - first.y_fixed_px, last.x_fixed_px - first.x_fixed_px)
                ),
            )
        )
    return histories


def class_dynamics(histories: Sequence[History], frames: int) -> list[ClassDynamics]:
    """Return the rates of events of each class.

    Parameters
    ----------
    histories : sequence of History
    frames : int
        Number of frames searched.

    Returns
    -------
    list of ClassDynamics
        In the order of names.
    """
    found = []
    for name in sorted({each.class_name for each in histories}):
        mine = [each for each in histories if each.class_name == name]
        deaths = sum(each.death == "died" for each in mine)
        hops = sum(each.hops for each in mine)
        # A death is seen at the step after the last frame in which the defect was found.
        exposure = sum(each.lived - 1 + (each.death == "died") for each in mine)
        births = sum(each.birth == "born" for each in mine)
        death_rate, hop_rate = _rate(deaths, exposure), _rate(hops, exposure)
        found.append(
            ClassDynamics(
                name,
                len(mine),
                births,
                deaths,
                hops,
                exposure,
                _rate(births, frames - 1),
                death_rate,
                hop_rate,
                _mean_time(death_rate),
                _mean_time(hop_rate),
            )
        )
    return found


def count_frames(
    counts: Mapping[int, Mapping[str, int]], histories: Sequence[History]
) -> list[FrameCount]:
    """Return counts with their intervals, births and deaths, frame by frame.

    Parameters
    ----------
    counts : mapping of int to mapping of str to int
        Number of regions of each class, by frame, in the order of frames.
    histories : sequence of History

    Returns
    -------
    list of FrameCount
        One per frame and class.
    """
    frames = list(counts)
    following = dict(itertools.pairwise(frames))
    births: dict[tuple[int, str], int] = defaultdict(int)
    deaths: dict[tuple[int, str], int] = defaultdict(int)
    for each in histories:
        if each.birth == "born":
            births[each.first_frame, each.class_name] += 1
        if each.death == "died" and each.last_frame in following:
            deaths[following[each.last_frame], each.class_name] += 1
    known: dict[int, Estimate] = {}
    found = []
    for frame, by_class in counts.items():
        for name, count in by_class.items():
            if count not in known:
                known[count] = _rate(count, 1)
            key = frame, name
            found.append(FrameCount(frame, name, known[count], births[key], deaths[key]))
    return found


def by_track(spots: Sequence[Spot]) -> dict[int, list[Spot]]:
    """Return spots by their track, in the order of frames.

    Parameters
    ----------
    spots : sequence of Spot
        In the order of frames.

    Returns
    -------
    dict of int to list of Spot
    """
    found: dict[int, list[Spot]] = defaultdict(list)
    for spot in spots:
        found[spot.track].append(spot)
    return dict(found)


def _at_edge(spot: Spot, shape: tuple[int, int], margin_px: float) -> bool:
    height, width = shape
    return not (
        margin_px <= spot.y_px <= height - 1 - margin_px
        and margin_px <= spot.x_px <= width - 1 - margin_px
    )


def _rate(count: int, exposure: float) -> Estimate:
    if exposure <= 0:
        return Estimate(None, None, None)
    return rate([Observed((1.0,) * count, float(exposure))])


def _mean_time(rate_of_events: Estimate) -> Estimate:
    return Estimate(
        _inverse(rate_of_events.value), _inverse(rate_of_events.high), _inverse(rate_of_events.low)
    )


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None
