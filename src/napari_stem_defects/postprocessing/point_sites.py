"""Sites of point defects: peaks of the evidence of a class, one within the size of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima

from napari_stem_defects.postprocessing.connected_components import EIGHT_CONNECTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

SEPARATION_PX = 16.0
"""Least distance of two point defects in px of a model that states no other.

The windows of one defect lie within the label extent of it, 8 px: peaks that are less than twice
as far apart can belong to one column.
"""

# Standard deviation of the Gaussian that sums up the evidence around a peak, in separations.
_EVIDENCE_SIGMA = 0.25


class Sites(NamedTuple):
    """The defects of one class in the grid of windows.

    Attributes
    ----------
    windows : ndarray of int, shape (N, 2)
        Row and column of the window of each defect, by decreasing evidence.
    joined : ndarray of int, shape (M, 2, 2)
        Pairs of windows, a fragment and its site, that belong to one defect and do not touch.
    """

    windows: NDArray[np.intp]
    joined: NDArray[np.intp]


def find_sites(
    map: ProbabilityMap,
    values: NDArray[np.float32],
    passing: NDArray[np.bool_],
    prominence: float,
    separation_px: float,
) -> Sites:
    """Find the defects of a class by non-maximum suppression.

    Candidates are the peaks of the probability that stand out by the prominence; a fragment
    (windows that touch) without one has its highest window. By decreasing evidence, the probability
    summed over the surroundings, each becomes a site unless one lies within the separation.

    Parameters
    ----------
    map : ProbabilityMap
        For the centres of the windows.
    values : ndarray of float32, shape (gy, gx)
        Probability of the class.
    passing : ndarray of bool, shape (gy, gx)
        The windows that reach the threshold.
    prominence : float
        Dip of the probability between two peaks of two defects.
    separation_px : float
        Least distance of two defects in px of the image.

    Returns
    -------
    Sites
        Empty where no window passes.
    """
    if not passing.any():
        return Sites(np.zeros((0, 2), np.intp), np.zeros((0, 2, 2), np.intp))
    fragments, _ = ndimage.label(passing, EIGHT_CONNECTED)
    windows = _candidates(values, passing, fragments, prominence)
    evidence = _evidence(map, values * passing, separation_px)[tuple(windows.T)]
    # Equal evidence is ordered by position, so that the result does not depend on chance.
    windows = windows[np.lexsort((windows[:, 1], windows[:, 0], -evidence))]
    places = map.centres_of(windows)
    sites: list[int] = []
    joined: list[tuple[int, int]] = []
    for number, place in enumerate(places):
        away = np.hypot(*(places[sites] - place).T) if sites else np.zeros(0)
        if not len(away) or away.min() >= separation_px:
            sites.append(number)
        else:
            joined.append((number, sites[int(away.argmin())]))
    pairs = windows[np.array(joined, np.intp).reshape(-1, 2)]
    fragment_of = fragments[pairs[..., 0], pairs[..., 1]]
    return Sites(windows[sites], pairs[fragment_of[:, 0] != fragment_of[:, 1]])


def _candidates(
    values: NDArray[np.float32],
    passing: NDArray[np.bool_],
    fragments: NDArray[np.int32],
    prominence: float,
) -> NDArray[np.intp]:
    """Return the windows (N, 2) of peaks, and the highest of each fragment without one."""
    peaks, count = ndimage.label(passing & (h_maxima(values, prominence) > 0), EIGHT_CONNECTED)
    tops = _middles(peaks, count)
    with_peak = np.zeros(int(fragments.max()) + 1, bool)
    with_peak[fragments[tuple(tops.T)]] = True
    without = np.flatnonzero(~with_peak[1:]) + 1
    if not len(without):
        return tops
    highest = ndimage.maximum_position(values, fragments, without)
    return np.concatenate([tops, np.array(highest, np.intp).reshape(-1, 2)])


def _middles(labels: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Return the member (N, 2) of each component that is nearest to its centroid."""
    members, number = np.argwhere(labels), labels[labels > 0]
    size = np.bincount(number, minlength=count + 1)[1:]
    sums = [np.bincount(number, members[:, axis], count + 1)[1:] for axis in (0, 1)]
    middle = np.column_stack(sums) / np.maximum(size, 1)[:, None]
    away = ((members - middle[number - 1]) ** 2).sum(axis=1)
    order = np.lexsort((away, number))
    first = np.flatnonzero(np.diff(number[order], prepend=0))
    chosen: NDArray[np.intp] = members[order[first]]
    return chosen


def _evidence(
    map: ProbabilityMap, values: NDArray[np.float32], separation_px: float
) -> NDArray[np.float32]:
    steps = [np.diff(centres).mean() if len(centres) > 1 else np.inf for centres in (map.y, map.x)]
    sigma = [_EVIDENCE_SIGMA * separation_px / step for step in steps]
    found: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, mode="constant")
    return found
