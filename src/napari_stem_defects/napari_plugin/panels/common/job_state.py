"""State of a job as a panel shows it: phase, progress, time left and message."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Generic, Literal, Protocol

from psygnal import Signal

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.workers.messages import (
    Failed,
    Finished,
    Job,
    JobEvent,
    Listener,
    Progressed,
    Result,
)

_logger = logging.getLogger(__name__)

Phase = Literal["idle", "waiting", "running", "cancelling", "done", "cancelled", "failed"]
_BUSY = ("waiting", "running", "cancelling")
_ESTIMATE_AFTER_S = 1.0


class Cancellable(Protocol):
    """A submitted job that can be cancelled."""

    def cancel(self) -> None:
        """Request the job to stop."""


Submit = Callable[[Job[Any], Listener], Cancellable]
"""Submits a job to a worker; the listener receives its events on the GUI thread."""


class JobState:
    """Runs one job at a time and keeps its state for a panel.

    Parameters
    ----------
    submit : callable
        Submits a job to a worker.

    Attributes
    ----------
    phase : str
        "idle", "waiting", "running", "cancelling", "done", "cancelled" or "failed".
    message : str
        One line for the user.
    fraction : float
        Share of the work that is done, 0 to 1.
    """

    changed = Signal()
    """Phase, message or fraction has changed."""
    failed = Signal(str)
    """A job failed, with the one-line message."""
    progressed = Signal(Progress)
    """The job has reported progress."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._ticket: Cancellable | None = None
        self._on_result: Callable[[Any], None] = _ignore
        self._part = (0, 1)
        self._saving = False
        self._started = 0.0
        self.phase: Phase = "idle"
        self.message = ""
        self.fraction = 0.0

    @property
    def busy(self) -> bool:
        """Whether a job is waiting, running or being cancelled."""
        return self.phase in _BUSY

    @property
    def seconds_left(self) -> float | None:
        """Estimated time left in s; None as long as there is no estimate."""
        elapsed = time.monotonic() - self._started
        if not self.busy or self.fraction <= 0 or elapsed < _ESTIMATE_AFTER_S:
            return None
        return elapsed * (1 - self.fraction) / self.fraction

    def start(
        self, job: Job[Result], on_result: Callable[[Result], None], part: tuple[int, int] = (0, 1)
    ) -> None:
        """Run a job.

        Parameters
        ----------
        job : Job
        on_result : callable
            Called with the result; it may start the next part.
        part : (int, int)
            Index of this part and number of parts; the progress covers all parts.
        """
        if part[0] == 0:
            self._started = time.monotonic()
        self._on_result, self._part, self._saving = on_result, part, False
        waiting = "waiting for other work to finish" if part[0] == 0 else self._of_part("waiting")
        self._show("waiting", waiting, part[0] / part[1])
        self._ticket = self._submit(job, self._on_event)

    def cancel(self) -> None:
        """Stop the job within a second."""
        if self._ticket is not None and self.phase in ("waiting", "running"):
            self._show("cancelling", "cancelling", self.fraction)
            self._ticket.cancel()

    def fail(self, message: str) -> None:
        """End the work with an error message."""
        self._show("failed", message, 0.0)
        self.failed.emit(message)

    def finish(self, message: str) -> None:
        """End the work with a message about its result."""
        self._show("done", message, 1.0)

    def show_message(self, message: str) -> None:
        """Replace the message; phase and progress stay."""
        self._show(self.phase, message, self.fraction)

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, Progressed):
            self._on_progress(event.progress)
            return
        self._ticket = None
        if isinstance(event, Failed):
            if event.details:
                _logger.error("%s\n%s", event.message, event.details)
            self.fail(event.message)
        elif isinstance(event, Finished) and (self.phase != "cancelling" or self._saving):
            self._on_result(event.result)
            if self.busy and self._ticket is None:
                self.finish("done")
        else:
            self._show("cancelled", "cancelled", 0.0)

    def _on_progress(self, progress: Progress) -> None:
        if self.phase == "cancelling":
            if progress.saving:
                self._saving = True
                self._show("cancelling", progress.stage, self.fraction)
            return
        part, parts = self._part
        share = progress.done / progress.total if progress.total else 0.0
        self.progressed.emit(progress)
        self._show("running", self._of_part(progress.stage), (part + share) / parts)

    def _of_part(self, stage: str) -> str:
        """Return a stage with the number of the part, if there are several."""
        part, parts = self._part
        return stage if parts == 1 else f"{part + 1} of {parts}: {stage}"

    def _show(self, phase: Phase, message: str, fraction: float) -> None:
        self.phase, self.message, self.fraction = phase, message, fraction
        self.changed.emit()


class LatestJob(Generic[Result]):
    """Submits jobs of which only the newest result counts.

    At most one job runs at a time. Of the jobs requested meanwhile only the last one is run.

    Parameters
    ----------
    submit : callable
        Submits a job to a worker.
    on_result : callable
        Called with the result of a job.
    on_failure : callable
        Called with the message of a failed job, unless another job follows it.
    """

    def __init__(
        self,
        submit: Submit,
        on_result: Callable[[Result], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._submit = submit
        self._on_result = on_result
        self._on_failure = on_failure
        self._running = False
        self._next: Job[Result] | None = None
        self._is_discarded = False

    def request(self, job: Job[Result]) -> None:
        """Run a job now, or as soon as the running one has ended."""
        if self._running:
            self._next = job
            return
        self._running, self._is_discarded = True, False
        self._submit(job, self._on_event)

    def discard(self) -> None:
        """Drop the waiting job and the result of the running one."""
        self._next, self._is_discarded = None, True

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, Progressed):
            return
        self._running = False
        following, self._next = self._next, None
        if not self._is_discarded and isinstance(event, Finished):
            self._on_result(event.result)
        elif not self._is_discarded and isinstance(event, Failed) and following is None:
            self._on_failure(event.message)
        if following is not None:
            self.request(following)


def _ignore(result: Any) -> None:
    """Ignore a result."""
