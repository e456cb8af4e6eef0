"""Evaluation of quick models on clicks that are held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.detection.detect_matched import quick_model, turned_to
from napari_stem_defects.matched_filter.class_maps import probabilities_at
from napari_stem_defects.matched_filter.fit import Click
from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.evaluate import OWN_LABELS, UNKNOWN_ORIGIN, SplitEvaluation
from napari_stem_defects.training.metrics import compute_metrics
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    PreparedImage,
    model_from_clicks,
    prepare_image,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec

FOLDS = 3
_SITE_PERIODS = 3.0
"""Clicks of a class that are closer than this, in lattice periods, are held out together."""
_MEANING = (
    "a third of the clicked places at a time was held out, and found with what the others taught"
)


def evaluate_quick(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    model: MatchedFilterModel,
) -> SplitEvaluation:
    """Test a quick model on clicks that are held out, a third of the places at a time.

    Parameters
    ----------
    images : sequence of LabelledImage
    prepared : sequence of PreparedImage
        In the same order.
    clicks : sequence of Click
        All clicks of the model.
    classes : sequence of DefectClass
        Bulk, then the classes of the model.
    model : MatchedFilterModel
        Its thresholds are used.

    Returns
    -------
    SplitEvaluation
    """
    folds, untestable = click_folds(clicks, classes, model.samples)
    names = tuple(each.name for each in classes)
    thresholds = {item.name: item.threshold for item in model.classes}
    probabilities = np.zeros((len(clicks), len(names)), np.float32)
    for fold in range(FOLDS):
        held_out: list[int] = np.flatnonzero(folds == fold).tolist()
        if not held_out:
            continue
        kept = [click for number, click in enumerate(clicks) if folds[number] != fold]
        part = model_from_clicks(prepared, kept, classes, thresholds)
        for number, ready in enumerate(prepared):
            here = [index for index in held_out if clicks[index].image == number]
            if here:
                places = np.array([(clicks[index].y, clicks[index].x) for index in here])
                probabilities[here] = probabilities_at(ready.values, places, part, ready.limits)
    tested: list[int] = np.flatnonzero(folds >= 0).tolist()
    data = click_sites(images, [clicks[n] for n in tested], prepared, classes)
    labels = [click.class_name for click in clicks]
    limits = dict.fromkeys(names, 0.5)
    return SplitEvaluation(
        split="site",
        meaning=_MEANING,
        metrics=compute_metrics(names, data.labels, data.targets, probabilities[tested], limits),
        data=data,
        probabilities=probabilities[tested],
        untestable=untestable,
        counts={
            "training": {name: labels.count(name) for name in names},
            "test": {name: data.labels.count(name) for name in names},
        },
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
        suited = turned_to(model, ready.cell)
        return probabilities_at(ready.values, places, suited, ready.limits)

    limits = dict.fromkeys(ensemble.spec.classes, 0.5)
    return evaluate_clicks(ensemble.spec, images, model.samples, probabilities, limits)


def evaluate_clicks(
    spec: EnsembleSpec,
    images: Sequence[LabelledImage],
    samples: float,
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
    samples : float
        Samples per lattice period of the model.
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
    prepared = [prepare_image(image.micrograph, samples) for image in images]
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


def click_folds(
    clicks: Sequence[Click], classes: Sequence[DefectClass], samples: float
) -> tuple[NDArray[np.int64], dict[str, str]]:
    """Return the fold in which each click is held out.

    Parameters
    ----------
    clicks : sequence of Click
    classes : sequence of DefectClass
        Bulk, then the classes to learn.
    samples : float
        Samples per lattice period.

    Returns
    -------
    folds : ndarray of int64, shape (N,)
        0 to 2; -1 where the class of a click cannot be tested. Close clicks are held out together.
    untestable : dict of str to str
        Why a class cannot be tested.
    """
    folds = np.full(len(clicks), -1)
    untestable = {}
    for each in classes:
        mine = [n for n, click in enumerate(clicks) if click.class_name == each.name]
        places = _places([clicks[n] for n in mine], _SITE_PERIODS * samples)
        if each.name != BULK and len(np.unique(places)) < 2:
            untestable[each.name] = "all its clicks show one place"
            continue
        folds[mine] = places % FOLDS
    return folds, untestable


def _places(clicks: Sequence[Click], reach: float) -> NDArray[np.int64]:
    """Return the number of the place of each click: close clicks show the same place."""
    if not clicks:
        return np.zeros(0, np.int64)
    # Images lie far apart along a third axis.
    points = np.array([(c.y, c.x, 1e6 * c.image) for c in clicks])
    pairs = cKDTree(points).query_pairs(reach, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(clicks), len(clicks)))
    numbers: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return numbers


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
