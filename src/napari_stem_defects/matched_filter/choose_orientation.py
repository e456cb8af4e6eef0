"""In which of the orientations that a lattice allows an image shows the defects of a model.

A square lattice turned by 90 degrees is the same lattice, and so is every lattice turned by 180
degrees; a defect is not. The most unusual places of the image decide: the orientation in which most
of them show a class is that of the image. The one learned is kept wherever it shows some of them,
because an image may hold defects in several orientations, of which one was clicked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.feature import peak_local_max

from napari_stem_defects.anomaly.score import EXTENDED_POOL, POINT_POOL, local_rms
from napari_stem_defects.matched_filter.orientation import orientations
from napari_stem_defects.matched_filter.similarity import best_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.matched_filter.orientation import Vectors

_PLACES = 60
_APART, _REACH, _NEAR = 1.0, 3.0, 1.0
"""In periods: distance of two places, half width of the patch around one, and of its middle."""
_SHOWN = 0.25
"""Share of the places found in another orientation from which the learned one is kept."""


def suited_orientation(
    residual: LatticeResidual, model: MatchedFilterModel, shown: Vectors
) -> MatchedFilterModel:
    """Return a model in the orientation in which an image shows its defects.

    Parameters
    ----------
    residual : LatticeResidual
        At the samples per length unit of the model.
    model : MatchedFilterModel
    shown : ((float, float), (float, float))
        Base vectors (y, x) of the image in lattice periods.

    Returns
    -------
    MatchedFilterModel
    """
    choices = orientations(model, shown)
    if len(choices) == 1 or not any(item.templates for item in model.classes):
        return choices[0]
    patches = _unusual_patches(residual)
    if not patches:
        return choices[0]
    scores = [_score(each, patches) for each in choices]
    best = int(np.argmax(scores))
    return choices[best] if scores[0] < _SHOWN * scores[best] else choices[0]


def _unusual_patches(residual: LatticeResidual) -> list[NDArray[np.float32]]:
    """Return the residual around the most unusual places of an image."""
    samples = residual.sampled.samples
    reach, found = round(_REACH * samples), []
    for _, inner, values in residual.blocks(halo=reach):
        level = local_rms(values, POINT_POOL * samples) + local_rms(values, EXTENDED_POOL * samples)
        places = peak_local_max(
            level[inner],
            min_distance=round(_APART * samples),
            num_peaks=_PLACES,
            exclude_border=False,
        )
        for y, x in places + np.array([inner.start, 0]):
            top, left = max(0, y - reach), max(0, x - reach)
            patch = values[top : y + reach + 1, left : x + reach + 1]
            found.append((float(level[y, x]), (y - top, x - left), patch))
    found.sort(key=lambda each: -each[0])
    return [_centred(patch, middle, reach) for _, middle, patch in found[:_PLACES]]


def _centred(
    patch: NDArray[np.float32], middle: tuple[int, int], reach: int
) -> NDArray[np.float32]:
    """Return a patch with zeros where the image ends, its middle in the middle."""
    pads = [
        (reach - before, reach - (length - 1 - before))
        for before, length in zip(middle, patch.shape, strict=True)
    ]
    return np.pad(patch, pads)


def _score(model: MatchedFilterModel, patches: list[NDArray[np.float32]]) -> int:
    """Return how many patches show a class of a model."""
    near, edge = round(_NEAR * model.samples), len(patches[0])
    middle = slice(edge // 2 - near, edge // 2 + near + 1)
    # One strip, because templates do not reach from the middle of a patch into the next one.
    strip = np.concatenate(patches)
    total = 0
    for item in model.classes:
        if item.templates:
            similar = best_similarity(strip, item.templates).reshape(len(patches), edge, edge)
            highest = similar[:, middle, middle].max(axis=(1, 2))
            total += int((highest >= item.template_limit).sum())
    return total
