"""What a survey finds unusual, for the generic names of a general model.

The general model names what a residual looks like. Where a crystal is not predicted well, as one
of few periods, or of a cell larger than the one that was measured, each of its columns leaves
something that looks like an added or a missing one. There, a name is given only to what differs
more from the crystal than its noise and its usual columns do, and where point defects crowd, each
is seen against a crystal without the others, as in the survey.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.crowded_places import left_out_places
from napari_stem_defects.anomaly.surveyed_residual import surveyed
from napari_stem_defects.detection.places_alone import PlacesAlone

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.crowded_places import LeftOutPlaces
    from napari_stem_defects.anomaly.residual import LatticeResidual

_NEAR = 0.5
"""Distance in length units along y and x within which a place belongs to a site."""
_UNUSUAL, _PENALTY = 0.85, 10.0
"""Level from which a place may have its name, a little below that of what a survey lists, as
networks see more in a window than its power; and what a logit is lowered by per level below."""
_STANDS_OUT = 3.0
"""Level of a point defect from which its surroundings may look unusual, too."""
_ALL_DIFFER = 2.0
"""Where usual columns still differ by this factor more than noise when what crowds is left out, all
columns differ, as in a cell larger than the one that was measured: that is no crowd to be named."""
_EXPLAINED, _FAR = 1.5, 2.0
"""Usual columns that differ by less than this factor more than noise are alike: where they do once
some places are left out, it was these that seemed to make columns differ. And the median level of
such places, which are no noise."""
_APART = 0.5
"""Least distance of two places in lattice periods."""
_LEAST_SPREAD = 0.06
"""Spread of a residual, before it is normalised, that nine of ten images exceed from which the
general model learned: with less noise, what surrounds a defect would look like one itself."""


@dataclass(frozen=True)
class SurveyEvidence:
    """What a survey finds in an image.

    Attributes
    ----------
    residual : LatticeResidual
        As networks see it.
    level : ndarray of float32, shape (rows, columns)
        Highest level around each sample: 1 at what neither noise nor the differences between usual
        columns reach.
    points : ndarray of int, shape (N, 2)
        Point defects, y and x in samples.
    places : ndarray of int, shape (M, 2)
        Those of them that stand out so far that their surroundings may, too.
    crowd : PlacesAlone or None
        Where they crowd, each as if it were alone.
    differ : float
        How much more usual columns differ from each other than noise does, 1 or more.
    lines : tuple of ndarray of float64, each of shape (n, 2)
        Centre lines of what is unusual along a line, y and x in samples.
    """

    residual: LatticeResidual
    level: NDArray[np.float32]
    points: NDArray[np.intp]
    places: NDArray[np.intp]
    crowd: PlacesAlone | None = None
    differ: float = 1.0
    lines: tuple[NDArray[np.float64], ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether columns seem to differ, which a few defects make them do in a small crystal."""
        return self.crowd is None and self.differ > _EXPLAINED

    def explained_by(self, sites: NDArray[np.float64]) -> SurveyEvidence:
        """Return the evidence against a crystal without some sites, if these explain it.

        In a particle of a few periods, nine missing columns are enough to make all columns seem
        to differ, and what noise does not reach higher than they are. Without them, the others are
        alike. In a crystal whose columns do differ they still do.

        Parameters
        ----------
        sites : ndarray of float64, shape (N, 2)
            y and x of point defects in px of the image.

        Returns
        -------
        SurveyEvidence
            The same where columns differ without the sites, too, or the sites hardly stand out.
        """
        places = self._apart(sites)
        if not len(places):
            return self
        samples = self.residual.sampled.samples
        found = left_out_places(self.residual, places)
        if found.limits.differ > _EXPLAINED:
            return self
        level = found.limits.point_level(found.residual.whole(), samples)
        level = ndimage.maximum_filter(
            level / np.float32(found.limits.differ), 2 * round(_NEAR * samples) + 1
        )
        if np.median(level[tuple(places.T)]) < _FAR:
            return self
        return replace(self, level=level)

    def _apart(self, sites: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return sites, and what the survey found itself, in samples, each place once."""
        last = np.array(self.level.shape) - 1
        at = np.clip(np.rint(self.residual.sampled.to_samples(sites)).astype(np.intp), 0, last)
        places: list[NDArray[np.intp]] = []
        for place in (*at, *self.points):
            away = [np.hypot(*(place - other)) for other in places]
            if min(away, default=np.inf) > _APART * self.residual.sampled.samples:
                places.append(place)
        return np.array(places, np.intp).reshape(-1, 2)

    def penalty(self, sites: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the logits of point defects are lowered by.

        Parameters
        ----------
        sites : ndarray of float64, shape (N, 2)
            y and x in px of the image.

        Returns
        -------
        ndarray of float64, shape (N,)
        """
        at = np.rint(self.residual.sampled.to_samples(sites)).astype(int)
        rows, columns = np.clip(at, 0, np.array(self.level.shape) - 1).T
        level = self.level[rows, columns].astype(np.float64)
        penalty: NDArray[np.float64] = _PENALTY * np.maximum(_UNUSUAL - level, 0)
        return penalty

    def alone(self) -> PlacesAlone:
        """Return each place as if it were alone.

        Returns
        -------
        PlacesAlone
        """
        if self.crowd is not None:
            return self.crowd
        return _alone(self.places, left_out_places(self.residual, self.places))


def survey_evidence(residual: LatticeResidual) -> SurveyEvidence:
    """Compare an image with what a survey does not find unusual.

    Parameters
    ----------
    residual : LatticeResidual
        Of the image.

    Returns
    -------
    SurveyEvidence
    """
    found = surveyed(residual)
    if found.crowd is not None and found.limits.differ > _ALL_DIFFER:
        found = surveyed(residual, with_crowd=False)
    samples = residual.sampled.samples
    level = found.limits.point_level(found.residual.whole(), samples)
    level /= np.float32(found.limits.differ)
    level = ndimage.maximum_filter(level, 2 * round(_NEAR * samples) + 1)
    places = [(c.y, c.x) for c in found.candidates if c.kind == "point"]
    at = np.unique(np.rint(np.array(places).reshape(-1, 2)).astype(np.intp), axis=0)
    lines = tuple(
        np.array(line, np.float64) for c in found.candidates if c.kind == "line" for line in c.shape
    )
    if found.crowd is not None:
        crowd = _alone(at, found.crowd)
        return SurveyEvidence(_limited(found.residual), level, at, at, crowd, lines=lines)
    strong = at[level[tuple(at.T)] >= _STANDS_OUT]
    evidence = SurveyEvidence(_limited(found.residual), level, at, strong, lines=lines)
    return replace(evidence, differ=found.limits.differ)


def _alone(places: NDArray[np.intp], found: LeftOutPlaces) -> PlacesAlone:
    values = found.unlimited * _scale_of(found.residual)
    return PlacesAlone(places, values, _limited(found.rest))


def _limited(residual: LatticeResidual) -> LatticeResidual:
    """Return a residual in multiples of a spread that is not below the least one."""
    return replace(residual, known=residual.whole() * _scale_of(residual))


def _scale_of(residual: LatticeResidual) -> np.float32:
    return np.float32(min(residual.spread / _LEAST_SPREAD, 1.0))
