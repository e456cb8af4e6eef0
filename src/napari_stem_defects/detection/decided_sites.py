"""Point defects decided by the evidence at their own site, not by where windows happen to lie.

The scan finds candidates; whether one is a defect is decided once, with the window centred on it
(`inference.site_evidence`). One site has one name: of candidates of several classes within the size
of a column, the one with the most evidence leaves the others the rest of its probability. The
probabilities of the windows around a candidate are shifted so that their peak is the one decided,
and everything drawn and counted from the map agrees with it, at any threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import KDTree
from scipy.special import expit, logit

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.lattice.scale import scale_positions
from napari_stem_defects.lattice.site_measurement import measure_site
from napari_stem_defects.postprocessing.masks import PROMINENCE
from napari_stem_defects.postprocessing.point_sites import find_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.detection.teacher_evidence import TeacherEvidence
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import ProbabilityMap
    from napari_stem_defects.preprocessing.tiled import FilteredImage

CANDIDATE = 0.2
"""Probability of a window from which its place is a candidate."""

CERTAIN = 0.999
"""Probability of a window from which nothing is left to decide."""

_RIM_LOGIT = 3.0
"""What the logit of a site within half a column of the border is lowered by.

Half of the window is empty there. A column that the border cuts off looks missing in twenty times
as many of the places as elsewhere.
"""

_MOST_LOGIT = 12.0
_CROSS = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)], float)


@dataclass(frozen=True)
class SearchedImage:
    """One frame in the forms that its candidates are decided with.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The frame, with bright columns.
    cells : sequence of UnitCell
        Its lattices.
    filtered : FilteredImage
        The frame at the pixel size of the ensemble.
    factor : (float, float)
        Magnification from the frame to the filtered image along y and x.
    separation_px : float
        Least distance of two defects, the size of a column, in px of the frame.
    teacher : TeacherEvidence, optional
        Of the quick model that taught the networks.
    """

    pixels: NDArray[np.float32]
    cells: Sequence[UnitCell]
    filtered: FilteredImage
    factor: tuple[float, float]
    separation_px: float
    teacher: TeacherEvidence | None = None


class Candidates(NamedTuple):
    """Candidates of one class.

    Attributes
    ----------
    places : ndarray of float64, shape (N, 2)
        Centres (y, x) of their windows in px of the frame.
    sites : ndarray of float64, shape (N, 2)
        The columns that they are about, in px of the frame.
    found, decided : ndarray of float64, shape (N,)
        Logits of the scan and at the site.
    """

    places: NDArray[np.float64]
    sites: NDArray[np.float64]
    found: NDArray[np.float64]
    decided: NDArray[np.float64]


def decide_sites(
    found: ProbabilityMap,
    image: SearchedImage,
    ensemble: Ensemble,
    thresholds: Mapping[str, float],
    device: str,
) -> ProbabilityMap:
    """Return probabilities whose point defects are decided at their sites.

    Parameters
    ----------
    found : ProbabilityMap
        Of the windows of a scan.
    image : SearchedImage
    ensemble : Ensemble
        Networks.
    thresholds : mapping of str to float
        Of all classes; evidence is compared relative to them.
    device : str
        A torch device name.

    Returns
    -------
    ProbabilityMap
        Changed for point classes around candidates that the scan leaves open.

    Raises
    ------
    InputError
        The machine does not have enough memory for even a few windows.
    """
    points = [each.name for each in found.class_data if each.kind == "point" and each.name != BULK]
    every = {name: _candidates(found, name, image, ensemble, device) for name in points}
    limits = {name: float(_logit(np.array(thresholds[name]))) for name in points}
    probability = found.probability.copy()
    for name, decided in _one_name_each(every, limits, image.separation_px).items():
        values = probability[found.classes.index(name)]
        values[:] = _shifted(found, values, every[name], decided, image.separation_px)
    return replace(found, probability=probability)


def _candidates(
    found: ProbabilityMap, class_name: str, image: SearchedImage, ensemble: Ensemble, device: str
) -> Candidates:
    values, reach = found.probability[found.classes.index(class_name)], image.separation_px
    passing = found.valid & (values >= CANDIDATE)
    windows = find_sites(found, values, passing, PROMINENCE, reach).windows
    places, peaks = _centres(found, windows), values[tuple(windows.T)]
    sites = np.array([_middle(found, values, place, reach) for place in places]).reshape(-1, 2)
    decided = _logit(peaks)
    undecided = np.flatnonzero(peaks < CERTAIN)
    if len(undecided):

        def evidence(at: NDArray[np.float64]) -> NDArray[np.float64]:
            return _evidence(image, ensemble, class_name, at, device)

        columns = [_column(image, place) for place in places[undecided]]
        middles, step = sites[undecided], _step(found)
        if step > reach / 2:  # a coarse scan leaves a defect between its windows
            middles = _nearer(middles, step / 3, evidence)
        at, logits = _strongest(middles, np.array(columns), reach / 4, evidence)
        sites[undecided], decided[undecided] = at, logits - _RIM_LOGIT * _in_rim(image, at)
    return Candidates(places, sites, _logit(peaks), decided)


def _step(found: ProbabilityMap) -> float:
    """Return the larger distance of two windows of a scan in px of the frame."""
    return max(
        float(np.diff(centres).mean()) if len(centres) > 1 else 0.0
        for centres in (found.y, found.x)
    )


def _nearer(
    middles: NDArray[np.float64],
    step_px: float,
    evidence: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the place with the most evidence of nine around each middle (N, 2)."""
    steps = step_px * np.arange(-1, 2)
    around = middles[:, None] + np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    best = evidence(around.reshape(-1, 2)).reshape(len(middles), -1).argmax(axis=1)
    nearer: NDArray[np.float64] = around[np.arange(len(around)), best]
    return nearer


def _strongest(
    middles: NDArray[np.float64],
    columns: NDArray[np.float64],
    step_px: float,
    evidence: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sites (N, 2) and logits (N,): around the middle of the evidence, or at a column.

    What is no column, as the junction of two faults, is not where one is measured.
    """
    around = middles[:, None] + step_px * _CROSS
    logits = evidence(around.reshape(-1, 2)).reshape(-1, len(_CROSS)).mean(axis=1)
    at_column = np.full(len(middles), -np.inf)
    measured = np.isfinite(columns).all(axis=1)
    at_column[measured] = evidence(columns[measured])
    better = at_column > logits
    return np.where(better[:, None], columns, middles), np.where(better, at_column, logits)


def _centres(found: ProbabilityMap, windows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the centres (N, 2) of windows in px of the frame."""
    return np.column_stack([found.y[windows[:, 0]], found.x[windows[:, 1]]]).astype(np.float64)


def _middle(
    found: ProbabilityMap, values: NDArray[np.float32], place: NDArray[np.float64], reach_px: float
) -> NDArray[np.float64]:
    """Return the centre (y, x) of the evidence around a window, finer than the step."""
    rows, columns = (
        np.flatnonzero(np.abs(axis - middle) <= reach_px)
        for axis, middle in zip((found.y, found.x), place, strict=True)
    )
    weights = values[np.ix_(rows, columns)].astype(np.float64)
    moments = weights.sum(1) @ found.y[rows], weights.sum(0) @ found.x[columns]
    middle: NDArray[np.float64] = np.array(moments) / weights.sum()
    return middle


def _column(image: SearchedImage, place: NDArray[np.float64]) -> tuple[float, float]:
    """Return the column (y, x) nearest to a place that differs from its like; NaN without one."""
    measured = measure_site(image.pixels, image.cells, (place[0], place[1]))
    return (np.nan, np.nan) if measured is None else (measured.y_px, measured.x_px)


def _evidence(
    image: SearchedImage,
    ensemble: Ensemble,
    class_name: str,
    sites: NDArray[np.float64],
    device: str,
) -> NDArray[np.float64]:
    """Return the logits (N,) of a class at sites (N, 2)."""
    # Imported here so that panels can use the package without loading torch.
    from napari_stem_defects.inference.site_evidence import site_probabilities

    at_sites = np.column_stack(
        [scale_positions(sites[:, axis], image.factor[axis]) for axis in range(2)]
    )
    probability = site_probabilities(image.filtered, ensemble, class_name, at_sites, device)
    if image.teacher is not None:
        probability = image.teacher.at_sites(class_name, probability, sites)
    return _logit(probability)


def _in_rim(image: SearchedImage, sites: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which sites (N, 2) lie within half a column of the border."""
    last = np.array(image.pixels.shape) - 1
    to_border = np.minimum(sites, last - sites).min(axis=1)
    inside: NDArray[np.bool_] = to_border < image.separation_px / 2
    return inside


def _one_name_each(
    every: Mapping[str, Candidates], limits: Mapping[str, float], separation_px: float
) -> dict[str, NDArray[np.float64]]:
    """Return the logits of all candidates where one site has one name.

    By decreasing evidence above the threshold, each leaves candidates of other classes within the
    separation the rest of its probability.
    """
    if not every:
        return {}
    names = [name for name, each in every.items() for _ in each.places]
    sites = np.concatenate([each.sites for each in every.values()])
    logits = np.concatenate([each.decided for each in every.values()])
    above = logits - np.array([limits[name] for name in names])
    rivals: dict[int, list[int]] = {}
    for first, second in KDTree(sites).query_pairs(separation_px):
        if names[first] != names[second]:
            winner, loser = (first, second) if above[first] >= above[second] else (second, first)
            rivals.setdefault(winner, []).append(loser)
    for winner in sorted(rivals, key=lambda number: -above[number]):
        left = expit(-logits[winner])
        for loser in rivals[winner]:
            logits[loser] = _logit(np.array(left * expit(logits[loser])))
    ends = np.cumsum([len(each.places) for each in every.values()])
    return dict(zip(every, np.split(logits, ends[:-1]), strict=True))


def _shifted(
    found: ProbabilityMap,
    values: NDArray[np.float32],
    candidates: Candidates,
    decided: NDArray[np.float64],
    separation_px: float,
) -> NDArray[np.float32]:
    """Return the probabilities with the logits around each candidate shifted by its own shift."""
    shift = decided - candidates.found
    if not shift.any():
        return values
    windows = np.argwhere(values >= CANDIDATE / 4)
    reach = 2 * separation_px
    away, nearest = KDTree(candidates.places).query(
        _centres(found, windows), distance_upper_bound=reach
    )
    moved = np.isfinite(away)
    moved[moved] = shift[nearest[moved]] != 0
    at = tuple(windows[moved].T)
    changed = values.copy()
    changed[at] = expit(_logit(values[at]) + shift[nearest[moved]])
    return changed


def _logit(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    lowest = float(expit(-_MOST_LOGIT))
    result: NDArray[np.float64] = logit(np.clip(probability.astype(np.float64), lowest, 1 - lowest))
    return result
