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
from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.detection.site_search import best_of_nine, find_maxima, mean_around
from napari_stem_defects.lattice.scale import scale_positions
from napari_stem_defects.lattice.site_measurement import find_site
from napari_stem_defects.postprocessing.masks import PROMINENCE
from napari_stem_defects.postprocessing.point_sites import find_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.detection.site_search import Evidence, Maxima
    from napari_stem_defects.detection.survey_evidence import SurveyEvidence
    from napari_stem_defects.detection.teacher_evidence import TeacherEvidence
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import ProbabilityMap
    from napari_stem_defects.preprocessing.tiled import FilteredImage

CANDIDATE = 0.1
"""Probability of a window from which its place is a candidate.

Far below the thresholds, because the nearest window of a scan shows less than the site itself;
lower by the square of the step where that is coarser than half a column, but for `_FAINTEST`.
"""
_FAINTEST = 0.02

CERTAIN = 0.999
"""Probability of a window from which nothing is left to decide."""

_RIM_LOGIT = 3.0
"""What the logit of a site within a quarter of a column of the border is lowered by.

Half of the window is empty there. A column that the border cuts off looks missing in twenty times
as many of the places as elsewhere. From there to half a column it falls to nothing.
"""

_OPEN = 3.0
"""Logit around the threshold within which a column is sought at the evidence itself, too."""

_CLOSE = 2.0
"""Difference of logits above the thresholds up to which two names are compared at one place."""

_MOST_LOGIT = 12.0


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
    survey : SurveyEvidence, optional
        Where the image is unusual, for names that are given nowhere else.
    """

    pixels: NDArray[np.float32]
    cells: Sequence[UnitCell]
    filtered: FilteredImage
    factor: tuple[float, float]
    separation_px: float
    teacher: TeacherEvidence | None = None
    survey: SurveyEvidence | None = None


class Candidates(NamedTuple):
    """Candidates of one class.

    Attributes
    ----------
    places : ndarray of float64, shape (N, 2)
        Centres (y, x) of their windows in px of the frame.
    sites : ndarray of float64, shape (N, 2)
        Where the evidence is, in px of the frame.
    columns : ndarray of float64, shape (N, 2)
        The columns that are measured there, in px of the frame; NaN without one.
    found, decided : ndarray of float64, shape (N,)
        Logits of the scan and at the site.
    """

    places: NDArray[np.float64]
    sites: NDArray[np.float64]
    columns: NDArray[np.float64]
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
    limits = {name: float(_logit(np.array(thresholds[name]))) for name in points}
    evidence = {name: _evidence(image, ensemble, name, device) for name in points}
    columns = _Columns(image)
    every = {
        name: _candidates(found, name, limits[name], columns, evidence[name]) for name in points
    }
    probability = found.probability.copy()

    def at_one_place(name: str, place: NDArray[np.float64]) -> float:
        return float(mean_around(place[None], image.separation_px / 4, evidence[name])[0])

    for name, decided in _one_name_each(every, limits, image.separation_px, at_one_place).items():
        values = probability[found.classes.index(name)]
        values[:] = _shifted(found, values, every[name], decided, image.separation_px)
    return replace(found, probability=probability)


def _candidates(
    found: ProbabilityMap,
    class_name: str,
    limit: float,
    measured: _Columns,
    evidence: Evidence,
) -> Candidates:
    values, image = found.probability[found.classes.index(class_name)], measured.image
    reach, step = image.separation_px, _step(found)
    is_coarse = step > reach / 2  # such a scan leaves a defect between its windows
    passing = found.valid & (values >= _lowest(found, reach))
    windows = find_sites(found, values, passing, PROMINENCE, reach).windows
    places, peaks = found.centres_of(windows), values[tuple(windows.T)]
    sites = np.array([_middle(found, values, place, reach) for place in places]).reshape(-1, 2)
    decided, columns = _logit(peaks), np.full((len(places), 2), np.nan)
    undecided = np.flatnonzero(peaks < CERTAIN)
    if len(undecided):
        columns[undecided] = measured.nearest(places[undecided])
        middles = sites[undecided]
        if is_coarse:
            middles = best_of_nine(middles, step / 3, evidence)
        maxima = find_maxima(middles, decided[undecided], reach / 4, limit, evidence)
        # Where the window of a candidate lies depends on the step, where its evidence is does not.
        is_open = np.abs(maxima.logits - limit) < _OPEN
        unseen = is_open & np.isnan(columns[undecided]).any(axis=1)
        if unseen.any():
            columns[undecided[unseen]] = measured.nearest(maxima.places[unseen])
        logits = _stronger(maxima, columns[undecided], evidence)
        sites[undecided] = maxima.places
        decided[undecided] = logits - _rim(image, maxima.places)
    if image.survey is not None:
        decided -= image.survey.penalty(sites)
    return Candidates(places, sites, columns, _logit(peaks), decided)


def _lowest(found: ProbabilityMap, separation_px: float) -> float:
    """Return the probability of a window from which its place is a candidate."""
    share = separation_px / 2 / max(_step(found), 1e-9)
    return max(_FAINTEST, CANDIDATE * min(1.0, share**2))


def _step(found: ProbabilityMap) -> float:
    """Return the larger distance of two windows of a scan in px of the frame."""
    return max(
        float(np.diff(centres).mean()) if len(centres) > 1 else 0.0
        for centres in (found.y, found.x)
    )


def _stronger(
    maxima: Maxima, columns: NDArray[np.float64], evidence: Evidence
) -> NDArray[np.float64]:
    """Return the logits (N,) at maxima of the evidence, or at columns (N, 2) where it is more.

    What is no column, as the junction of two faults, is not where one is measured.
    """
    at_column = np.full(len(columns), -np.inf)
    measured = np.isfinite(columns).all(axis=1)
    at_column[measured] = evidence(columns[measured])
    stronger: NDArray[np.float64] = np.maximum(maxima.logits, at_column)
    return stronger


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


class _Columns:
    """Columns that differ from their like; the same place is measured once for all classes."""

    def __init__(self, image: SearchedImage) -> None:
        self.image = image
        self._found: dict[tuple[float, float], tuple[float, float]] = {}

    def nearest(self, places: NDArray[np.float64]) -> list[tuple[float, float]]:
        """Return the columns (y, x) nearest to places (N, 2); NaN without one."""
        every = [(y, x) for y, x in places.tolist()]
        new = list(dict.fromkeys(place for place in every if place not in self._found))
        found = for_each(find_site, self.image.pixels, self.image.cells, new)
        for place, site in zip(new, found, strict=True):
            self._found[place] = (np.nan, np.nan) if site is None else site
        return [self._found[place] for place in every]


def _evidence(image: SearchedImage, ensemble: Ensemble, class_name: str, device: str) -> Evidence:
    """Return the function that gives the logits (N,) of a class at sites (N, 2)."""
    # Imported here so that panels can use the package without loading torch.
    from napari_stem_defects.inference.site_evidence import SiteEvidence

    networks = SiteEvidence(image.filtered, ensemble, class_name, device)

    def logits(sites: NDArray[np.float64]) -> NDArray[np.float64]:
        at_sites = np.column_stack(
            [scale_positions(sites[:, axis], image.factor[axis]) for axis in range(2)]
        )
        probability = networks.probabilities(at_sites)
        if image.teacher is not None:
            probability = image.teacher.at_sites(class_name, probability, sites)
        return _logit(probability)

    return logits


def _rim(image: SearchedImage, sites: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the logits of sites (N, 2) are lowered by beside the border."""
    last = np.array(image.pixels.shape) - 1
    to_border = np.minimum(sites, last - sites).min(axis=1)
    half = image.separation_px / 2
    # Without a step, at which a fraction of a pixel would decide.
    share: NDArray[np.float64] = np.clip(2 - 2 * to_border / half, 0, 1)
    return _RIM_LOGIT * share


def _one_name_each(
    every: Mapping[str, Candidates],
    limits: Mapping[str, float],
    separation_px: float,
    at_one_place: Callable[[str, NDArray[np.float64]], float],
) -> dict[str, NDArray[np.float64]]:
    """Return the logits of all candidates where one site has one name.

    By decreasing evidence above the threshold, each leaves other candidates within the separation
    the rest of its probability. Two names that both reach their thresholds are compared at one
    place, because evidence at two places is no comparison of names. Of one name, what lies nearer
    to the site remains, unless the scan was certain of both.
    """
    if not every:
        return {}
    names = [name for name, each in every.items() for _ in each.places]
    sites = np.concatenate([each.sites for each in every.values()])
    columns = np.concatenate([each.columns for each in every.values()])
    logits = np.concatenate([each.decided for each in every.values()])
    above = logits - np.array([limits[name] for name in names])
    away = np.concatenate([np.hypot(*(each.places - each.sites).T) for each in every.values()])
    certain = np.concatenate([each.decided == each.found for each in every.values()])
    rivals: dict[int, list[int]] = {}
    for first, second in sorted(KDTree(sites).query_pairs(separation_px)):
        pair = [first, second]
        if names[first] == names[second]:
            if certain[pair].all():
                continue
            order = (-away[pair]).tolist()
        elif (above[pair] > 0).all() and abs(above[first] - above[second]) < _CLOSE:
            place = _one_place(sites[pair], columns[pair])
            order = [at_one_place(names[each], place) - limits[names[each]] for each in pair]
        else:
            order = above[pair].tolist()
        winner, loser = pair if order[0] >= order[1] else pair[::-1]
        rivals.setdefault(winner, []).append(loser)
    for winner in sorted(rivals, key=lambda number: -above[number]):
        left = expit(-logits[winner])
        for loser in rivals[winner]:
            logits[loser] = _logit(np.array(left * expit(logits[loser])))
    ends = np.cumsum([len(each.places) for each in every.values()])
    return dict(zip(every, np.split(logits, ends[:-1]), strict=True))


def _one_place(sites: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the column (y, x) that two candidates are about, or the middle of their sites."""
    measured = columns[np.isfinite(columns).all(axis=1)]
    place: NDArray[np.float64] = (measured if len(measured) else sites).mean(axis=0)
    return place


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
    windows = np.argwhere(values >= _lowest(found, separation_px) / 4)
    reach = 2 * separation_px
    away, nearest = KDTree(candidates.places).query(
        found.centres_of(windows), distance_upper_bound=reach
    )
    moved = np.isfinite(away)
    moved[moved] = shift[nearest[moved]] != 0
    at = tuple(windows[moved].T)
    changed, of = values.copy(), nearest[moved]
    shifted = _logit(values[at]) + shift[of]
    # A window of a higher candidate that lies nearer to this one would outlive both.
    within = away[moved] <= separation_px
    shifted[within] = np.minimum(shifted[within], decided[of[within]])
    changed[at] = expit(shifted)
    return changed


def _logit(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    lowest = float(expit(-_MOST_LOGIT))
    result: NDArray[np.float64] = logit(np.clip(probability.astype(np.float64), lowest, 1 - lowest))
    return result
