"""Evaluation of models from few clicks, on clicks that are left out or on others."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.detection.detect_matched import quick_model, turned_to
from napari_stem_defects.matched_filter.adaptation import adapted_to
from napari_stem_defects.matched_filter.class_maps import probabilities_at
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.evaluate import OWN_LABELS, UNKNOWN_ORIGIN, SplitEvaluation
from napari_stem_defects.training.left_out import (
    MOST_PARTS,
    coverage_remarks,
    divide,
    predict_left_out,
    remarks,
)
from napari_stem_defects.training.metrics import compute_metrics
from napari_stem_defects.training.missed_clicks import missed_remarks
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    PreparedImage,
    prepare_image,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Scale
    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.matched_filter.model import Window
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.training.quick_search import Found

_MOST_SAMPLES = 1_500_000
"""Samples of all images together that are searched with clicks left out, as often as parts."""
_FEWEST_PARTS = 3
_SPOT_APART = 1 / 3
"""Spots that are a third as far apart as defects of a lattice show places of their own: nothing
repeats from one to the next."""


def evaluate_left_out(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    learn: Callable[[Sequence[Click]], Callable[[int], Found]],
    *,
    whole: Callable[[int], Found] | None = None,
    most_parts: int | None = None,
    split: str = "site",
) -> SplitEvaluation:
    """Test a recipe for few clicks by leaving clicks out and searching their images.

    Parameters
    ----------
    images : sequence of LabelledImage
    prepared : sequence of PreparedImage
        In the same order.
    clicks : sequence of Click
        All clicks of the model.
    classes : sequence of DefectClass
        Bulk, then the classes of the model.
    learn : callable
        Makes a model of some clicks; returns a function that searches the image of a number.
    whole : callable, optional
        Searches the image of a number with the model of all clicks, to state what else it finds.
    most_parts : int, optional
        Largest number of models; by default 10, and fewer for large images.
    split : str
        Key of the evaluation.

    Returns
    -------
    SplitEvaluation
    """
    if most_parts is None:
        size = sum(ready.values.size for ready in prepared)
        most_parts = int(np.clip(_MOST_SAMPLES // max(size, 1), _FEWEST_PARTS, MOST_PARTS))
    samples = prepared[0].residual.sampled.samples
    if prepared[0].window is not None:
        samples *= _SPOT_APART
    parts = divide(clicks, classes, samples, most_parts)
    names = tuple(each.name for each in classes)
    probabilities = predict_left_out(clicks, parts, prepared, classes, learn)
    tested: list[int] = np.flatnonzero(parts.number >= 0).tolist()
    data = click_sites(images, [clicks[n] for n in tested], prepared, classes)
    labels = [click.class_name for click in clicks]
    limits = dict.fromkeys(names, 0.5)
    found = probabilities[tested]
    beside: tuple[str, ...] = ()
    if whole is not None:
        search = cache(whole)
        beside = missed_remarks(images, clicks, prepared, classes, search)
        beside += coverage_remarks(clicks, prepared, classes, search)
    return SplitEvaluation(
        split=split,
        meaning=parts.meaning,
        metrics=compute_metrics(names, data.labels, data.targets, found, limits),
        data=data,
        probabilities=found,
        untestable=parts.untestable,
        counts={
            "training": {name: labels.count(name) for name in names},
            "test": {name: data.labels.count(name) for name in names},
        },
        notes=(*remarks(clicks, parts, classes, probabilities), *beside),
    )


def evaluate_quick_model(ensemble: Ensemble, images: Sequence[LabelledImage]) -> SplitEvaluation:
    """Evaluate a finished quick model on clicks.

    Parameters
    ----------
    ensemble : Ensemble
        A quick model.
    images : sequence of LabelledImage
        With clicks of any classes; those that the model lacks are rows of the confusion matrix.

    Returns
    -------
    SplitEvaluation
        Without a split.

    Raises
    ------
    LabelError
        If an image shows no lattice.
    """
    model = quick_model(ensemble)

    def probabilities(ready: PreparedImage, places: NDArray[np.float64]) -> NDArray[np.float32]:
        suited = adapted_to(ready.residual, turned_to(model, ready.cell))
        levels = ready.levels_for(suited)
        about = ready.limits, levels, ready.residual
        return probabilities_at(ready.values, places, suited, *about)

    limits = dict.fromkeys(ensemble.spec.classes, 0.5)
    scale = model.scale, model.window
    return evaluate_clicks(ensemble.spec, images, scale, probabilities, limits)


def evaluate_clicks(
    spec: EnsembleSpec,
    images: Sequence[LabelledImage],
    scale: tuple[Scale, Window | None],
    probabilities: Callable[[PreparedImage, NDArray[np.float64]], NDArray[np.float32]],
    thresholds: Mapping[str, float],
) -> SplitEvaluation:
    """Evaluate a finished model of the lattice residual on clicks.

    Parameters
    ----------
    spec : EnsembleSpec
        Of the model.
    images : sequence of LabelledImage
        With clicks of any classes; those that the model lacks are rows of the confusion matrix.
    scale : (Scale, Window or None)
        Of the model, and its window if it finds spots without a lattice.
    probabilities : callable
        Returns the probabilities (N, C) at places (N, 2) of an image, y and x in samples.
    thresholds : mapping of str to float
        Probability from which each class is assigned.

    Returns
    -------
    SplitEvaluation
        Without a split.

    Raises
    ------
    LabelError
        If an image shows no lattice.
    """
    prepared = [prepare_image(image.micrograph, *scale) for image in images]
    clicks: list[Click] = []
    parts = []
    for number, (image, ready) in enumerate(zip(images, prepared, strict=True)):
        places = ready.residual.sampled.to_samples(np.column_stack([image.y, image.x]))
        parts.append(probabilities(ready, places))
        clicks += [
            Click(number, float(y), float(x), label)
            for (y, x), label in zip(places, image.labels, strict=True)
        ]
    data = click_sites(images, clicks, prepared, spec.class_data)
    found = np.concatenate(parts)
    is_own = spec.training.get("label_set_sha256") == data.sha256()
    return SplitEvaluation(
        split="",
        meaning=OWN_LABELS if is_own else UNKNOWN_ORIGIN,
        metrics=compute_metrics(spec.classes, data.labels, data.targets, found, thresholds),
        data=data,
        probabilities=found,
        untestable={
            name: "the data has no label of this class"
            for name in spec.classes
            if name not in data.labels
        },
        counts={"test": {name: data.labels.count(name) for name in {*spec.classes, *data.labels}}},
    )


def click_sites(
    images: Sequence[LabelledImage],
    clicks: Sequence[Click],
    prepared: Sequence[PreparedImage],
    classes: Sequence[DefectClass],
) -> TrainingSet:
    """Return clicks as a training set, for metrics and reports.

    Parameters
    ----------
    images : sequence of LabelledImage
    clicks : sequence of Click
        In samples of the images.
    prepared : sequence of PreparedImage
        In the order of the images.
    classes : sequence of DefectClass

    Returns
    -------
    TrainingSet
        One site per click, in px of its image.
    """
    names = tuple(each.name for each in classes)
    labels = tuple(click.class_name for click in clicks)
    number = np.array([click.image for click in clicks], np.int64)
    positions = np.zeros((len(clicks), 2))
    for row, click in enumerate(clicks):
        sampled = prepared[click.image].residual.sampled
        positions[row] = sampled.to_image(np.array([click.y, click.x]))
    return TrainingSet(
        images=tuple(image.micrograph.pixels for image in images),
        classes=names,
        labels=labels,
        image=number,
        y=positions[:, 0],
        x=positions[:, 1],
        targets=np.array(
            [[label == name for name in names] for label in labels], np.float32
        ).reshape(len(labels), len(names)),
        source=number,
        source_y=positions[:, 0],
        source_x=positions[:, 1],
        extent_px=np.full(len(clicks), 1.0),
        names=tuple(image.micrograph.name for image in images),
        class_data=tuple(classes),
    )
