"""Evaluation of networks that see the lattice residual, on clicks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.detection.detect_matched import quick_model, scale_of, turned_to
from napari_stem_defects.detection.teacher_evidence import mean_of_classes
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT
from napari_stem_defects.matched_filter.adaptation import adapted_to
from napari_stem_defects.matched_filter.class_maps import probabilities_at
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.quick_evaluation import evaluate_clicks
from napari_stem_defects.training.sampling import Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.training.evaluate import SplitEvaluation
    from napari_stem_defects.training.quick_images import LabelledImage, PreparedImage

_NEAR_PERIODS = 0.3
"""A class is at a click if it is found this near, in lattice periods, as with quick models."""


def probabilities_near(
    ensemble: Ensemble,
    ready: PreparedImage,
    places: NDArray[np.float64],
    *,
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Return the highest probabilities of networks, and of their teacher, near some places.

    Parameters
    ----------
    ensemble : Ensemble
        With the representation "residual".
    ready : PreparedImage
        At the samples per length unit of the ensemble.
    places : ndarray of float, shape (N, 2)
        y and x in samples.
    device : str
        A torch device name.

    Returns
    -------
    ndarray of float32, shape (N, C)
    """
    spec = ensemble.spec
    step = round(_NEAR_PERIODS * SAMPLES_PER_UNIT)
    sign = np.float32(ready.sign)
    padded = pad_for_windows(sign * ready.values, spec.preprocessing.patch_px)
    last = np.array(ready.values.shape) - 1
    best = np.zeros((len(places), len(spec.classes)), np.float32)
    for shift in np.stack(np.meshgrid([-step, 0, step], [-step, 0, step])).reshape(2, -1).T:
        at = np.clip(np.rint(places + shift), 0, last).astype(np.int64)
        windows = cut(padded, at[:, 0], at[:, 1], spec.preprocessing.patch_px)
        nothing = np.zeros((len(at), len(spec.classes)), np.float32)
        samples = Samples({"residual": windows[:, None]}, nothing)
        logits = predict_logits(ensemble, samples, device=device)
        np.maximum(best, spec.calibrated_probabilities(logits), out=best)
    if spec.teacher is None:
        return best
    teacher = adapted_to(ready.residual, turned_to(quick_model(ensemble), ready.cell))
    levels = ready.levels_for(teacher)
    about = ready.limits, levels, ready.residual
    taught = probabilities_at(ready.values, places, teacher, *about)
    return mean_of_classes(best, taught, spec.class_data)


def evaluate_on_clicks(
    ensemble: Ensemble, images: Sequence[LabelledImage], *, device: str = "cpu"
) -> SplitEvaluation:
    """Evaluate finished networks that see the lattice residual.

    Parameters
    ----------
    ensemble : Ensemble
        With the representation "residual".
    images : sequence of LabelledImage
        With clicks of any classes; those that the ensemble lacks are rows of the confusion matrix.
    device : str
        A torch device name.

    Returns
    -------
    SplitEvaluation
        Without a split.

    Raises
    ------
    LabelError
        If an image shows no lattice.
    """
    spec = ensemble.spec
    probabilities = partial(probabilities_near, ensemble, device=device)
    scale = scale_of(ensemble), None
    return evaluate_clicks(spec, images, scale, probabilities, spec.thresholds)
