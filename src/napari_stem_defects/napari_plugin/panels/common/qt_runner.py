"""Brings the workers' events to the thread that draws the windows."""

from __future__ import annotations

import queue
from itertools import zip_longest
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_stem_defects.workers.messages import Progressed

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.workers.client import Ticket, Worker
    from napari_stem_defects.workers.messages import Event, Job, Listener

_INTERVAL_MS = 25


class QtRunner(QObject):
    """Submits jobs to a worker and delivers their events on Qt's thread, in order.

    A timer that runs while jobs are out fetches the events. Unlike signals across threads this
    behaves the same in every Qt binding, and a worker that reports too often cannot flood the
    event loop: of reports that arrive together and only say how far it is, the last is delivered.

    Parameters
    ----------
    worker : callable
        Returns the worker; called with the first job, so that opening a window starts nothing.
    parent : QObject
        Events stop when it is destroyed.
    """

    def __init__(self, worker: Callable[[], Worker], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._events: queue.SimpleQueue[tuple[Listener, Event]] = queue.SimpleQueue()
        self._out: set[Ticket] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._deliver)

    def submit(self, job: Job, listener: Listener) -> Ticket:
        """Hand in a job; ``listener`` is called on Qt's thread."""
        events = self._events
        ticket = self._worker().submit(job, lambda event: events.put((listener, event)))
        self._out.add(ticket)
        self._timer.start()
        return ticket

    def cancel_all(self) -> None:
        """Cancel every job handed in here and deliver nothing more."""
        self._timer.stop()
        for ticket in self._out:
            ticket.cancel()

    def _deliver(self) -> None:
        arrived = [self._events.get() for _ in range(self._events.qsize())]
        for (listener, event), following in zip_longest(arrived, arrived[1:]):
            if not _is_stale(event, following and following[1]):
                listener(event)
        self._out = {ticket for ticket in self._out if not ticket.done}
        if not self._out and self._events.empty():
            self._timer.stop()


def _is_stale(event: Event, following: Event | None) -> bool:
    """Say whether an event only tells how far a job is, and the one behind it tells it better.

    A worker does one job at a time, so neighbours are of the same job.
    """
    return (
        isinstance(event, Progressed)
        and not event.progress.detail
        and isinstance(following, Progressed)
    )
