"""A worker process is connected to its parent, and leaves nothing in the temporary folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_stem_defects.workers import array_transport
from napari_stem_defects.workers.messages import Finished, Job, JobStarted
from napari_stem_defects.workers.parent_connection import start_process

HELPERS = Path(__file__).parents[1] / "helpers"
TIMEOUT_S = 60

# What a program does with a worker process before it ends.
ENDINGS = {
    "success": "worker.run(Job('task_samples:add', {'a': 1, 'b': 1}, 'a.dm4')); worker.close()",
    "refusal": "worker.run(Job('task_samples:refuse', {}, 'a.dm4'))",
    "the worker is killed": (
        "worker.run(Job('task_samples:add', {'a': 1, 'b': 1}, 'a.dm4'));"
        " os.kill(worker.pid, 9); time.sleep(0.2)"
    ),
    "the parent is killed": (
        "worker.run(Job('task_samples:add', {'a': 1, 'b': 1}, 'a.dm4')); os._exit(3)"
    ),
    "ctrl-c": (
        "worker.submit(Job('task_samples:steps', {'count': 9999, 'pause_s': 0.1}, 'a.dm4'),"
        " print); time.sleep(1); os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
    ),
}


def test_messages_pass_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HELPERS)
    process, connection = start_process()
    with connection:
        array_transport.send(connection, Job("task_samples:add", {"a": 1, "b": 2}, "a.dm4"))
        received = array_transport.receive(connection)
        assert received == JobStarted()
        while not isinstance(received, Finished):
            received = array_transport.receive(connection)
    assert received.result == 3
    assert process.wait(TIMEOUT_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of Windows are no files")
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_temporary_folder_stays_empty(tmp_path: Path, ending: str) -> None:
    code = (
        "import os, signal, time; from napari_stem_defects.workers.client import Worker;"
        " from napari_stem_defects.workers.messages import Job;"
        f" worker = Worker(); {ENDINGS[ending]}"
    )
    path = os.pathsep.join([str(HELPERS), *filter(None, sys.path)])
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": path}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    failed = ending in ("refusal", "the parent is killed", "ctrl-c")
    assert (ended.returncode != 0) == failed, ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_cannot_start_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(HELPERS / "absent"))
    with pytest.raises(OSError, match="absent"):
        start_process()
