"""Jobs for the worker's tests; imported by the worker process."""

from __future__ import annotations

import os
import signal as signals
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.progress import Progress, ProgressCallback
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.write_lock import WriteLock

if TYPE_CHECKING:
    import numpy as np


def add(*, a: int, b: int, report: ProgressCallback) -> int:
    report(Progress("adding", 1, 1))
    return a + b


def variable(*, key: str, report: ProgressCallback) -> tuple[str | None, bool]:
    """Return a variable of the environment, and whether torch is loaded."""
    return os.environ.get(key), "torch" in sys.modules


def double(*, array: np.ndarray, report: ProgressCallback) -> np.ndarray:
    return array * 2


def steps(*, count: int, pause_s: float, report: ProgressCallback) -> int:
    for done in range(count):
        report(Progress("stepping", done, count))
        time.sleep(pause_s)
    return count


def deaf(*, seconds: float, report: ProgressCallback) -> None:
    report(Progress("not listening", 0, 1))
    time.sleep(seconds)


def locked_and_deaf(*, out: Path, seconds: float, report: ProgressCallback) -> None:
    with WriteLock(out, "training", "file"):
        deaf(seconds=seconds, report=report)


def wait(*, seconds: float, report: ProgressCallback) -> float:
    time.sleep(seconds)
    return seconds


def compute(*, seconds: float, report: ProgressCallback) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def refuse(*, report: ProgressCallback) -> None:
    raise ReadError("a.dm4: empty file; export it again")


def stumble(*, report: ProgressCallback) -> None:
    raise RuntimeError("first line\nsecond line")


def crash(*, report: ProgressCallback) -> None:
    os.kill(os.getpid(), signals.SIGABRT)


def chatter(*, report: ProgressCallback) -> str:
    print("x" * 200_000)
    return "done"


def unsendable(*, report: ProgressCallback) -> object:
    return lambda: None


def gui_modules(*, report: ProgressCallback) -> list[str]:
    return [name for name in sys.modules if name.split(".")[0] in ("qtpy", "PyQt6", "napari")]


def process_id(*, report: ProgressCallback) -> int:
    return os.getpid()


def greedy(*, megabytes: int, report: ProgressCallback) -> int:
    block = bytearray(megabytes * 2**20)
    time.sleep(60)
    return len(block)


def unlucky(*, counter: str, deaths: int, report: ProgressCallback) -> int:
    """Die on the first runs, then succeed."""
    path = Path(counter)
    runs = len(path.read_text()) if path.exists() else 0
    path.write_text("x" * (runs + 1))
    if runs < deaths:
        os.kill(os.getpid(), signals.SIGKILL)
    return runs


def no_memory(*, text: str, report: ProgressCallback) -> None:
    raise RuntimeError(text) if text else MemoryError


def read_micrograph(*, path: Path, signal: object = None, report: ProgressCallback) -> None:
    if path.name.startswith("crash"):
        os.kill(os.getpid(), signals.SIGSEGV)
    if path.name.startswith("bloat"):
        greedy(megabytes=600, report=report)
    time.sleep(60)


read_patches = read_micrograph


def open_micrograph(
    *, path: Path, whole_bytes: int, signal: object = None, report: ProgressCallback
) -> None:
    read_micrograph(path=path, signal=signal, report=report)
