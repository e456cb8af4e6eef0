"""Schedulers and workers of Dask as processes of their own, connected over TCP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = "from distributed.cli.dask_{} import main; main()"
_PATIENCE_S = 60
_SOURCE = Path(__file__).parents[2] / "src"


class DaskProcesses:
    """A scheduler, and workers that can be added and killed.

    Parameters
    ----------
    folder : Path
        For the address of the scheduler and the logs.
    before : str
        Code that the scheduler runs first.
    """

    def __init__(self, folder: Path, before: str = "") -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", before, "--host", "127.0.0.1", "--port", "0")
        end = time.monotonic() + _PATIENCE_S
        while not self._file.exists() or not self._file.read_text():
            assert time.monotonic() < end, (folder / "dask.log").read_text()
            time.sleep(0.05)
        self.address: str = json.loads(self._file.read_text())["address"]

    def add_worker(self, before: str = "") -> subprocess.Popen[bytes]:
        """Start a worker of one thread; without a nanny nobody restarts it when it is killed."""
        return self._start("worker", before, "--nthreads", "1", "--no-nanny")

    def _start(self, what: str, before: str, *options: str) -> subprocess.Popen[bytes]:
        code = f"{before}\n{_START.format(what)}"
        command = [sys.executable, "-c", code, *options, "--no-dashboard"]
        path = os.pathsep.join([str(_SOURCE), os.environ.get("PYTHONPATH", "")])
        with (self._folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--scheduler-file", str(self._file)],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": path},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """End all processes, workers first."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@contextmanager
def dask_processes(folder: Path, workers: int = 0, before: str = "") -> Iterator[DaskProcesses]:
    """Yield a scheduler with workers; all end with the context."""
    folder.mkdir()
    started = DaskProcesses(folder, before)
    try:
        for _ in range(workers):
            started.add_worker()
        yield started
    finally:
        started.end()
