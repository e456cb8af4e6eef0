"""Networks from few clicks, from the micrographs to the evaluation report."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.progress import (
    Cancelled,
    Progress,
    ProgressCallback,
    StopAndKeep,
    silent,
)
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.lattice.scale import SAMPLES_PER_PERIOD
from napari_stem_defects.matched_filter.class_maps import probabilities_at
from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation
from napari_stem_defects.training.few_label_evaluation import probabilities_near
from napari_stem_defects.training.few_labels import learn_from_few
from napari_stem_defects.training.lattice_geometry import geometry_of_cells
from napari_stem_defects.training.metrics import compute_metrics
from napari_stem_defects.training.pipeline import software_versions
from napari_stem_defects.training.quick import click_classes, clicks_of
from napari_stem_defects.training.quick_evaluation import click_folds, click_sites
from napari_stem_defects.training.quick_images import LabelledImage, PreparedImage, prepare_image
from napari_stem_defects.training.recipes import TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.matched_filter.fit import Click
    from napari_stem_defects.networks.spec import Ensemble

MAX_CLICKS = 40
"""Largest number of clicks of a defect class that counts as few."""
_MEANING = "a third of the clicked places was held out, and found with what the others taught"
_STEPS = 1000


def are_few(images: Sequence[LabelledImage], options: TrainingOptions) -> bool:
    """Return whether the recipe for few labels suits clicks and options.

    Parameters
    ----------
    images : sequence of LabelledImage
    options : TrainingOptions

    Returns
    -------
    bool
        No class of defects has more than 40 clicks, and the options set nothing that only the
        training from scratch has: epochs, input of the networks, or other splits than "site".
    """
    counts: dict[str, int] = {}
    for name in (label for image in images for label in image.labels if label != BULK):
        counts[name] = counts.get(name, 0) + 1
    plain = not options.epochs and options.preprocessing is None and not options.representation
    return plain and options.splits == ("site",) and max(counts.values(), default=0) <= MAX_CLICKS


def train_from_few(
    images: Sequence[LabelledImage],
    class_data: Sequence[DefectClass],
    encoder: Ensemble,
    options: TrainingOptions | None = None,
    *,
    device: str = "cpu",
    report: ProgressCallback = silent,
) -> EvaluationReport:
    """Train networks from few clicks, and test networks and quick model on held-out clicks.

    The networks learn from all clicks. Others, which learned from two thirds of the places, are
    tested on the rest, and so is the quick model from the same two thirds.

    Parameters
    ----------
    images : sequence of LabelledImage
        At least one.
    class_data : sequence of DefectClass
        Kinds, titles and colours of the labelled classes.
    encoder : Ensemble
        Networks that see the lattice residual, from which the new ones start.
    options : TrainingOptions, optional
        Name, classes, members and seed.
    device : str
        A torch device name.
    report : callable
        Receives the progress after every image and epoch.

    Returns
    -------
    EvaluationReport
        The evaluation of the networks, and beside it that of the quick model.

    Raises
    ------
    LabelError
        If no click shows a defect, a chosen class has no click, or an image shows no lattice.
    """
    started = time.perf_counter()
    options = options or TrainingOptions(recipe="few")
    prepared = []
    for number, image in enumerate(images):
        report(Progress("lattice", number * _STEPS // (10 * len(images)), _STEPS))
        prepared.append(prepare_image(image.micrograph, SAMPLES_PER_PERIOD))
    clicks, notes = clicks_of(images, prepared, options.classes)
    classes = click_classes(clicks, class_data)
    learned = learn_from_few(
        prepared,
        clicks,
        classes,
        encoder,
        name=options.name,
        members=options.members,
        seed=options.seed,
        device=device,
        report=_share(report, 0.1, 0.7),
    )
    evaluations = _evaluations(
        images, prepared, clicks, classes, encoder, options, device, _share(report, 0.7, 1.0)
    )
    spec = learned.ensemble.spec
    labels = [click.class_name for click in clicks]
    training = {
        **spec.training,
        "choices": options.to_dict(),
        "clicks": {each.name: labels.count(each.name) for each in classes},
        "label_set_sha256": click_sites(images, clicks, prepared, classes).sha256(),
        "device": device,
        "notes": list(notes),
    }
    sizes = [image.micrograph.pixel_size_nm for image in images]
    spec = replace(
        spec,
        training=training,
        figures={each.split: each.to_dict() for each in evaluations},
        versions=software_versions(),
        lattice_geometry=geometry_of_cells([ready.cell for ready in prepared], sizes),
        description=(
            f"Learned from {len(labels)} clicks, starting from {encoder.spec.name}; sees the"
            " lattice residual."
        ),
    )
    seconds = time.perf_counter() - started
    ensemble = replace(learned.ensemble, spec=spec)
    return EvaluationReport(ensemble, evaluations, learned.history, notes, seconds)


def _evaluations(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    encoder: Ensemble,
    options: TrainingOptions,
    device: str,
    report: ProgressCallback,
) -> tuple[SplitEvaluation, ...]:
    """Hold out a third of the places; test networks and quick model that learned from the rest."""
    folds, untestable = click_folds(clicks, classes, SAMPLES_PER_PERIOD)
    held = [click for click, fold in zip(clicks, folds, strict=True) if fold == 0]
    kept = [click for click, fold in zip(clicks, folds, strict=True) if fold != 0]
    names = tuple(each.name for each in classes)
    networks = np.zeros((len(held), len(names)), np.float32)
    quick = np.zeros_like(networks)
    if held and {click.class_name for click in kept} - {BULK}:
        part = learn_from_few(
            prepared, kept, classes, encoder, seed=options.seed, device=device, report=report
        )
        for number, ready in enumerate(prepared):
            here = [n for n, click in enumerate(held) if click.image == number]
            if here:
                places = np.array([(held[n].y, held[n].x) for n in here])
                networks[here] = probabilities_near(part.ensemble, ready, places, device=device)
                teacher = quick_model(part.ensemble)
                quick[here] = probabilities_at(ready.values, places, teacher, ready.limits)
    data = click_sites(images, held, prepared, classes)
    counts = {
        part_name: {name: [c.class_name for c in some].count(name) for name in names}
        for part_name, some in (("training", kept), ("test", held))
    }

    def evaluation(split: str, found: NDArray[np.float32], meaning: str) -> SplitEvaluation:
        return SplitEvaluation(
            split=split,
            meaning=meaning,
            metrics=compute_metrics(names, data.labels, data.targets, found, {}),
            data=data,
            probabilities=found,
            untestable=untestable,
            counts=counts,
        )

    return (
        evaluation("site", networks, _MEANING),
        evaluation("quick", quick, f"the quick model from the same clicks: {_MEANING}"),
    )


def _share(report: ProgressCallback, first: float, last: float) -> ProgressCallback:
    """Return a callback that maps the progress of a step to a part of the whole.

    A training of seconds has nothing to keep where it is stopped early, so it is cancelled.
    """

    def reporting(step: Progress) -> None:
        share = first + (last - first) * step.done / max(step.total, 1)
        try:
            report(replace(step, done=round(_STEPS * share), total=_STEPS))
        except StopAndKeep:
            raise Cancelled from None

    return reporting
