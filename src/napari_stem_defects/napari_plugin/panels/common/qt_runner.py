"""Delivery of worker events on the GUI thread."""

from __future__ import annotations

import queue
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.workers import pool
from napari_stem_defects.workers.messages import Progressed

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.workers.client import Ticket, Worker
    from napari_stem_defects.workers.messages import Job, JobEvent, Listener, WorkerName

_INTERVAL_MS = 25


class QtRunner(QObject):
    """Submits jobs to a worker and delivers their events on the GUI thread, in order.

    A timer, active while jobs are running, fetches the events. Unlike signals across threads this
    behaves the same in every Qt binding, and a worker that reports too often cannot flood the
    event loop: of several progress reports that arrive together, only the last is delivered.

    Parameters
    ----------
    worker : callable
        Returns the worker; called with the first job, so that opening a panel starts no process.
    parent : QObject
        Events stop when it is destroyed.
    """

    def __init__(self, worker: Callable[[], Worker], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._events: queue.SimpleQueue[tuple[Listener, JobEvent]] = queue.SimpleQueue()
        self._tickets: set[Ticket] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._deliver)

    def submit(self, job: Job[Any], listener: Listener) -> Ticket:
        """Submit a job.

        Parameters
        ----------
        job : Job
        listener : callable
            Called with each event of the job, on the GUI thread.

        Returns
        -------
        Ticket
            Cancels the job.
        """
        events = self._events
        ticket = self._worker().submit(job, lambda event: events.put((listener, event)))
        self._tickets.add(ticket)
        self._timer.start()
        return ticket

    def cancel_all(self) -> None:
        """Cancel all jobs submitted here and deliver no more events."""
        self._timer.stop()
        for ticket in self._tickets:
            ticket.cancel()

    def _deliver(self) -> None:
        arrived = [self._events.get() for _ in range(self._events.qsize())]
        for (listener, event), following in zip_longest(arrived, arrived[1:]):
            if not _is_superseded(event, following and following[1]):
                listener(event)
        self._tickets = {ticket for ticket in self._tickets if not ticket.done}
        if not self._tickets and self._events.empty():
            self._timer.stop()


class QtRunners:
    """Submits each job to the worker that its task belongs to.

    Parameters
    ----------
    parent : QObject
        Events stop when it is destroyed.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        names: tuple[WorkerName, ...] = ("quick", "long")
        self._runners = {name: QtRunner(partial(pool.get_worker, name), parent) for name in names}

    def submit(self, job: Job[Any], listener: Listener) -> Ticket:
        """Submit a job to its worker; see `QtRunner.submit`."""
        return self._runners[job.worker].submit(job, listener)

    def cancel_all(self) -> None:
        """Cancel all jobs submitted here and deliver no more events."""
        for runner in self._runners.values():
            runner.cancel_all()


def _is_superseded(event: JobEvent, following: JobEvent | None) -> bool:
    """Return whether an event only reports progress and a later report follows it.

    A worker runs one job at a time, so neighbouring events belong to the same job.
    """
    return (
        isinstance(event, Progressed)
        and type(event.progress) is Progress  # its subclasses bring data
        and isinstance(following, Progressed)
    )
