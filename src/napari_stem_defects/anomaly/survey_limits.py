"""Scores of a survey that noise does not reach: of deficits, of excesses, of lines.

The null is made from the image itself; see `anomaly.surrogate`. The noise of counted electrons is
skewed, and a column has a ceiling only where intensity is missing, so a deficit and an excess of
the same depth are not equally unusual.

Columns of a real crystal differ a little from each other, in thickness, composition or the steps of
its surface, while noise with random phases spreads their differences over the whole cell. How much
more the usual cells of the image differ than those of the noise widens the limits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.anomaly.candidates import pool_cells
from napari_stem_defects.anomaly.clear_part import clear_part
from napari_stem_defects.anomaly.line_evidence import LINE_POOL, line_vectors
from napari_stem_defects.anomaly.score import (
    EXTENDED_POOL,
    NULL_LIMIT,
    POINT_POOL,
    highest_of_noise,
    local_mean,
    local_rms,
    scores_of,
)
from napari_stem_defects.anomaly.surrogate import noise_of_crystal

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
_COMMON = 0.2, 0.5
"""Quantiles of the highest scores of the cells between which no cell need be a defect."""
_AS_STRONG = 1.1
"""Ratio of the usual scores of an image to those of noise up to which noise is as strong."""
_MOST_UNLIKE = 1.5
"""Where a third of the cells are defects, the others seem to differ by as much as this or more."""


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
        How much more the usual cells of the image differ from each other than cells of the noise,
        1 to 1.5.
    differ : float
        ``unlike_points`` without its upper limit.
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
    differ: float = 1.0

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
    noise, part = noise_of_crystal(recorded, part, samples, seed)
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
        unlike_points=min(unlike[0], _MOST_UNLIKE),
        unlike_extended=min(unlike[1], _MOST_UNLIKE),
        differ=unlike[0],
    )


def _missing_power(
    recorded: NDArray[np.float32], noise: NDArray[np.float32], part: ClearPart, samples: float
) -> float:
    """Return the factor by which noise is too weak for the usual cells of an image, 1 or more.

    What little a prediction leaves of each column is all there is in an image without noise: most
    of it is left out of the values of the noise, or spread over the whole cell by random phases.
    The lower of the common cells are compared: others may be at the edge of a particle.
    """
    score, of_noise = (local_rms(each, POINT_POOL * samples) for each in (recorded, noise))
    usual, usual_in_noise = (
        float(np.quantile(cells, _COMMON[0])) for cells in _cells(score, of_noise, part, samples)
    )
    ratio = usual / max(usual_in_noise, 1e-6)
    return ratio if ratio > _AS_STRONG else 1.0


def _unlike(
    score: NDArray[np.float32], of_noise: NDArray[np.float32], part: ClearPart, samples: float
) -> float:
    """Return how much more the usual cells of an image differ than those of noise, 1 or more."""
    differ, differ_in_noise = (
        float(np.ptp(np.quantile(cells, _COMMON)))
        for cells in _cells(score, of_noise, part, samples)
    )
    return max(differ / max(differ_in_noise, 1e-6), 1.0)


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
