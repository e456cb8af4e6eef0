"""Scores of a survey that noise does not reach: of deficits, of excesses, of lines.

The null is made from the image itself: the phases of its residual at random, and its values mapped
to the distribution of the residual where nothing is unusual (a surrogate with the spectrum and the
values of the recorded data: Theiler et al., Physica D 58, 77, 1992, section 2.4). The noise of
counted electrons is skewed, and a column has a ceiling only where intensity is missing, so a
deficit and an excess of the same depth are not equally unusual.

Columns of a real crystal differ a little from each other, in thickness, composition or the steps of
its surface, while noise with random phases spreads their differences over the whole cell. How much
more the usual cells of the image differ than those of the noise widens the limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft, ndimage

from napari_stem_defects.anomaly.candidates import pool_cells
from napari_stem_defects.anomaly.clear_part import clear_part
from napari_stem_defects.anomaly.line_evidence import HALVED, LINE_POOL, line_vectors
from napari_stem_defects.anomaly.score import (
    EXTENDED_POOL,
    NULL_LIMIT,
    POINT_POOL,
    highest_of_noise,
    local_mean,
    local_rms,
    scores_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.clear_part import ClearPart
    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.score import Scores

_NULL_EDGE = 768
"""Edge in samples of the middle of a large image, from which the null is made."""
_EXPECTED_FALSE = 0.5
_EXTENDED_SHARE, _LINE_SHARE = 0.3, 0.5
"""Weights of the squared levels of extended features and of lines beside that of columns."""
_USUAL = 0.9999
"""Share of the scores of noise with random phases above which a place is unusual."""
_BESIDE = 1.0
"""Distance in lattice periods up to which the residual beside an unusual place is left out."""
_QUANTILES = 2049
_COMMON = 0.2, 0.5
"""Quantiles of the highest scores of the cells between which no cell need be a defect."""
_MOST_UNLIKE = 1.5
"""Where a third of the cells are defects, the others seem to differ by as much as this or more."""
_AREA_RADIUS = 1.0
"""Radius in lattice periods of a disc that is unusual throughout in an area; and how far beside one
the residual is not that of the crystal."""
_LEAST_USUAL = 0.5
"""Least share that is usual: what more of an image shows is what it usually shows."""


class Levels(NamedTuple):
    """Scores on one scale: 0 in the perfect crystal, 1 at what noise does not reach.

    Attributes
    ----------
    point, extended, line : ndarray of float32, shape (rows, columns)
    """

    point: NDArray[np.float32]
    extended: NDArray[np.float32]
    line: NDArray[np.float32]

    def together(self) -> NDArray[np.float32]:
        """Return the evidence of all three as a root sum of squares: a weak line has some of each.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
        """
        total = np.square(np.maximum(self.point, 0))
        for share, level in ((_EXTENDED_SHARE, self.extended), (_LINE_SHARE, self.line)):
            total += np.float32(share) * np.square(np.maximum(level, 0))
        return np.sqrt(total, out=total)


@dataclass(frozen=True)
class SurveyLimits:
    """Scores that noise exceeds 0.5 times per image, and what noise usually has.

    Attributes
    ----------
    point : float
        Local root mean square over a column, of either sign.
    deficit, excess : float
        The same where intensity is missing and where there is too much: 0.25 times each.
    extended : float
        Local root mean square over a lattice period.
    line : float
        Root mean square along a line; see `line_evidence.line_rms`.
    usual_line : float
        Its median, as the highest of several directions more than 1.
    together, usual_together : float
        Limit and median of all levels together.
    unlike_points, unlike_extended : float
        How much more the usual cells of the image differ from each other than cells of the noise.
    """

    point: float
    deficit: float
    excess: float
    extended: float
    line: float
    usual_line: float
    together: float = 1.0
    usual_together: float = 0.0
    unlike_points: float = 1.0
    unlike_extended: float = 1.0

    @property
    def threshold(self) -> float:
        """Anomaly score from which a place is unusual."""
        return 1 + self.unlike_points * (self.point - 1)

    def unusual(self, levels: Levels) -> NDArray[np.float32]:
        """Return the level of columns or of extended features, whichever is higher.

        Parameters
        ----------
        levels : Levels

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            1 at what neither noise nor the differences between usual cells reach.
        """
        level: NDArray[np.float32] = np.maximum(
            levels.point / np.float32(self.unlike_points),
            levels.extended / np.float32(self.unlike_extended),
        )
        return level

    def point_level(self, values: NDArray[np.float32], samples: float) -> NDArray[np.float32]:
        """Return the level of columns in a whole residual, as `levels` does.

        Parameters
        ----------
        values : ndarray of float32, shape (Y, X)
            The residual in multiples of its spread.
        samples : float
            Samples per lattice period.

        Returns
        -------
        ndarray of float32, shape (Y, X)
        """
        pool = POINT_POOL * samples
        missing = local_mean(values, pool) < 0
        above = np.where(missing, self.deficit - 1, self.excess - 1).astype(np.float32)
        level: NDArray[np.float32] = (local_rms(values, pool) - 1) / above
        height, width = level.shape
        level /= _variation(slice(0, height), height, pool)[:, None]
        level /= _variation(slice(0, width), width, pool)
        return level

    def levels(self, scores: Scores, height: int, samples: float) -> Levels:
        """Return the levels of some rows.

        Next to the border half of each average lies outside, so that noise varies more there, and
        what it does not reach is higher.

        Parameters
        ----------
        scores : Scores
        height : int
            Rows of the whole image.
        samples : float
            Samples per lattice period.

        Returns
        -------
        Levels
        """
        above = np.where(scores.mean < 0, self.deficit - 1, self.excess - 1).astype(np.float32)
        found = Levels(
            (scores.point - 1) / above,
            (scores.extended - 1) / np.float32(self.extended - 1),
            (scores.line - np.float32(self.usual_line)) / np.float32(self.line - self.usual_line),
        )
        for level, pool in zip(found, (POINT_POOL, EXTENDED_POOL, LINE_POOL), strict=True):
            level /= _variation(scores.rows, height, pool * samples)[:, None]
            level /= _variation(slice(0, level.shape[1]), level.shape[1], pool * samples)
        return found

    def score(self, levels: Levels) -> NDArray[np.float32]:
        """Return the anomaly score: about 1 in a perfect crystal, `point` beyond noise.

        Parameters
        ----------
        levels : Levels

        Returns
        -------
        ndarray of float32, shape (rows, columns)
        """
        above = levels.together() - np.float32(self.usual_together)
        above *= np.float32((self.point - 1) / (self.together - self.usual_together))
        above += 1
        return above


def survey_limits(
    residual: LatticeResidual, values: NDArray[np.float32] | None = None, seed: int = 0
) -> SurveyLimits:
    """Find the scores that noise does not reach.

    Parameters
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X), optional
        The whole residual, where it is known.
    seed : int
        Of the phases.

    Returns
    -------
    SurveyLimits
    """
    samples, shape = residual.sampled.samples, residual.shape
    part = clear_part(shape, (_NULL_EDGE, _NULL_EDGE), residual.blocked)
    strip = residual.rows(part.rows) if values is None else values[part.rows]
    recorded = np.clip(strip[:, part.columns], -NULL_LIMIT, NULL_LIMIT)
    noise, part = _noise_of_crystal(recorded, part, samples, seed)
    noise *= np.float32(_missing_power(strip[:, part.columns], noise, part, samples))
    ratio = shape[0] * shape[1] / noise.size
    vectors = line_vectors(residual.sampled.lattices)
    scores = scores_of(slice(0, len(noise)), noise, samples, vectors, np.inf)
    missing = scores.mean < 0
    half, none = _EXPECTED_FALSE / 2, np.float32(0)
    limits = SurveyLimits(
        point=highest_of_noise(scores.point, ratio),
        deficit=highest_of_noise(np.where(missing, scores.point, none), ratio, half),
        excess=highest_of_noise(np.where(missing, none, scores.point), ratio, half),
        extended=highest_of_noise(scores.extended, ratio),
        line=highest_of_noise(scores.line, ratio),
        usual_line=float(np.median(scores.line)),
    )
    together = limits.levels(scores, len(noise), samples).together()
    unlike = [
        _unlike(local_rms(strip[:, part.columns], pool * samples), of_noise, part, samples)
        for pool, of_noise in ((POINT_POOL, scores.point), (EXTENDED_POOL, scores.extended))
    ]
    return replace(
        limits,
        together=highest_of_noise(together, ratio),
        usual_together=float(np.median(together)),
        unlike_points=unlike[0],
        unlike_extended=unlike[1],
    )


def _missing_power(
    recorded: NDArray[np.float32], noise: NDArray[np.float32], part: ClearPart, samples: float
) -> float:
    """Return the factor by which noise is too weak for the usual cells of an image, 1 or more.

    What little a prediction leaves of each column is all there is in an image without noise: most
    of it is left out of the values of the noise, or spread over the whole cell by random phases.
    """
    scores = (local_rms(each, POINT_POOL * samples) for each in (recorded, noise))
    found, of_noise = (
        float(np.quantile(cells, _COMMON).mean()) for cells in _cells(*scores, part, samples)
    )
    return max(found / max(of_noise, 1e-6), 1.0)


def _unlike(
    score: NDArray[np.float32], of_noise: NDArray[np.float32], part: ClearPart, samples: float
) -> float:
    """Return how much more the usual cells of an image differ than those of noise, 1 to 1.5."""
    differ, differ_in_noise = (
        float(np.ptp(np.quantile(cells, _COMMON)))
        for cells in _cells(score, of_noise, part, samples)
    )
    return float(np.clip(differ / max(differ_in_noise, 1e-6), 1, _MOST_UNLIKE))


def _cells(
    score: NDArray[np.float32], of_noise: NDArray[np.float32], part: ClearPart, samples: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the highest scores of the clear cells of an image, and of the cells of noise."""
    edge = round(samples)
    found = pool_cells(score, edge)
    if part.clear is not None:
        clear = pool_cells((~part.clear).astype(np.float32), edge) == 0
        found = found[clear] if clear.any() else found
    return found, pool_cells(of_noise, edge)


def _variation(places: slice, length: int, sigma: float) -> NDArray[np.float32]:
    """Return how much more averages of noise vary near the ends of an axis than in its middle.

    The weights g(x - d) of a Gaussian at the distance d from an end have their mirror image
    g(x + d) added there. The sum of their squares grows by 1 + exp(-d²/sigma²), the standard
    deviation of the average by its root.

    Parameters
    ----------
    places : slice
        Places along the axis, in samples.
    length : int
        Of the axis.
    sigma : float
        Standard deviation of the Gaussian in samples.

    Returns
    -------
    ndarray of float32, shape (places,)
    """
    at = np.arange(places.start, places.stop) + 0.5
    near = np.exp(-np.square(np.stack([at, length - at]) / sigma))
    return np.asarray(np.sqrt(1 + near.sum(axis=0)), np.float32)


def _noise_of_crystal(
    recorded: NDArray[np.float32], part: ClearPart, samples: float, seed: int
) -> tuple[NDArray[np.float32], ClearPart]:
    """Return the surrogate of a residual without its unusual areas, and the part without them.

    Contamination or a hole that covers a few hundredths of an image would otherwise raise the
    spectrum, and with it all limits, so far that no vacancy reaches them.
    """
    noise = surrogate(recorded, part, samples, np.random.default_rng(seed))
    areas = unusual_areas(recorded, noise, samples)
    clear = ~areas if part.clear is None else part.clear & ~areas
    if not areas.any() or clear.mean() < _LEAST_USUAL:
        return noise, part
    part = replace(part, clear=clear)
    return surrogate(recorded, part, samples, np.random.default_rng(seed)), part


def unusual_areas(
    recorded: NDArray[np.float32], noise: NDArray[np.float32], samples: float
) -> NDArray[np.bool_]:
    """Return the parts of a residual that are unusual throughout, and what is near them.

    Parameters
    ----------
    recorded, noise : ndarray of float32, shape (Y, X)
        A part of the residual, and its surrogate.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        Parts that contain a disc with a radius of a lattice period, as few columns or lines do.
    """
    pool, radius = EXTENDED_POOL * samples, _AREA_RADIUS * samples
    score, of_noise = (ndimage.gaussian_filter(np.square(each), pool) for each in (recorded, noise))
    parts, count = ndimage.label(score > np.quantile(of_noise, _USUAL))
    if not count:
        return np.zeros(recorded.shape, bool)
    deep = ndimage.distance_transform_edt(parts) > radius
    is_area = np.zeros(count + 1, bool)
    is_area[np.unique(parts[deep])] = True
    is_area[0] = False
    areas: NDArray[np.bool_] = is_area[parts]
    if areas.any():
        areas = ndimage.distance_transform_edt(~areas) <= radius
    return areas


def surrogate(
    recorded: NDArray[np.float32], part: ClearPart, samples: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise with the spectrum of a residual and the values it has where nothing is unusual.

    Places with a score that noise with random phases alone hardly has are left out of the values.

    Parameters
    ----------
    recorded : ndarray of float32, shape (Y, X)
        A part of the residual, limited to `anomaly.score.NULL_LIMIT` spreads.
    part : ClearPart
        The part.
    samples : float
        Samples per lattice period.
    rng : numpy.random.Generator
        Of the phases.

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    spectrum = fft.rfft2(part.masked(recorded))
    phases = rng.random(spectrum.shape, np.float32)
    spectrum = np.abs(spectrum) * np.exp(np.complex64(2j * np.pi) * phases)
    noise: NDArray[np.float32] = fft.irfft2(spectrum, recorded.shape).astype(np.float32)
    sigma = POINT_POOL * samples
    # Every second sample is enough for scores that are smooth.
    score, of_noise = (
        ndimage.gaussian_filter(np.square(each), sigma)[::HALVED, ::HALVED]
        for each in (recorded, noise)
    )
    around = 2 * round(_BESIDE * samples / HALVED) + 1
    highest = ndimage.maximum_filter(score, around)
    clear = np.ones(highest.shape, bool) if part.clear is None else part.clear[::HALVED, ::HALVED]
    limit = max(np.quantile(of_noise, _USUAL), np.quantile(highest[clear], _LEAST_USUAL))
    usual = clear & (highest <= limit)
    values = recorded[::HALVED, ::HALVED][usual]
    if len(values) < _QUANTILES:
        return noise
    levels = np.linspace(0, 1, _QUANTILES)
    at, target = np.quantile(noise[::HALVED, ::HALVED], levels), np.quantile(values, levels)
    mapped: NDArray[np.float32] = np.interp(noise, at, target).astype(np.float32)
    return mapped
