"""Classes as an image shows them in which they are fainter, or clearer, than where clicked.

Templates and anomaly scores are in multiples of the spread of the residual where the clicks are. In
an image with a quarter of the electrons the same defect has half of that residual, so a model that
is not adapted finds nothing there. What the noise of such an image reaches is no defect: it is
measured in noise with the spectrum of the residual.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.score import (
    EXTENDED_POOL,
    highest_of_noise,
    local_rms,
    noise_like,
)
from napari_stem_defects.anomaly.visibility import visibility
from napari_stem_defects.matched_filter.similarity import best_similarity
from napari_stem_defects.matched_filter.spot_floor import above_background

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.model import ClassFilter, MatchedFilterModel

_GAINS = (0.1, 4.0)
_FAINT = 0.9
"""Gain below which noise may reach the threshold of a class."""
_NOISE_SHARE = 0.7
"""Least anomaly score of a class as a power of the highest of noise: lines are seen below that,
because they are long."""


def adapted_to(
    residual: LatticeResidual, model: MatchedFilterModel, shown: float | None = None
) -> MatchedFilterModel:
    """Return a model with its classes as visible as they are in an image.

    Parameters
    ----------
    residual : LatticeResidual
        Of the image, at the samples per length unit of the model.
    model : MatchedFilterModel
    shown : float, optional
        Visibility of defects in the image, where it is known.

    Returns
    -------
    MatchedFilterModel
        The model itself where the visibility in its own images is not known; models of spots find
        what is more than the background.
    """
    if model.window is not None:
        return above_background(residual, model)
    if not all(item.visibility > 0 for item in model.classes):
        return model
    shown = visibility(residual) if shown is None else shown
    gains = [float(np.clip(shown / item.visibility, *_GAINS)) for item in model.classes]
    noise = ratio = None
    if any(gain < _FAINT for gain in gains):
        noise, ratio = noise_like(residual)
    classes = []
    for gain, item in zip(gains, model.classes, strict=True):
        if item.kind == "line" and item.templates:
            # Lines are long enough to be seen where they are fainter than expected, and noise
            # that is as similar as a faint line covers areas.
            classes.append(item)
            continue
        adapted = _with_gain(item, gain)
        if noise is not None and ratio is not None and gain < _FAINT:
            adapted = _above_noise(adapted, noise, ratio, model.samples)
        classes.append(adapted)
    usual = float(np.median(gains))
    negatives = tuple(each.with_gain(usual) for each in model.negatives)
    return replace(model, classes=tuple(classes), negatives=negatives)


def _with_gain(item: ClassFilter, gain: float) -> ClassFilter:
    """Return a class whose residual is so many times stronger in units of the noise."""
    # The square of a score is the power of the noise, 1, and that of the defect.
    anomaly = float(np.sqrt(1 + gain**2 * max(item.anomaly**2 - 1, 0.0)))
    templates = tuple(each.with_gain(gain) for each in item.templates)
    return replace(item, templates=templates, anomaly=anomaly)


def _above_noise(
    item: ClassFilter, noise: NDArray[np.float32], ratio: float, samples: float
) -> ClassFilter:
    """Return a class that is assigned to nothing that noise alone reaches."""
    if item.templates:
        # Many defects are in the spectrum of the noise, too, and would rule themselves out.
        highest = highest_of_noise(best_similarity(noise, item.templates), ratio)
        return replace(item, floor=min(item.from_templates(highest), item.threshold))
    highest = highest_of_noise(local_rms(noise, EXTENDED_POOL * samples), ratio)
    least = highest**_NOISE_SHARE
    return replace(item, anomaly=max(item.anomaly, least), is_faint=item.anomaly < highest)
