"""Point defects that crowd: each is left out of what its neighbours are predicted from.

Where one column in ten is missing, most predictions use windows with another missing column in
them. So the residual of a vacancy gets fainter and spreads to the columns beside it, and noise
made from such a residual reaches further than the vacancies do. Here, places that are unusual are
replaced by what the lattice predicts of them, the prediction is learned and applied again, and each
place is compared with what the others then predict, until no more places are found: robust
regression by leaving out what does not fit (Rousseeuw and Leroy, Robust Regression and Outlier
Detection, 1987, chapter 1), with places for observations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.beside_features import beside_features
from napari_stem_defects.anomaly.candidates import Candidate, ranked
from napari_stem_defects.anomaly.even_border import with_even_border
from napari_stem_defects.anomaly.like_places import like_places
from napari_stem_defects.anomaly.ordered_places import are_ordered
from napari_stem_defects.anomaly.residual import (
    SMOOTHING_PERIODS,
    lattice_residual,
    with_predicted,
    with_predictors,
)
from napari_stem_defects.anomaly.score import POINT_POOL, local_mean
from napari_stem_defects.anomaly.survey_limits import survey_limits
from napari_stem_defects.anomaly.unusual_places import score_of, unusual_places
from napari_stem_defects.base.disc import disc
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.candidates import CandidateKind, Sign
    from napari_stem_defects.anomaly.predictor import Predictor
    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.sampling import Sampled
    from napari_stem_defects.anomaly.survey_limits import SurveyLimits

_CROWD = 0.025
"""Places per lattice period squared from which on they crowd: the window of a prediction, three
periods wide, then has one of them in it in a fifth of all places."""
_FEWEST = 12
"""Places at least, so that noise beside the border of a few cells is no crowd."""
_RADIUS, _APART = 0.45, 0.5
"""Radius of a place, and least distance of two, in periods."""
_FAINT, _STRONG = 0.5, 0.9
"""Least level of a place in units of that of the strong ones, as long as these are not left out:
their sides have less. The strong ones are this quantile."""
_AROUND, _COVERED = 1.5, 0.55
"""Radius in periods of a disc, and the share of it that places cover in an unusual area."""
_UNLIKE, _FIRST = 1.4, 0.6
"""Where usual columns seem to differ by this factor, places may raise the noise so far that they
do not reach its limit: there the first ones need this level only."""
_STAND_OUT = 5.5
"""Places stand out if half of them differ from like places by as many spreads of these: 6 to 20
where columns are missing or dim, 1 to 5 where scan or thickness make all columns differ."""
_CLEAR = 2.0
"""Median level of places that are no noise and no differences between columns."""
_ROUNDS, _SETTLED = 4, 0.02
"""Rounds at most, and change of the number of places from which on no more is done."""
_LEARNED = 0.1
"""Change of the number of places from which on the prediction is learned again."""
_LOW = 0.6
"""Level down to which a place extends, as in `anomaly.candidates`."""
_LIMIT = 25.0
"""Largest residual in multiples of its spread, as in `anomaly.residual`."""


class LeftOutPlaces(NamedTuple):
    """Places that are left out of what the rest of an image is predicted from.

    Attributes
    ----------
    residual, rest : LatticeResidual
        Known as a whole: that of each place against a crystal without the others, and that of
        what is left when the places are replaced by what the lattice predicts of them.
    limits : SurveyLimits
        What the noise of the crystal between the places does not reach.
    unlimited : ndarray of float32, shape (Y, X)
        ``residual`` without its limit.
    """

    residual: LatticeResidual
    rest: LatticeResidual
    limits: SurveyLimits
    unlimited: NDArray[np.float32]


@dataclass(frozen=True)
class CrowdedPlaces:
    """What is unusual in an image whose point defects crowd.

    Attributes
    ----------
    score : ndarray of float32, shape (Y, X)
        Anomaly score of each sample, of places against a crystal without the others.
    candidates : tuple of Candidate
        Ranked, with lengths in samples.
    left_out : LeftOutPlaces
    """

    score: NDArray[np.float32]
    candidates: tuple[Candidate, ...]
    left_out: LeftOutPlaces

    @property
    def limits(self) -> SurveyLimits:
        """What the noise of the crystal between the places does not reach."""
        return self.left_out.limits


class _Compared(NamedTuple):
    """Places, compared with the crystal without them.

    ``values`` is the residual in multiples of its spread, ``rest`` the same with what is predicted
    in the places, ``residual`` that of the rest, ``limits`` what its noise does not reach, and
    ``unlimited`` are the values without a limit.
    """

    places: NDArray[np.intp]
    within: NDArray[np.bool_]
    values: NDArray[np.float32]
    rest: NDArray[np.float32]
    residual: LatticeResidual
    limits: SurveyLimits
    unlimited: NDArray[np.float32]


def crowded_places(
    residual: LatticeResidual,
    values: NDArray[np.float32],
    limits: SurveyLimits,
    candidates: Sequence[Candidate],
) -> CrowdedPlaces | None:
    """Find what is unusual in an image in which point defects crowd.

    Parameters
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X)
        The whole residual.
    limits : SurveyLimits
        What noise does not reach by this residual.
    candidates : sequence of Candidate
        What is unusual by these, in samples.

    Returns
    -------
    CrowdedPlaces or None
        None where point defects are few, so that they change nothing.
    """
    if not isinstance(residual.sampled.filtered, np.ndarray):
        return None
    samples, blocked = residual.sampled.samples, residual.blocked
    nowhere = np.zeros(residual.shape, bool) if blocked is None else blocked
    crowd = max(_CROWD * float((~nowhere).sum()) / samples**2, _FEWEST)
    found: _Compared | None = None
    others: Sequence[Candidate] = candidates
    predictors, learned = residual.predictors, 0
    # At first, points that crowd look like areas, and some like lines.
    kinds: tuple[CandidateKind, ...] = ("line",)
    least = _FIRST if limits.unlike_points >= _UNLIKE else 1.0
    for _ in range(_ROUNDS):
        beside = beside_features(others, kinds, residual.shape, samples)
        places = _places(values, limits, samples, nowhere | beside, least)
        if len(places) < crowd:
            return None
        before = 0 if found is None else len(found.places)
        if found is None and beside.any():
            # What is still a line, or an area, when its places are replaced is not made of them.
            places = _places(values, limits, samples, nowhere, least)
        if abs(len(places) - learned) > _LEARNED * len(places):
            predictors, learned = _learned_again(residual, predictors, places), len(places)
        found = _compared(residual, predictors, places)
        values, limits, least, kinds = found.values, found.limits, 1.0, ("line", "area")
        _, others = unusual_places(found.residual, found.rest, limits, nowhere)
        if abs(len(places) - before) <= _SETTLED * len(places):
            break
    # Where a weak column is missed in the cell, every second column seems to be a defect.
    if found is None or are_ordered(found.places, residual.sampled.lattices, values.shape, samples):
        return None
    if not _stand_out(residual, predictors, found.places, nowhere):
        return None
    return _result(found, others, residual.sampled)


def _stand_out(
    residual: LatticeResidual,
    predictors: tuple[Predictor, ...],
    places: NDArray[np.intp],
    nowhere: NDArray[np.bool_],
) -> bool:
    """Return whether places differ from the crystal more than like places that are left out, too.

    Whatever is left out fits less well than what the prediction knows. In a crystal whose columns
    all differ a little, the places would only be those that differ most.
    """
    like = like_places(places, residual.sampled.lattices, nowhere, residual.sampled.samples)
    if len(like) < _FEWEST:
        return False
    values = _left_out(residual, predictors, np.concatenate([places, like])).values
    mean = local_mean(values, POINT_POOL * residual.sampled.samples)
    away, usual = mean[tuple(places.T)], mean[tuple(like.T)]
    middle = float(np.median(usual))
    spread = 1.4826 * float(np.median(np.abs(usual - middle)))
    return bool(np.median(np.abs(away - middle)) > _STAND_OUT * spread)


def _result(
    found: _Compared, others: Sequence[Candidate], sampled: Sampled
) -> CrowdedPlaces | None:
    """Return the places and what else is unusual, or None if the places are hardly unusual.

    ``sampled`` is the image with its places.
    """
    level = found.limits.point_level(found.values, found.residual.sampled.samples)
    if np.median(level[tuple(found.places.T)]) < _CLEAR:
        return None
    score = score_of(found.residual, found.values, found.limits)
    points = _place_candidates(found, level / found.limits.unlike_points, score)
    return CrowdedPlaces(score, ranked((*others, *points)), _as_known(found, sampled))


def left_out_places(residual: LatticeResidual, places: NDArray[np.intp]) -> LeftOutPlaces:
    """Leave some places out of what the rest of an image is predicted from.

    Parameters
    ----------
    residual : LatticeResidual
        Of an image that is sampled as a whole.
    places : ndarray of int, shape (N, 2)
        y and x in samples.

    Returns
    -------
    LeftOutPlaces
    """
    predictors = _learned_again(residual, residual.predictors, places)
    return _as_known(_compared(residual, predictors, places), residual.sampled)


def _as_known(found: _Compared, sampled: Sampled) -> LeftOutPlaces:
    """Return what was compared, of an image that shows the places."""
    known, rest = (
        replace(found.residual, sampled=sampled, known=values)
        for values in (found.values, found.rest)
    )
    return LeftOutPlaces(known, rest, found.limits, found.unlimited)


def _learned_again(
    residual: LatticeResidual, predictors: tuple[Predictor, ...], places: NDArray[np.intp]
) -> tuple[Predictor, ...]:
    """Return filters that have learned from what others predict in some places."""
    within = _samples_within(places, residual.shape, residual.sampled.samples)
    mended = with_predicted(residual.sampled, predictors, within)
    return lattice_residual(mended, blocked=residual.blocked).predictors


class _LeftOut(NamedTuple):
    """What places are when they are left out: the first attributes of `_Compared`.

    ``even`` is the residual of the rest, ``unlimited`` the values without a limit.
    """

    within: NDArray[np.bool_]
    values: NDArray[np.float32]
    rest: NDArray[np.float32]
    even: LatticeResidual
    unlimited: NDArray[np.float32]


def _compared(
    residual: LatticeResidual, predictors: tuple[Predictor, ...], places: NDArray[np.intp]
) -> _Compared:
    """Compare places with what the crystal without them predicts."""
    found = _left_out(residual, predictors, places)
    limits = survey_limits(found.even, found.rest)
    even = replace(found.even, blocked=residual.blocked)
    return _Compared(places, *found[:3], even, limits, found.unlimited)


def _left_out(
    residual: LatticeResidual, predictors: tuple[Predictor, ...], places: NDArray[np.intp]
) -> _LeftOut:
    """Replace places by what the others predict of them, and compare them with it."""
    sampled, blocked = residual.sampled, residual.blocked
    within = _samples_within(places, residual.shape, sampled.samples)
    ignored = within if blocked is None else within | blocked
    mended = with_predicted(sampled, predictors, within)
    rest = with_predictors(mended, predictors, ignored)
    values = replace(rest, blocked=blocked).rows(slice(0, rest.shape[0]))
    even, known = with_even_border(rest, values)
    left = values if known is None else known
    own = float(np.mean([each.own for each in predictors])) / rest.spread
    changed = np.asarray(sampled.filtered) - np.asarray(mended.filtered)
    changed = gaussian_blur(changed, SMOOTHING_PERIODS * sampled.samples)
    unlimited = left + np.float32(own) * changed
    return _LeftOut(within, np.clip(unlimited, -_LIMIT, _LIMIT), left, even, unlimited)


def _places(
    values: NDArray[np.float32],
    limits: SurveyLimits,
    samples: float,
    barred: NDArray[np.bool_],
    least: float,
) -> NDArray[np.intp]:
    """Return y and x of the places of a residual that are of no line and no area."""
    level = limits.point_level(values, samples)
    level[barred] = 0
    around = 2 * round(_APART * samples) + 1
    peaks = (level == ndimage.maximum_filter(level, around)) & (level >= least)
    if peaks.any():
        peaks &= level >= _FAINT * np.quantile(level[peaks], _STRONG)
        within = _samples_within(np.argwhere(peaks), values.shape, samples)
        covered = gaussian_blur(within.astype(np.float32), _AROUND / 2 * samples)
        peaks &= covered < _COVERED
    return np.argwhere(peaks)


def _samples_within(
    places: NDArray[np.intp], shape: tuple[int, ...], samples: float
) -> NDArray[np.bool_]:
    """Return the samples of some places."""
    middle = np.zeros(shape, bool)
    middle[tuple(places.T)] = True
    within: NDArray[np.bool_] = ndimage.binary_dilation(middle, disc(_RADIUS * samples))
    return within


def _place_candidates(
    found: _Compared, level: NDArray[np.float32], score: NDArray[np.float32]
) -> list[Candidate]:
    """Return the places that are more unusual than columns of the crystal differ, as points."""
    samples = found.residual.sampled.samples
    mean = local_mean(found.values, POINT_POOL * samples)
    numbers = np.zeros(found.within.shape, np.int32)
    numbers[tuple(found.places.T)] = np.arange(1, len(found.places) + 1)
    nearest = ndimage.distance_transform_edt(
        numbers == 0, return_distances=False, return_indices=True
    )
    own = np.where(found.within & (level >= _LOW), numbers[tuple(nearest)], 0)
    sizes = np.bincount(own.ravel(), minlength=len(found.places) + 1)[1:]
    points = []
    for (y, x), size in zip(found.places, sizes, strict=True):
        if level[y, x] >= 1:
            sign: Sign = "deficit" if mean[y, x] < 0 else "excess"
            where, high = (float(y), float(x)), float(score[y, x])
            length = 2 * float(np.sqrt(size / np.pi))
            points.append(Candidate(0, "point", *where, high, sign, length, float(size)))
    return points
