"""View model of the live map: a quick model that follows the labels, and how to keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.base.lengths import format_found
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.live_map_request import (
    ClickedFrame,
    FrameKey,
    LiveMap,
    LiveMapRequest,
    PlacedLabel,
)
from napari_stem_defects.jobs.registry import (
    LIVE_MAP,
    TRAIN_QUICK,
    LiveMapArguments,
    TrainQuickArguments,
)
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState, LatestJob, Submit
from napari_stem_defects.napari_plugin.panels.common.model_library import (
    find_name_fault,
    model_path,
)
from napari_stem_defects.napari_plugin.panels.common.shared_state import (
    LibraryEvents,
    library_events,
)
from napari_stem_defects.napari_plugin.panels.label.project_state import NO_IMAGE, NO_PROJECT
from napari_stem_defects.training.recipes import TrainingOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.jobs.training_summary import TrainingSummary
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

_WAITING = "computing the map…"


class LiveMapViewModel:
    """Requests a new map after every change of the labels; only the newest request counts.

    Parameters
    ----------
    labels : LabelViewModel
        The labels to learn from.
    submit : callable
        Submits jobs to the workers.
    read_frame : callable
        Returns the frame shown, for images that the project does not contain yet.
    run : JobState
        Shows the progress of a model that is kept.
    events : LibraryEvents
        Announces it.

    Attributes
    ----------
    is_on : bool
        Whether the map follows the labels.
    found : LiveMap or None
        The map of the frame shown.
    statement : str
        What the map shows, or why there is none, in one line.
    """

    changed = Signal()
    """There is another map, none, or another statement."""

    def __init__(
        self,
        labels: LabelViewModel,
        submit: Submit,
        read_frame: Callable[[], FrameInput | None],
        run: JobState,
        events: LibraryEvents = library_events,
    ) -> None:
        self._labels = labels
        self._read_frame = read_frame
        self._run = run
        self._events = events
        self._newest = LatestJob(submit, self._on_map, self._on_failure)
        self._requested: LiveMapRequest | None = None
        self.is_on = False
        self.found: LiveMap | None = None
        self.statement = ""
        labels.labels_changed.connect(self.refresh)
        labels.classes_changed.connect(self.refresh)

    def switch(self, is_on: bool) -> None:
        """Let the map follow the labels, or remove it."""
        self.is_on = is_on
        self._requested = None
        if is_on:
            self.refresh()
        else:
            self._show(None, "")

    def refresh(self) -> None:
        """Request a map if the labels or the frame shown have changed."""
        if not self.is_on:
            return
        try:
            request = self._request()
        except InputError as error:
            self._show(None, str(error))
            return
        if request == self._requested:
            return
        self._requested = request
        job = LIVE_MAP.job(LiveMapArguments(request), subject="live map")
        stale = self.found is not None and self.found.shown != request.shown
        # A refusal was for earlier labels.
        waiting = _WAITING if self.found is None else self.statement
        self._show(None if stale else self.found, waiting)
        self._newest.request(job)

    def can_keep(self) -> bool:
        """Return whether there are labels to make a model of; state it where there are none."""
        if fault := self._labels.why_empty:
            self._run.fail(fault)
        return not fault

    def keep(self, name: str) -> None:
        """Store a quick model of all labels in the user's library."""
        project = self._labels.project
        fault = NO_PROJECT if project is None else find_name_fault(name)
        if fault or project is None:
            self._run.fail(fault)
            return
        options = TrainingOptions(name=name, recipe="quick")
        arguments = TrainQuickArguments(project.path, model_path(name), options)
        self._run.start(TRAIN_QUICK.job(arguments, subject=name), self._on_kept)

    def _request(self) -> LiveMapRequest:
        """Return all labels of the project and the frame to search; `InputError` without them."""
        project, image = self._labels.project, self._labels.image
        if project is None:
            raise InputError(NO_PROJECT)
        if image is None:
            raise InputError(NO_IMAGE)
        clicked: dict[FrameKey, list[PlacedLabel]] = {}
        for label in project.labels():
            if not label.weak:
                key = FrameKey(label.image, label.frame)
                placed = PlacedLabel(label.y, label.x, label.class_name)
                clicked.setdefault(key, []).append(placed)
        shown = FrameKey(image.sha256, self._labels.frame)
        stored = {(frame.sha256, frame.frame) for frame in project.frames}
        return LiveMapRequest(
            project=project.path,
            clicked=tuple(ClickedFrame(key, tuple(each)) for key, each in clicked.items()),
            classes=tuple(entry.defect_class for entry in self._labels.classes),
            shown=shown,
            pixels=None if shown in stored else self._read_frame(),
        )

    def _on_map(self, found: LiveMap) -> None:
        if not self.is_on or self._requested is None or found.shown != self._requested.shown:
            return  # of another frame, which is shown no more
        area = found.searched_nm2
        kinds = {each.name: each.kind for each in found.classes}
        counts = [format_found(n, name, kinds[name], area) for name, n in found.counts.items()]
        statement = f"{', '.join(counts)} · {found.seconds:.1f} s"
        self._show(found, " ".join((statement, *found.notes)))

    def _on_failure(self, message: str) -> None:
        if self.is_on:
            self._show(None, message)

    def _on_kept(self, kept: TrainingSummary) -> None:
        self._run.finish(f"{kept.path.stem} is in your library · made in {kept.seconds:.1f} s")
        self._events.changed.emit(kept.path.stem)

    def _show(self, found: LiveMap | None, statement: str) -> None:
        self.found, self.statement = found, statement
        self.changed.emit()
