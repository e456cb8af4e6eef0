"""Networks from few clicks, from the micrographs to the evaluation report."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.progress import (
    Cancelled,
    Progress,
    ProgressCallback,
    StopAndKeep,
    silent,
)
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT
from napari_stem_defects.training.evaluate import EvaluationReport
from napari_stem_defects.training.few_labels import learn_from_few
from napari_stem_defects.training.lattice_geometry import geometry_of_cells
from napari_stem_defects.training.pipeline import software_versions
from napari_stem_defects.training.quick import click_classes, clicks_of, quick_learner
from napari_stem_defects.training.quick_evaluation import click_sites, evaluate_left_out
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    PreparedImage,
    prepare_image,
    scale_warnings,
)
from napari_stem_defects.training.quick_search import Found
from napari_stem_defects.training.recipes import TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.matched_filter.examples import Click
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.training.evaluate import SplitEvaluation

MAX_CLICKS = 40
"""Largest number of clicks of a defect class that counts as few."""
_PARTS = 3
"""Parts in which clicks are left out; each takes a training."""
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
    evaluated: bool = True,
    device: str = "cpu",
    report: ProgressCallback = silent,
) -> EvaluationReport:
    """Train networks from few clicks, and test networks and quick model on held-out clicks.

    The networks learn from all clicks. Others, which learned from about two thirds of the places,
    search the whole images for the rest, each third in turn; a quick model does so with each place
    left out in turn.

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
    evaluated : bool
        Whether the clicks are left out in turn; without, the report has no evaluations, and the
        training takes a quarter of the time.
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
    prepared = _at_one_scale(images, report)
    clicks, notes = clicks_of(images, prepared, options.classes)
    notes = (*notes, *scale_warnings(images, prepared))
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
        report=_share(report, 0.1, 0.4),
    )
    share = _share(report, 0.4, 1.0)
    evaluations: tuple[SplitEvaluation, ...] = ()
    if evaluated:
        given = (images, prepared, clicks, classes, encoder, learned.ensemble)
        evaluations = _evaluations(*given, options, device, share)
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
        lattice_geometry=geometry_of_cells([r.cell for r in prepared if r.cell is not None], sizes),
        description=(
            f"Learned from {len(labels)} clicks, starting from {encoder.spec.name}; sees the"
            " lattice residual."
        ),
    )
    seconds = time.perf_counter() - started
    ensemble = replace(learned.ensemble, spec=spec)
    return EvaluationReport(ensemble, evaluations, learned.history, notes, seconds)


def _at_one_scale(images: Sequence[LabelledImage], report: ProgressCallback) -> list[PreparedImage]:
    """Prepare images, all with the length unit of the first."""
    prepared: list[PreparedImage] = []
    for number, image in enumerate(images):
        report(Progress("lattice", number * _STEPS // (10 * len(images)), _STEPS))
        scale = prepared[0].residual.sampled.scale if prepared else Scale(SAMPLES_PER_UNIT)
        prepared.append(prepare_image(image.micrograph, scale))
    return prepared


def _evaluations(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    encoder: Ensemble,
    ensemble: Ensemble,
    options: TrainingOptions,
    device: str,
    report: ProgressCallback,
) -> tuple[SplitEvaluation, ...]:
    """Leave out clicks in turn, and search their images with networks and with quick models."""
    parts_done = 0

    def learn(kept: Sequence[Click]) -> Callable[[int], Found]:
        nonlocal parts_done
        first, last = parts_done / _PARTS, (parts_done + 1) / _PARTS
        parts_done += 1
        part = learn_from_few(
            prepared,
            kept,
            classes,
            encoder,
            seed=options.seed,
            device=device,
            report=_share(report, first, last),
        )
        return _searcher(images, part.ensemble, device)

    networks = evaluate_left_out(
        images,
        prepared,
        clicks,
        classes,
        learn,
        whole=_searcher(images, ensemble, device),
        most_parts=_PARTS,
    )
    quick = evaluate_left_out(
        images,
        prepared,
        clicks,
        classes,
        quick_learner(images, prepared, classes),
        split="quick",
    )
    meaning = f"the quick model from the same clicks: {quick.meaning}"
    return networks, replace(quick, meaning=meaning)


def _searcher(
    images: Sequence[LabelledImage], ensemble: Ensemble, device: str
) -> Callable[[int], Found]:
    """Return a function that searches the image of a number with networks."""

    def search(number: int) -> Found:
        found = detect_frame(images[number].micrograph, ensemble, device=device)
        return Found(found.map, found.mask_stack)

    return search


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
