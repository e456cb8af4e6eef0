"""The worker process: ``python -m napari_stem_defects.workers.server``.

Serves one job after another until its parent hangs up. Nothing here may import Qt: on Windows torch
cannot be loaded after it, and a worker without windows can be ended at any moment.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.out_of_memory import ADVICE, is_out_of_memory
from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.base.waiting_threads import sleep_while_waiting
from napari_stem_defects.errors import InputError
from napari_stem_defects.workers import array_transport
from napari_stem_defects.workers.messages import (
    Failed,
    Finished,
    Job,
    JobEvent,
    JobStarted,
    Progressed,
    Stopped,
    resolve,
    unexpected_failure,
)
from napari_stem_defects.workers.parent_connection import connect_to_parent

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def main() -> None:
    """Meet the parent and serve it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    sleep_while_waiting()
    with connect_to_parent() as connection:
        _Server(connection).serve()


class _Server:
    """Runs jobs on the main thread while a second thread listens for more, or for a cancel."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._jobs: queue.SimpleQueue[Job[Any]] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._sending = threading.Lock()

    def serve(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            job = self._jobs.get()
            self._send(JobStarted())
            event = self._run(job)
            try:
                self._send(event)
            except (AttributeError, TypeError, ValueError) as error:
                self._send(unexpected_failure(error))

    def _listen(self) -> None:
        while True:
            try:
                message = array_transport.receive(self._connection)
            except (EOFError, OSError):
                os._exit(0)  # the parent is gone, so the rest of the work is useless
            except Exception as error:
                self._send(unexpected_failure(error))
                continue
            if isinstance(message, Job):
                self._cancelled.clear()  # here, so that a cancel on its heels is not missed
                self._jobs.put(message)
            else:
                self._cancelled.set()

    def _run(self, job: Job[Any]) -> JobEvent:
        try:
            return Finished(resolve(job.entry_point)(report=self._report, **job.arguments))
        except Cancelled:
            return Stopped()
        except InputError as error:
            return Failed(str(error))
        except Exception as error:
            if is_out_of_memory(error):
                return Failed(f"{job.subject}: not enough memory; {ADVICE}")
            return unexpected_failure(error)

    def _report(self, progress: Progress) -> None:
        if self._cancelled.is_set() and not progress.saving:
            raise Cancelled
        self._send(Progressed(progress))

    def _send(self, event: JobEvent | JobStarted) -> None:
        with self._sending:
            array_transport.send(self._connection, event)


if __name__ == "__main__":
    main()
