"""A lattice residual as a survey sees it: its limits, what exceeds them, and crowds left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.anomaly.crowded_places import crowded_places
from napari_stem_defects.anomaly.even_border import with_even_border
from napari_stem_defects.anomaly.survey_limits import survey_limits
from napari_stem_defects.anomaly.unusual_places import unusual_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.crowded_places import LeftOutPlaces
    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.survey_limits import SurveyLimits

_WHOLE = 1 << 22
"""Samples up to which the residual of an image is computed as a whole, and crowds are sought."""


class SurveyedResidual(NamedTuple):
    """What a survey finds in a residual.

    Attributes
    ----------
    residual : LatticeResidual
        Even up to its border; where point defects crowd, each against a crystal without the
        others.
    score : ndarray of float32, shape (Y, X)
        Anomaly score of each sample.
    candidates : tuple of Candidate
        Ranked, with lengths in samples.
    limits : SurveyLimits
        What noise does not reach.
    crowd : LeftOutPlaces or None
        Where point defects crowd.
    """

    residual: LatticeResidual
    score: NDArray[np.float32]
    candidates: tuple[Candidate, ...]
    limits: SurveyLimits
    crowd: LeftOutPlaces | None


def surveyed(residual: LatticeResidual, *, with_crowd: bool = True) -> SurveyedResidual:
    """Find what is unusual in a residual.

    Parameters
    ----------
    residual : LatticeResidual
    with_crowd : bool
        Whether it is sought where point defects crowd.

    Returns
    -------
    SurveyedResidual
    """
    shape = residual.shape
    nowhere = residual.blocked if residual.blocked is not None else np.zeros(shape, bool)
    # A small image has one block, so that its residual is computed once for limits and scores.
    values = residual.rows(slice(0, shape[0])) if shape[0] * shape[1] <= _WHOLE else None
    residual, values = with_even_border(residual, values)
    limits = survey_limits(residual, values)
    score, candidates = unusual_places(residual, values, limits, nowhere)
    crowd = None
    if with_crowd and values is not None:
        crowd = crowded_places(residual, values, limits, candidates)
    if crowd is None:
        return SurveyedResidual(residual, score, candidates, limits, None)
    left_out = crowd.left_out
    found = left_out.residual, crowd.score, crowd.candidates, crowd.limits
    return SurveyedResidual(*found, left_out)
