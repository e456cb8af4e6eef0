"""The worker process as its parent sees it: messages, cancellation and end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from napari_stem_defects.workers import array_transport
from napari_stem_defects.workers.messages import (
    Failed,
    Finished,
    Job,
    JobStarted,
    Progressed,
    Stopped,
)
from napari_stem_defects.workers.parent_connection import start_process

if TYPE_CHECKING:
    from collections.abc import Iterator

HELPERS = Path(__file__).parents[1] / "helpers"
TIMEOUT_S = 20


class Process:
    """A worker process and the connection to it."""

    def __init__(self) -> None:
        self.popen, self.connection = start_process()

    def send(self, name: str, **arguments: object) -> None:
        array_transport.send(self.connection, Job(f"task_samples:{name}", arguments, "a.dm4"))

    def receive(self) -> Any:
        assert self.connection.poll(TIMEOUT_S)
        return array_transport.receive(self.connection)

    def receive_last(self) -> Any:
        while isinstance(event := self.receive(), Progressed | JobStarted):
            pass
        return event


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.syspath_prepend(HELPERS)
    made = Process()
    yield made
    made.connection.close()
    made.popen.kill()
    made.popen.wait()


def test_a_job_starts_reports_progress_and_finishes(process: Process) -> None:
    process.send("add", a=2, b=3)
    assert process.receive() == JobStarted()
    progressed = process.receive()
    assert isinstance(progressed, Progressed)
    assert progressed.progress.stage == "adding"
    assert process.receive() == Finished(5)


def test_jobs_of_one_process_follow_one_another(process: Process) -> None:
    process.send("refuse")
    process.send("no_such_task")
    process.send("unsendable")
    process.send("no_memory", text="")
    process.send("add", a=1, b=1)
    refused, unknown, unsendable, memory, last = (process.receive_last() for _ in range(5))
    assert refused == Failed("a.dm4: empty file; export it again")
    assert "no_such_task" in unknown.message
    assert isinstance(unsendable, Failed)
    assert memory.message.startswith("a.dm4: not enough memory")
    assert last == Finished(2)


def test_a_cancelled_job_stops_and_the_next_one_runs(process: Process) -> None:
    process.send("steps", count=1000, pause_s=0.02)
    assert process.receive() == JobStarted()
    process.connection.send("cancel")
    assert process.receive_last() == Stopped()
    process.send("add", a=1, b=1)
    assert process.receive_last() == Finished(2)


def test_the_process_ends_with_its_connection(process: Process) -> None:
    process.connection.close()
    assert process.popen.wait(TIMEOUT_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process")
def test_ctrl_c_is_left_to_the_parent(process: Process) -> None:
    process.send("add", a=1, b=1)
    assert process.receive_last() == Finished(2)  # it has started
    process.popen.send_signal(signal.SIGINT)
    process.send("add", a=1, b=1)
    assert process.receive_last() == Finished(2)


def test_printed_text_does_not_reach_the_parent(
    process: Process, capfd: pytest.CaptureFixture[str]
) -> None:
    process.send("chatter")
    assert process.receive_last() == Finished("done")
    process.connection.close()
    process.popen.wait(TIMEOUT_S)
    assert capfd.readouterr() == ("", "")
