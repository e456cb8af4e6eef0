"""The worker process: events, cancelling, crashes."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.workers import client as worker_module
from napari_stem_defects.workers.client import WAITING_FACTOR, Worker
from napari_stem_defects.workers.messages import (
    Failed,
    Finished,
    Job,
    JobEvent,
    Progressed,
    Stopped,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "helpers")
        made = Worker()
        made.run(job("add", a=0, b=0))
        yield made
        made.close()


def job(name: str, time_limit_s: float | None = None, **arguments: object) -> Job[Any]:
    return Job(f"task_samples:{name}", arguments, subject="a.dm4", time_limit_s=time_limit_s)


def events_of(worker: Worker, submitted: Job[Any]) -> list[JobEvent]:
    events: list[JobEvent] = []
    assert worker.submit(submitted, events.append).wait(20)
    return events


def test_progress_then_result(worker: Worker) -> None:
    events = events_of(worker, job("add", a=2, b=3))
    assert isinstance(events[0], Progressed)
    assert events[0].progress.stage == "adding"
    assert events[1:] == [Finished(5)]


def test_arrays_cross_both_ways(worker: Worker) -> None:
    array = np.arange(2_000_000, dtype=np.float32).reshape(2, 1000, 1000)
    np.testing.assert_array_equal(worker.run(job("double", array=array)), array * 2)


def test_threads_sleep_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "helpers")
    made = Worker()
    try:
        assert made.run(job("variable", key="OMP_WAIT_POLICY")) == ("PASSIVE", False)
    finally:
        made.close()


def test_the_process_stays_warm(worker: Worker) -> None:
    assert worker.run(job("process_id")) == worker.run(job("process_id")) == worker.pid


def test_jobs_queue_up_in_order(worker: Worker) -> None:
    results: list[JobEvent] = []
    tickets = [worker.submit(job("double", array=n), results.append) for n in range(5)]
    assert all(ticket.wait(20) for ticket in tickets)
    assert [event.result for event in results if isinstance(event, Finished)] == [0, 2, 4, 6, 8]


def test_fault_of_the_input_is_one_line(worker: Worker) -> None:
    assert events_of(worker, job("refuse")) == [Failed("a.dm4: empty file; export it again")]
    with pytest.raises(InputError, match="empty file"):
        worker.run(job("refuse"))


def test_our_fault_keeps_the_traceback_apart(worker: Worker) -> None:
    (event,) = events_of(worker, job("stumble"))
    assert isinstance(event, Failed)
    assert event.message == "unexpected RuntimeError: first line"
    assert "second line" in event.details


@pytest.mark.parametrize("name", ["no_such_task", "unsendable"])
def test_bad_tasks_fail_without_hanging(worker: Worker, name: str) -> None:
    (event,) = events_of(worker, job(name))
    assert isinstance(event, Failed)
    assert worker.run(job("add", a=1, b=1)) == 2


def test_arguments_that_cannot_cross_fail(worker: Worker) -> None:
    (event,) = events_of(worker, job("double", array=lambda: None))
    assert isinstance(event, Failed)
    assert worker.run(job("add", a=1, b=1)) == 2


def test_printing_libraries_do_no_harm(worker: Worker) -> None:
    assert worker.run(job("chatter")) == "done"


def test_cancel_is_prompt_and_keeps_the_process(worker: Worker) -> None:
    pid = worker.run(job("process_id"))
    events: list[JobEvent] = []
    ticket = worker.submit(job("steps", count=1000, pause_s=0.02), events.append)
    wait_for(lambda: bool(events))
    started = time.monotonic()
    ticket.cancel()
    assert ticket.wait(10)
    assert time.monotonic() - started < 5  # of 20
    assert events[-1] == Stopped()
    assert worker.run(job("process_id")) == pid


def test_a_job_cancelled_while_waiting_never_starts(worker: Worker) -> None:
    first = worker.submit(job("steps", count=10, pause_s=0.02), lambda event: None)
    events: list[JobEvent] = []
    second = worker.submit(job("add", a=1, b=1), events.append)
    second.cancel()
    assert events == [Stopped()]
    assert not first.done
    assert first.wait(5)
    assert worker.run(job("add", a=1, b=1)) == 2
    assert events == [Stopped()]


def test_a_deaf_job_is_ended_and_replaced(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "GRACE_S", 0.2)
    pid = worker.run(job("process_id"))
    events: list[JobEvent] = []
    ticket = worker.submit(job("deaf", seconds=60), events.append)
    wait_for(lambda: bool(events))
    ticket.cancel()
    assert ticket.wait(5)
    assert events[1:] == [Stopped()]
    assert worker.run(job("process_id")) != pid


def test_time_limit(worker: Worker) -> None:
    *_, event = events_of(worker, job("deaf", time_limit_s=0.2, seconds=60))
    assert isinstance(event, Failed)
    assert event.message.startswith("a.dm4: no result within 0.2 s")


def test_a_job_that_computes_longer_than_its_limit_is_ended(worker: Worker) -> None:
    assert worker.run(job("add", a=1, b=2)) == 3  # starting is not counted
    started = time.monotonic()
    *_, event = events_of(worker, job("compute", time_limit_s=0.5, seconds=60))
    assert isinstance(event, Failed)
    assert event.lost == "time"
    assert time.monotonic() - started < 20


def test_a_job_that_waits_for_the_processor_has_more_time(worker: Worker) -> None:
    assert worker.run(job("add", a=1, b=2)) == 3
    seconds = 0.4 * WAITING_FACTOR
    assert worker.run(job("wait", time_limit_s=0.8, seconds=seconds)) == seconds


def test_a_crash_is_one_line_and_the_next_job_runs(worker: Worker) -> None:
    (event,) = events_of(worker, job("crash"))
    assert isinstance(event, Failed)
    assert event.message.startswith("a.dm4: the worker process died")
    assert "\n" not in event.message
    assert worker.run(job("add", a=1, b=2)) == 3


def test_memory_limit(worker: Worker) -> None:
    greedy = replace(job("greedy", megabytes=600), memory_limit=400 * 2**20)
    started = time.monotonic()
    (event,) = events_of(worker, greedy)
    assert isinstance(event, Failed)
    assert event.lost == "memory"
    assert event.message.startswith("a.dm4: took more than 0.39 GiB of memory")
    assert time.monotonic() - started < 30
    assert worker.run(job("add", a=1, b=2)) == 3


@pytest.mark.parametrize(("deaths", "attempts"), [(1, 2), (2, 3)])
def test_a_job_that_may_is_started_again(
    worker: Worker, tmp_path: Path, deaths: int, attempts: int
) -> None:
    again = job("unlucky", counter=str(tmp_path / "runs"), deaths=deaths)
    *steps, last = events_of(worker, replace(again, attempts=attempts))
    assert last == Finished(deaths)
    assert all(isinstance(step, Progressed) for step in steps)
    assert len(steps) == deaths


def test_attempts_come_to_an_end(worker: Worker, tmp_path: Path) -> None:
    again = job("unlucky", counter=str(tmp_path / "runs"), deaths=9)
    *_, last = events_of(worker, replace(again, attempts=3))
    assert isinstance(last, Failed)
    assert last.lost == "died"
    assert (tmp_path / "runs").read_text() == "xxx"


def test_a_process_that_died_idle_is_replaced_unseen(worker: Worker) -> None:
    pid = worker.run(job("process_id"))
    psutil.Process(pid).kill()
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")
    assert worker.run(job("add", a=1, b=2)) == 3


def test_a_process_that_is_just_dying_is_replaced_unseen(worker: Worker) -> None:
    # Submitted before the operating system reports the end: the job is lost before it starts.
    for n in range(10):
        psutil.Process(worker.run(job("process_id"))).kill()
        assert worker.run(job("add", a=n, b=1)) == n + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_too_little_memory_is_one_line(worker: Worker, text: str) -> None:
    (event,) = events_of(worker, job("no_memory", text=text))
    assert isinstance(event, Failed)
    assert event.message.startswith("a.dm4: not enough memory; ")
    assert event.details == ""


def test_no_qt_in_the_worker(worker: Worker) -> None:
    assert worker.run(job("gui_modules")) == []


def test_a_process_that_is_ended_leaves_no_lock(worker: Worker, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    deaf = replace(job("locked_and_deaf", out=out, seconds=30), locked=out)
    started, events = threading.Event(), list[JobEvent]()

    def listen(event: JobEvent) -> None:
        events.append(event)
        started.set()

    ticket = worker.submit(deaf, listen)
    assert started.wait(20)
    assert list(tmp_path.iterdir())
    ticket.cancel()
    assert ticket.wait(20)
    assert events[-1] == Stopped()
    assert list(tmp_path.iterdir()) == []


def test_close_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "helpers")
    closing = Worker()
    busy = threading.Event()
    closing.submit(job("steps", count=1000, pause_s=0.02), lambda event: busy.set())
    assert busy.wait(20)
    pid = closing.pid
    closing.close()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def wait_for(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
