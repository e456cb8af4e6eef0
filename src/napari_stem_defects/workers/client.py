"""Client of one warm worker process.

A thread per worker starts the process with the first job, sends it one job at a time and passes
the events on. It ends the process when a cancelled job does not stop by itself or when a job
overruns its limits, and starts another for the next job.

The process is started as a plain subprocess rather than through `multiprocessing.Process`,
which would run the user's unguarded ``napari.run()`` script a second time.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil

from napari_stem_defects.base.progress import Progress
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.write_lock import remove_free_lock
from napari_stem_defects.workers import array_transport
from napari_stem_defects.workers.messages import (
    Failed,
    FailureReason,
    Finished,
    Job,
    JobEvent,
    JobStarted,
    Listener,
    Progressed,
    Result,
    Stopped,
    unexpected_failure,
)
from napari_stem_defects.workers.parent_connection import start_process

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S = 0.8
"""How long a cancelled job may take to stop before its process is ended."""
SAVING_GRACE_S = 120.0
"""The same for a job that has reported that it saves its result so far."""
WAITING_FACTOR = 5.0
"""How much longer than its limit of processor time a job may take in all."""
_POLL_S = 0.02
_STARTING_AGAIN = Progress("its process was ended; starting again", 0, 1)


class Ticket:
    """A submitted job: its state, and how to cancel it."""

    def __init__(self, job: Job[Any], listener: Listener) -> None:
        self.job = job
        self._listener = listener
        self._cancelled_at: float | None = None
        self._started = False
        self._lock = threading.Lock()
        self._done = threading.Event()

    @property
    def started(self) -> bool:
        """Whether the job has left the queue."""
        return self._started

    @property
    def done(self) -> bool:
        """Whether the last event of this job has been delivered."""
        return self._done.is_set()

    @property
    def cancelled_for_s(self) -> float | None:
        """Seconds since `cancel`, or None if the job is not cancelled."""
        return None if self._cancelled_at is None else time.monotonic() - self._cancelled_at

    def cancel(self) -> None:
        """Request the job to stop; `Stopped` follows within `GRACE_S` unless it finishes first."""
        with self._lock:
            if self._cancelled_at is not None:
                return
            self._cancelled_at = time.monotonic()
            waiting = not self._started
        if waiting:
            self.deliver(Stopped())

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until the job is done or the time is over; return whether it is done."""
        return self._done.wait(timeout_s)

    def start(self) -> bool:
        """Leave the queue; False where the job was cancelled before (for the worker)."""
        with self._lock:
            self._started = self._cancelled_at is None
            return self._started

    def deliver(self, event: JobEvent) -> None:
        """Pass an event to the listener (for the worker)."""
        self._listener(event)
        if not isinstance(event, Progressed):
            self._done.set()


class WorkerLostError(InputError):
    """A job's process died or was ended for overrunning a limit.

    Attributes
    ----------
    loss : {"died", "time", "memory"}
    """

    def __init__(self, message: str, loss: FailureReason) -> None:
        super().__init__(message)
        self.loss = loss


class _Process:
    """A running worker process and the connection to it."""

    def __init__(self) -> None:
        self._popen, self.connection = start_process()
        self.has_started_job = False

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def memory(self) -> int:
        """Bytes held by the process, mapped files aside; 0 where it has just ended."""
        try:
            held = psutil.Process(self.pid).memory_info()
            return int(held.rss - getattr(held, "shared", 0))
        except psutil.Error:
            return 0

    @property
    def processor_s(self) -> float:
        """Processor time used by the process, s; 0 where it has just ended."""
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def hand(self, job: Job[Any]) -> None:
        """Send a job; `has_started_job` is true once the process reports that it runs it."""
        self.has_started_job = False
        array_transport.send(self.connection, job)

    def end(self) -> None:
        self.connection.close()
        self._popen.kill()
        self._popen.wait()


class Worker:
    """Runs jobs one after another in a process of their own.

    Parameters
    ----------
    name : str
        Names the thread, for debuggers.
    """

    def __init__(self, name: str = "worker") -> None:
        self._tickets: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._process: _Process | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Process id of the worker process, None before the first job."""
        process = self._process
        return None if process is None else process.pid

    def submit(self, job: Job[Any], listener: Listener) -> Ticket:
        """Queue a job and return at once.

        Parameters
        ----------
        job : Job
        listener : callable
            Called with every event, **mostly on the worker's thread**; the last one is
            `Finished`, `Failed` or `Stopped`.
        """
        ticket = Ticket(job, listener)
        self._tickets.put(ticket)
        return ticket

    def run(self, job: Job[Result]) -> Result:
        """Run a job, block until it is done and return its result.

        Raises
        ------
        InputError
            With the failure's one-line message.
        WorkerLostError
            The process died or overran a limit.
        """
        return self.begin(job)()

    def begin(self, job: Job[Result]) -> Callable[[], Result]:
        """Queue a job; return a function that blocks until it is done, as `run` does."""
        last: list[JobEvent] = []
        ticket = self.submit(job, last.append)

        def result() -> Result:
            ticket.wait()
            event = last[-1]
            if isinstance(event, Finished):
                found: Result = event.result
                return found
            if not isinstance(event, Failed):
                raise InputError(f"{job.subject}: cancelled")
            if event.lost is not None:
                raise WorkerLostError(event.message, event.lost)
            raise InputError(event.message)

        return result

    def close(self) -> None:
        """Cancel the running job, drop the waiting ones and end the process."""
        self._closing.set()
        self._tickets.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (ticket := self._tickets.get()) is not None:
            if not self._closing.is_set() and ticket.start():
                ticket.deliver(self._attempt(ticket))
        self._end_process()

    def _attempt(self, ticket: Ticket) -> JobEvent:
        """Run one job, again if its process dies and attempts are left; return its last event."""
        event = self._run(ticket)
        for _ in range(1, ticket.job.attempts):
            if not (isinstance(event, Failed) and event.lost == "died"):
                break
            if ticket.cancelled_for_s is not None or self._closing.is_set():
                return Stopped()
            ticket.deliver(Progressed(_STARTING_AGAIN))
            event = self._run(ticket)
        return event

    def _run(self, ticket: Ticket) -> JobEvent:
        warm = self._process
        try:
            return self._follow(ticket, self._running_process())
        except (EOFError, OSError):
            died_idle = (
                self._process is not None and self._process is warm and not warm.has_started_job
            )
            self._end_process(ticket.job)
            return self._run(ticket) if died_idle else _lost_process_failure(ticket.job, "died")
        except Exception as error:
            return unexpected_failure(error)

    def _running_process(self) -> _Process:
        """Return the running process; start one if there is none or it has ended."""
        if self._process is not None and not self._process.alive:
            self._end_process()
        if self._process is None:
            self._process = _Process()
        return self._process

    def _follow(self, ticket: Ticket, process: _Process) -> JobEvent:
        limits = _Limits(ticket.job, process)
        cancel_sent, grace = False, GRACE_S
        process.hand(ticket.job)
        while True:
            if process.connection.poll(_POLL_S):
                event: JobEvent | JobStarted = array_transport.receive(process.connection)
                process.has_started_job = True
                if isinstance(event, Progressed):
                    if event.progress.saving:
                        grace = SAVING_GRACE_S
                    if ticket.cancelled_for_s is None or event.progress.saving:
                        ticket.deliver(event)
                elif isinstance(event, JobStarted):
                    limits.start()
                else:
                    return event
            if ticket.cancelled_for_s is not None and not cancel_sent:
                process.connection.send("cancel")
                cancel_sent = True
            if self._closing.is_set() or (ticket.cancelled_for_s or 0) > grace:
                self._end_process(ticket.job)
                return Stopped()
            if overrun := limits.overrun():
                self._end_process(ticket.job)
                return _lost_process_failure(ticket.job, overrun)

    def _end_process(self, job: Job[Any] | None = None) -> None:
        """End the process, and remove the files of the lock that its job held."""
        if self._process is not None:
            self._process.end()
            self._process = None
        if job is not None and job.locked is not None:
            remove_free_lock(job.locked)


class _Limits:
    """Watches one job's time and its process's memory.

    Time is that of the processor: on a busy computer a sound file waits, but needs no more of it.
    What waits for ever instead of computing, as on a drive that hangs, ends later.
    """

    def __init__(self, job: Job[Any], process: _Process) -> None:
        self._job, self._process = job, process
        self._started: float | None = None
        self._used = 0.0

    def start(self) -> None:
        """Count from now: the start of a process takes no time of its first job."""
        self._started, self._used = time.monotonic(), self._process.processor_s

    @property
    def _waited_s(self) -> float:
        return 0.0 if self._started is None else time.monotonic() - self._started

    def overrun(self) -> FailureReason | None:
        """Return the limit that is overrun."""
        job, limit = self._job, self._job.time_limit_s
        if limit is not None:
            waited = self._waited_s
            # Both are compared only after the limit: looking at a process takes time, too.
            if waited > limit and self._process.processor_s - self._used > limit:
                return "time"
            if waited > WAITING_FACTOR * limit:
                return "time"
        if job.memory_limit is not None and self._process.memory > job.memory_limit:
            return "memory"
        return None


def _lost_process_failure(job: Job[Any], loss: FailureReason) -> Failed:
    """Describe why a job lost its worker process."""
    if loss == "time":
        what = f"no result within {job.time_limit_s:g} s, so it was ended; damaged file?"
    elif loss == "memory":
        limit = (job.memory_limit or 0) / 2**30
        what = f"took more than {limit:.2g} GiB of memory, so it was ended; damaged file?"
    else:
        guess = "damaged file or out of memory?"
        what = f"the worker process died ({guess}); a new one is ready, try again"
    return Failed(f"{job.subject}: {what}", lost=loss)
