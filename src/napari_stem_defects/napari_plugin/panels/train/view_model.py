"""What the window "Train ensemble" knows and does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from psygnal import Signal

from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.napari_plugin.panels.common.job_state import Latest, Run, Submit
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.jobs.train_job import TrainingReport
    from napari_stem_defects.training.recipes import TrainingOptions

_TASKS = "napari_stem_defects.jobs.tasks"
# A worker that dies in the middle of a training goes on from its last epoch.
_ATTEMPTS = 3
# A drill before the common start, on windows that nobody labelled; not of this model's story.
LESSON = "lesson"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}")


class Loss(NamedTuple):
    """The losses after one pass over the samples; the common start of all members has no class."""

    class_name: str
    seed: int
    epoch: int
    training: float
    validation: float | None


class TrainModel:
    """Collects labelled data, trains in the worker and keeps losses and report.

    Parameters
    ----------
    long, quick : callable
        Hand jobs to the worker for long and for quick work.
    """

    sources_changed = Signal()
    """Other sources, or their classes have been counted."""
    losses_changed = Signal()
    finished = Signal()
    """A model was trained; `report` tells about it."""

    def __init__(self, long: Submit, quick: Submit) -> None:
        self.run = Run(long)
        self.run.stepped.connect(self._on_step)
        self.run.changed.connect(self._on_run)
        self._counting = Latest(quick, self._on_counts, self.run.fail)
        self.sources: list[Path] = []
        self.counts: dict[str, int] = {}
        self.losses: list[Loss] = []
        self.report: TrainingReport | None = None

    def add_source(self, path: Path) -> None:
        """Take in a label project or a patch folder."""
        if path not in self.sources:
            self.sources.append(path)
            self._count()

    def remove_source(self, path: Path) -> None:
        """Leave a source out again."""
        self.sources.remove(path)
        self._count()

    def start(self, choices: TrainingOptions, device: str = "auto", keep: bool = False) -> None:
        """Train; what is wrong with the choices is said through the run.

        Parameters
        ----------
        choices : Choices
        device : {"auto", "cpu", "cuda", "mps"}
        keep : bool
            Whether a cancel leaves the best that is learned by then.
        """
        if fault := self._fault(choices):
            self.run.fail(fault)
            return
        self.losses, self.report = [], None
        self.losses_changed.emit()
        arguments = {
            "sources": tuple(self.sources),
            "out": _file_of(choices.name),
            "choices": choices,
            "device": device,
            "keep": keep,
        }
        job = Job(f"{_TASKS}:train", arguments, subject="training", attempts=_ATTEMPTS)
        self.run.start(job, self._on_trained)

    def _fault(self, choices: TrainingOptions) -> str:
        """Return what is wrong with the choices, "" where nothing is."""
        if not self.sources:
            return "no data yet; add a label project or a folder of patches"
        if not choices.classes:
            return "no class is chosen; tick those to train"
        if not _NAME.fullmatch(choices.name):
            return f"model name {choices.name!r}: use letters, digits, spaces, dots and dashes"
        if _file_of(choices.name).exists():
            return f"your library has a model {choices.name!r} already; choose another name"
        return ""

    def _count(self) -> None:
        self.counts = {}
        self.sources_changed.emit()
        if self.sources:
            arguments = {"sources": tuple(self.sources)}
            self._counting.ask(Job(f"{_TASKS}:count_labels", arguments, subject="counting"))
        else:
            self._counting.forget()

    def _on_counts(self, counts: dict[str, int]) -> None:
        self.counts = counts
        self.sources_changed.emit()

    def _on_step(self, progress: Progress) -> None:
        step = progress.detail
        if "trained" in step:
            self.report = step["trained"]
        if "loss" in step:
            self.losses += losses_of([step])
            self.losses_changed.emit()

    def _on_run(self) -> None:
        """Where a cancel left a model, announce it."""
        if self.run.phase == "cancelled" and self.report is not None:
            self.run.finish(f"{self.report.path.stem} is in your library · comparison cancelled")
            self.finished.emit()

    def _on_trained(self, report: TrainingReport) -> None:
        self.report = report
        how = "stopped early, the best so far" if report.stopped else "trained"
        took = f"{how} in {report.seconds / 60:.1f} min"
        self.run.finish(f"{report.path.stem} is in your library · {took}")
        self.finished.emit()


def losses_of(history: Sequence[Mapping[str, Any]]) -> list[Loss]:
    """Return the losses of a training's history."""
    return [
        Loss(step["class"], step["seed"], step["epoch"], step["loss"], step["validation_loss"])
        for step in history
        if step["class"] != LESSON
    ]


def _file_of(name: str) -> Path:
    return library_module.user_folder() / f"{name}.safetensors"
