"""View model of the panel Train ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.base.progress import EpochProgress
from napari_stem_defects.jobs.registry import (
    COUNT_LABELS,
    TRAIN,
    CountLabelsArguments,
    TrainArguments,
)
from napari_stem_defects.jobs.training_summary import ModelSavedProgress
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState, LatestJob, Submit
from napari_stem_defects.napari_plugin.panels.common.model_library import (
    find_name_fault,
    model_path,
)
from napari_stem_defects.reporting.losses import EpochLoss

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.jobs.training_summary import TrainingSummary
    from napari_stem_defects.training.recipes import TrainingOptions

# If the worker process dies during training, the job resumes from its last epoch.
_ATTEMPTS = 3


class TrainViewModel:
    """Collects labelled data, trains in a worker process, and keeps losses and report.

    Parameters
    ----------
    submit : callable
        Submits jobs to the workers.

    Attributes
    ----------
    run : JobState
        State of the training.
    sources : list of Path
        Label projects and patch folders to train on.
    counts : dict
        Number of labels of each class in the sources; empty while they are counted.
    classes : tuple of DefectClass
        Classes of the sources counted last.
    losses : list of EpochLoss
        Losses of the running or last training.
    report : TrainingReport or None
        Report of the model trained last.
    """

    sources_changed = Signal()
    """Sources were added or removed, or their labels were counted."""
    losses_changed = Signal()
    """A training has started or reported losses."""
    finished = Signal()
    """A model was trained; see `report`."""

    def __init__(self, submit: Submit) -> None:
        self.run = JobState(submit)
        self.run.progressed.connect(self._on_step)
        self.run.changed.connect(self._on_run)
        self._counting = LatestJob(submit, self._on_counts, self.run.fail)
        self.sources: list[Path] = []
        self.counts: dict[str, int] = {}
        self.classes: tuple[DefectClass, ...] = ()
        self.losses: list[EpochLoss] = []
        self.report: TrainingSummary | None = None

    def add_source(self, path: Path) -> None:
        """Add a label project or a patch folder."""
        if path not in self.sources:
            self.sources.append(path)
            self._count()

    def remove_source(self, path: Path) -> None:
        """Remove a source."""
        self.sources.remove(path)
        self._count()

    def start(self, options: TrainingOptions, device: str = "auto", keep: bool = False) -> None:
        """Start a training; unusable options end the run with a message.

        Parameters
        ----------
        options : TrainingOptions
        device : {"auto", "cpu", "cuda", "mps"}
        keep : bool
            Whether cancelling keeps the best parameters found by then.
        """
        if fault := self._find_fault(options):
            self.run.fail(fault)
            return
        self.losses, self.report = [], None
        self.losses_changed.emit()
        arguments = TrainArguments(
            sources=tuple(self.sources),
            out=model_path(options.name),
            options=options,
            device=device,
            keep=keep,
        )
        job = TRAIN.job(arguments, subject="training", attempts=_ATTEMPTS)
        self.run.start(job, self._on_trained)

    def _find_fault(self, options: TrainingOptions) -> str:
        """Return what is wrong with the options; "" if nothing is."""
        if not self.sources:
            return "there is no data; add a label project or a folder of patches"
        if not options.classes:
            return "no class is selected; select the classes to train"
        return find_name_fault(options.name)

    def _count(self) -> None:
        self.counts = {}
        self.sources_changed.emit()
        if self.sources:
            arguments = CountLabelsArguments(tuple(self.sources))
            self._counting.request(COUNT_LABELS.job(arguments, subject="counting"))
        else:
            self._counting.discard()

    def _on_counts(self, counts: dict[DefectClass, int]) -> None:
        self.counts = {each.name: count for each, count in counts.items()}
        self.classes = tuple(counts)
        self.sources_changed.emit()

    def _on_step(self, progress: Progress) -> None:
        if isinstance(progress, ModelSavedProgress):
            self.report = progress.summary
        elif isinstance(progress, EpochProgress):
            loss = EpochLoss(
                progress.class_name,
                progress.seed,
                progress.epoch,
                progress.training_loss,
                progress.validation_loss,
            )
            if not loss.is_auxiliary:
                self.losses.append(loss)
            self.losses_changed.emit()

    def _on_run(self) -> None:
        """Announce the model that a cancelled training has kept."""
        if self.run.phase == "cancelled" and self.report is not None:
            self.run.finish(f"{self.report.path.stem} is in your library · comparison cancelled")
            self.finished.emit()

    def _on_trained(self, report: TrainingSummary) -> None:
        self.report = report
        how = "stopped early, the best so far" if report.stopped else "trained"
        minutes = report.seconds / 60
        took = f"{how} in {minutes:.1f} min" if minutes >= 1 else f"{how} in {report.seconds:.1f} s"
        self.run.finish(f"{report.path.stem} is in your library · {took}")
        self.finished.emit()
