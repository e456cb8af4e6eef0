"""One long job as a window shows it: phase, progress, time left, message."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

from psygnal import Signal

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.workers.messages import Event, Failed, Finished, Job, Listener, Progressed

_logger = logging.getLogger(__name__)

Phase = Literal["idle", "waiting", "running", "cancelling", "done", "cancelled", "failed"]
_BUSY = ("waiting", "running", "cancelling")
_GUESS_AFTER_S = 1.0


class Cancellable(Protocol):
    """What `Submit` returns."""

    def cancel(self) -> None:
        """Ask the job to stop."""


Submit = Callable[[Job, Listener], Cancellable]
"""Hands a job to a worker; its events come back on the thread that draws the windows."""


class Run:
    """Starts jobs one at a time and keeps what a window says about them.

    Parameters
    ----------
    submit : callable
        Hands a job to a worker.
    """

    changed = Signal()
    """Anything a window shows has changed."""
    failed = Signal(str)
    """A job failed, with the one-line message."""
    stepped = Signal(Progress)
    """The job reported a step."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._ticket: Cancellable | None = None
        self._on_result: Callable[[Any], None] = _forget
        self._part = (0, 1)
        self._saving = False
        self._started = 0.0
        self.phase: Phase = "idle"
        self.message = ""
        self.fraction = 0.0

    @property
    def busy(self) -> bool:
        """Whether a job is on its way."""
        return self.phase in _BUSY

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time left; None while nobody can say."""
        spent = time.monotonic() - self._started
        if not self.busy or self.fraction <= 0 or spent < _GUESS_AFTER_S:
            return None
        return spent * (1 - self.fraction) / self.fraction

    def start(
        self, job: Job, on_result: Callable[[Any], None], part: tuple[int, int] = (0, 1)
    ) -> None:
        """Run a job.

        Parameters
        ----------
        job : Job
        on_result : callable
            Called with the result; it may start the next part.
        part : (int, int)
            Which of how many parts of the work this is; progress covers all of them.
        """
        if part[0] == 0:
            self._started = time.monotonic()
        self._on_result, self._part, self._saving = on_result, part, False
        self._show("waiting", "waiting for other work to finish", part[0] / part[1])
        self._ticket = self._submit(job, self._on_event)

    def cancel(self) -> None:
        """Stop the job; within a second, whatever it does."""
        if self._ticket is not None and self.phase in ("waiting", "running"):
            self._show("cancelling", "cancelling", self.fraction)
            self._ticket.cancel()

    def fail(self, message: str) -> None:
        """Say that something went wrong."""
        self._show("failed", message, 0.0)
        self.failed.emit(message)

    def finish(self, message: str) -> None:
        """Say that the work is done."""
        self._show("done", message, 1.0)

    def tell(self, message: str) -> None:
        """Say something while working."""
        self._show(self.phase, message, self.fraction)

    def _on_event(self, event: Event) -> None:
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
        self.stepped.emit(progress)
        self._show("running", progress.stage, (part + share) / parts)

    def _show(self, phase: Phase, message: str, fraction: float) -> None:
        self.phase, self.message, self.fraction = phase, message, fraction
        self.changed.emit()


class Latest:
    """Asks a worker again and again, and hears only the newest answer.

    One job is on its way at most; of those asked for meanwhile only the last one follows.
    """

    def __init__(
        self,
        submit: Submit,
        on_result: Callable[[Any], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._submit = submit
        self._on_result = on_result
        self._on_failure = on_failure
        self._running = False
        self._next: Job | None = None
        self._void = False

    def ask(self, job: Job) -> None:
        """Run the job now, or as soon as the running one is done."""
        if self._running:
            self._next = job
            return
        self._running, self._void = True, False
        self._submit(job, self._on_event)

    def forget(self) -> None:
        """Drop what waits, and the answer that is on its way."""
        self._next, self._void = None, True

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progressed):
            return
        self._running = False
        following, self._next = self._next, None
        if not self._void and isinstance(event, Finished):
            self._on_result(event.result)
        elif not self._void and isinstance(event, Failed) and following is None:
            self._on_failure(event.message)
        if following is not None:
            self.ask(following)


def _forget(result: Any) -> None:
    """Do nothing with a result."""
