"""Training for the Train panel: writes model and card, and keeps the best epochs on cancel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_stem_defects.api.train import train_into, training_lock
from napari_stem_defects.base.progress import (
    Cancelled,
    EpochProgress,
    Progress,
    ProgressCallback,
    StopAndKeep,
)
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.model_file import save_model
from napari_stem_defects.io.models.report_folder import report_folder, write_report
from napari_stem_defects.jobs.training_summary import ModelSavedProgress, TrainingSummary
from napari_stem_defects.networks.model_card import model_card
from napari_stem_defects.training.checkpointing import describe_stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.training.evaluate import EvaluationReport
    from napari_stem_defects.training.recipes import TrainingOptions

WHOLE = 1000


def train_model(
    sources: Sequence[Path],
    out: Path,
    options: TrainingOptions,
    *,
    keep: bool,
    device: str,
    report: ProgressCallback,
) -> TrainingSummary:
    """Train an ensemble and write its file, report and card.

    Parameters
    ----------
    sources : sequence of Path
        Label projects and patch folders.
    out : Path
        The model's file.
    options : TrainingOptions
    keep : bool
        A cancel leaves the best networks so far, if there is an epoch; one that comes while
        others are trained, only to be measured beside them, leaves the model itself, which is
        written by then and reported as `ModelSavedProgress`.
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
    """
    with training_lock(out):
        if keep:
            return _train_and_keep(sources, out, options, device, report)
        return _written(out, train_into(out, sources, options, device=device, report=report))


def _train_and_keep(
    sources: Sequence[Path],
    out: Path,
    options: TrainingOptions,
    device: str,
    report: ProgressCallback,
) -> TrainingSummary:
    """Train so that a cancel leaves the best networks so far, and write the same files."""
    count = len(options.splits)
    own, ending = replace(options, splits=options.splits[:1]), _EarlyEnd(report)
    trained = train_into(out, sources, own, device=device, report=_part(ending, 0, count))
    kept = _written(out, trained)
    if ending.stop_requested or count == 1:
        return kept
    report(ModelSavedProgress("measuring beside it", WHOLE // count, WHOLE, summary=kept))
    for number, split in enumerate(options.splits[1:], start=1):
        other = replace(options, splits=(split,))
        beside = train_into(
            None, sources, other, device=device, report=_part(report, number, count)
        )
        trained = _together(trained, beside)
    trained = replace(trained, ensemble=save_model(trained.ensemble, out))
    return _written(out, write_report(report_folder(out), trained))


def _together(first: EvaluationReport, beside: EvaluationReport) -> EvaluationReport:
    """Put another split's figures beside a model's own."""
    spec = first.ensemble.spec
    figures = {**spec.figures, **beside.ensemble.spec.figures}
    return replace(
        first,
        ensemble=replace(first.ensemble, spec=replace(spec, figures=figures)),
        evaluations=(*first.evaluations, *beside.evaluations),
        seconds=first.seconds + beside.seconds,
    )


def _written(out: Path, trained: EvaluationReport) -> TrainingSummary:
    """Write the model's card and return what a window shows."""
    own = trained.evaluations[0]
    counts = own.counts.get("training", {})
    data = ", ".join(f"{count} {name}" for name, count in counts.items())
    limits = [f"Measured where {own.meaning}.", *own.notes, *trained.notes]
    limits += [f"{name} could not be tested: {why}." for name, why in own.untestable.items()]
    card = model_card(
        trained.ensemble.spec,
        trained.ensemble.sha256,
        data=f"Windows learned from: {data}.",
        limits="\n".join(f"- {limit}" for limit in limits),
    )
    write_bytes(out.with_suffix(".md"), card.encode())
    figures = tuple(each.to_dict() for each in trained.evaluations)
    stopped = describe_stop(trained.ensemble.spec)
    return TrainingSummary(out, figures, trained.notes, trained.seconds, stopped)


class _EarlyEnd:
    """Turns a cancel into an early end as soon as there is something to keep.

    Parameters
    ----------
    report : callable
        Raises `Cancelled`, and raises it again if it is called again, unless the progress has
        `Progress.saving`.
    """

    def __init__(self, report: ProgressCallback) -> None:
        self._report = report
        self._learned = False
        self.stop_requested = False

    def __call__(self, step: Progress) -> None:
        self._learned = self._learned or isinstance(step, EpochProgress)
        if self.stop_requested:
            return
        try:
            self._report(step)
        except Cancelled:
            if not self._learned:
                raise
            self.stop_requested = True
            self._report(Progress("saving the best so far", WHOLE, WHOLE, saving=True))
            if step.stage.startswith("training"):
                raise StopAndKeep from None


def _part(report: ProgressCallback, number: int, count: int) -> ProgressCallback:
    """Show one training's progress as its share of all; only the model's own has curves."""

    def reporting(step: Progress) -> None:
        share = (number + step.done / max(step.total, 1)) / count
        done = round(WHOLE * share)
        if number == 0:
            report(replace(step, done=done, total=WHOLE))
        else:
            report(Progress(f"beside it: {step.stage}", done, WHOLE))

    return reporting
