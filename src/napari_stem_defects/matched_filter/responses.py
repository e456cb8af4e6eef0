"""Responses of a model to small patches, for the self-test of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.score import EXTENDED_POOL, POINT_POOL, local_rms
from napari_stem_defects.matched_filter.like_sites import site_response
from napari_stem_defects.matched_filter.similarity import best_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import MatchedFilterModel


def responses(model: MatchedFilterModel, patches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a model computes for patches of a residual.

    Parameters
    ----------
    model : MatchedFilterModel
    patches : ndarray of float32, shape (N, Y, X)

    Returns
    -------
    ndarray of float32, shape (N, C)
        Highest anomaly score of each patch, then the highest similarity to each class, less its
        threshold; for classes without templates their anomaly score; for classes with like sites
        more, so that it depends on all that the model computes.
    """
    found = np.zeros((len(patches), 1 + len(model.classes)), np.float32)
    for row, patch in enumerate(patches):
        found[row, 0] = local_rms(patch, POINT_POOL * model.samples).max()
        extended = local_rms(patch, EXTENDED_POOL * model.samples)
        for column, item in enumerate(model.classes, 1):
            score = best_similarity(patch, item.templates) if item.templates else extended
            limit = item.threshold if item.templates else item.anomaly
            found[row, column] = score.max() - limit
            found[row, column] += sum(site_response(patch, model.samples, s) for s in item.sites)
    return found
