"""A worker whose events the test sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.errors import InputError
from napari_stem_defects.workers.messages import (
    Failed,
    Finished,
    Job,
    JobEvent,
    Listener,
    Progressed,
    Stopped,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class _Ticket:
    worker: FakeWorker
    listener: Listener

    def cancel(self) -> None:
        self.worker.cancelled += 1


@dataclass
class FakeWorker:
    """Keeps the submitted jobs; the test sends their events."""

    jobs: list[Job[Any]] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    cancelled: int = 0

    def submit(self, job: Job[Any], listener: Listener) -> _Ticket:
        self.jobs.append(job)
        self.listeners.append(listener)
        return _Ticket(self, listener)

    @property
    def names(self) -> list[str]:
        return [job.entry_point.partition(":")[2] for job in self.jobs]

    def send(self, event: JobEvent, place: int = -1) -> None:
        self.listeners[place](event)

    def progress(self, done: int, total: int) -> None:
        self.report(Progress("scanning", done, total))

    def report(self, progress: Progress) -> None:
        self.send(Progressed(progress))

    def finish(self, result: Any, place: int = -1) -> None:
        self.send(Finished(result), place)

    def stop(self) -> None:
        self.send(Stopped())


@dataclass
class FakeWorkers:
    """A fake worker for quick and one for long work; each job goes to the one it belongs to."""

    long: FakeWorker = field(default_factory=FakeWorker)
    quick: FakeWorker = field(default_factory=FakeWorker)

    def submit(self, job: Job[Any], listener: Listener) -> _Ticket:
        return (self.long if job.worker == "long" else self.quick).submit(job, listener)


def submit_at_once(job: Job[Any], listener: Callable[[JobEvent], None]) -> _Ticket:
    """Run the job in this process."""
    try:
        result = resolve(job.entry_point)(
            report=lambda progress: listener(Progressed(progress)), **job.arguments
        )
    except InputError as error:
        listener(Failed(str(error)))
    else:
        listener(Finished(result))
    return _Ticket(FakeWorker(), listener)
