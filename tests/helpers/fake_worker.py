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

    jobs: list[Job] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    cancelled: int = 0

    def submit(self, job: Job, listener: Listener) -> _Ticket:
        self.jobs.append(job)
        self.listeners.append(listener)
        return _Ticket(self, listener)

    @property
    def names(self) -> list[str]:
        return [job.function.partition(":")[2] for job in self.jobs]

    def send(self, event: JobEvent, place: int = -1) -> None:
        self.listeners[place](event)

    def progress(self, done: int, total: int, **detail: Any) -> None:
        self.send(Progressed(Progress("scanning", done, total, detail)))

    def finish(self, result: Any, place: int = -1) -> None:
        self.send(Finished(result), place)

    def stop(self) -> None:
        self.send(Stopped())


def submit_at_once(job: Job, listener: Callable[[JobEvent], None]) -> _Ticket:
    """Run the job in this process."""
    try:
        result = resolve(job.function)(
            report=lambda progress: listener(Progressed(progress)), **job.arguments
        )
    except InputError as error:
        listener(Failed(str(error)))
    else:
        listener(Finished(result))
    return _Ticket(FakeWorker(), listener)
