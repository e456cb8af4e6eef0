"""Evaluation of networks that see the lattice residual, on clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.contrast import column_sign
from napari_stem_defects.lattice.scale import SAMPLES_PER_PERIOD
from napari_stem_defects.matched_filter.fit import Click
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows
from napari_stem_defects.training.evaluate import (
    OWN_LABELS,
    UNKNOWN_ORIGIN,
    SplitEvaluation,
    predict_logits,
)
from napari_stem_defects.training.metrics import compute_metrics
from napari_stem_defects.training.quick_evaluation import click_sites
from napari_stem_defects.training.quick_images import LabelledImage, PreparedImage, prepare_image
from napari_stem_defects.training.sampling import Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble

_NEAR_PERIODS = 0.3
"""A class is at a click if it is found this near, in lattice periods, as with quick models."""


def probabilities_near(
    ensemble: Ensemble,
    ready: PreparedImage,
    places: NDArray[np.float64],
    *,
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Return the highest probabilities of networks near some places of an image.

    Parameters
    ----------
    ensemble : Ensemble
        With the representation "residual".
    ready : PreparedImage
        At the samples per period of the ensemble.
    places : ndarray of float, shape (N, 2)
        y and x in samples.
    device : str
        A torch device name.

    Returns
    -------
    ndarray of float32, shape (N, C)
    """
    spec = ensemble.spec
    step = round(_NEAR_PERIODS * SAMPLES_PER_PERIOD)
    sign = np.float32(column_sign(ready.residual.sampled))
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
    return best


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
    prepared = [prepare_image(image.micrograph, SAMPLES_PER_PERIOD) for image in images]
    clicks: list[Click] = []
    found = []
    for number, (image, ready) in enumerate(zip(images, prepared, strict=True)):
        places = ready.residual.sampled.to_samples(np.column_stack([image.y, image.x]))
        found.append(probabilities_near(ensemble, ready, places, device=device))
        clicks += [
            Click(number, float(y), float(x), label)
            for (y, x), label in zip(places, image.labels, strict=True)
        ]
    data = click_sites(images, clicks, prepared, spec.class_data)
    probabilities = np.concatenate(found)
    is_own = spec.training.get("label_set_sha256") == data.sha256()
    return SplitEvaluation(
        split="",
        meaning=OWN_LABELS if is_own else UNKNOWN_ORIGIN,
        metrics=compute_metrics(
            spec.classes, data.labels, data.targets, probabilities, spec.thresholds
        ),
        data=data,
        probabilities=probabilities,
        untestable={
            name: "the data has no label of this class"
            for name in spec.classes
            if name not in data.labels
        },
        counts={"test": {name: data.labels.count(name) for name in {*spec.classes, *data.labels}}},
    )
