"""What the window "Train ensemble" knows and does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from psygnal import Signal

from napari_stem_defects.app.models.run import Latest, Run, Submit
from napari_stem_defects.core.preprocessing import Preprocessing
from napari_stem_defects.engine.jobs import Job
from napari_stem_defects.files.model_library import user_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_stem_defects.core.progress import Progress

_TASKS = "napari_stem_defects.engine.tasks"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}")
SPLITS = ("site", "region", "image", "random")


class Loss(NamedTuple):
    """The losses after one pass over the samples of one member."""

    class_name: str
    seed: int
    epoch: int
    training: float
    validation: float | None


@dataclass(frozen=True)
class TrainRequest:
    """One press of Train.

    Attributes
    ----------
    name : str
        Name of the model in the library.
    classes : tuple of str
    epochs : mapping of str to int
        Passes over the samples, for classes that shall not get the usual number.
    split : {"site", "region", "image", "random"}
        What is held out together to measure the model.
    preprocessing : Preprocessing
    members : int
        Networks per class.
    seed : int
    device : str
    """

    name: str
    classes: tuple[str, ...]
    epochs: Mapping[str, int] = field(default_factory=dict)
    split: str = "site"
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    members: int = 1
    seed: int = 0
    device: str = "auto"


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
    """A model was trained; `report` and `path` tell about it."""

    def __init__(self, long: Submit, quick: Submit) -> None:
        self.run = Run(long)
        self.run.stepped.connect(self._on_step)
        self._counting = Latest(quick, self._on_counts, self.run.fail)
        self.sources: list[Path] = []
        self.counts: dict[str, int] = {}
        self.losses: list[Loss] = []
        self.report: Mapping[str, Any] = {}
        self.path: Path | None = None

    def add_source(self, path: Path) -> None:
        """Take in a label project or a patch folder."""
        if path not in self.sources:
            self.sources.append(path)
            self._count()

    def remove_source(self, path: Path) -> None:
        """Leave a source out again."""
        self.sources.remove(path)
        self._count()

    def start(self, request: TrainRequest) -> None:
        """Train; what is wrong with the request is said through the run."""
        if fault := self._fault(request):
            self.run.fail(fault)
            return
        self.losses, self.report, self.path = [], {}, None
        self.losses_changed.emit()
        arguments = {
            "sources": tuple(self.sources),
            "out": _file_of(request.name),
            "classes": request.classes,
            "epochs": dict(request.epochs),
            "split": request.split,
            "preprocessing": request.preprocessing,
            "members": request.members,
            "seed": request.seed,
            "device": request.device,
        }
        self.run.start(Job(f"{_TASKS}:train", arguments, subject="training"), self._on_trained)

    def _fault(self, request: TrainRequest) -> str:
        """Return what is wrong with a request, "" where nothing is."""
        if not self.sources:
            return "no data yet; add a label project or a folder of patches"
        if len(request.classes) < 2:
            return "one class cannot be told from anything; choose at least two"
        if not _NAME.fullmatch(request.name):
            return f"model name {request.name!r}: use letters, digits, spaces, dots and dashes"
        if _file_of(request.name).exists():
            return f"your library has a model {request.name!r} already; choose another name"
        return ""

    def _count(self) -> None:
        self.counts = {}
        self.sources_changed.emit()
        if self.sources:
            arguments = {"sources": tuple(self.sources)}
            self._counting.ask(Job(f"{_TASKS}:count_labels", arguments, subject="counting"))

    def _on_counts(self, counts: dict[str, int]) -> None:
        self.counts = counts
        self.sources_changed.emit()

    def _on_step(self, progress: Progress) -> None:
        detail = progress.detail
        if "loss" in detail:
            self.losses.append(
                Loss(
                    detail["class"],
                    detail["seed"],
                    detail["epoch"],
                    detail["loss"],
                    detail["validation_loss"],
                )
            )
            self.losses_changed.emit()

    def _on_trained(self, result: tuple[Path, Mapping[str, Any]]) -> None:
        self.path, self.report = result
        self.run.finish(f"{self.path.stem} is in your library")
        self.finished.emit()


def _file_of(name: str) -> Path:
    return user_folder() / f"{name}.safetensors"
