"""Executors for the frames of a batch on this machine: this process, its threads, or processes.

That of a Dask cluster is in `cluster`.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.cores import usable_cores
from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.jobs.batch_frame import FrameTask, detect_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_stem_defects.base.progress import Progress, ProgressCallback


class Workers(Protocol):
    """What searches the frames of a batch."""

    @property
    def ahead(self) -> int:
        """Number of images to open before the first one is finished, to keep all of it busy."""

    def submit(self, task: FrameTask, report: ProgressCallback, /) -> Future[None]:
        """Begin to search a frame."""


class FrameExecutor(NamedTuple):
    """An executor of frame tasks that does not grow.

    Attributes
    ----------
    submit : callable
        Takes a task and a progress callback, returns a future.
    ahead : int
        Number of images opened before the first one is finished, to keep all processes busy.
    """

    submit: Callable[[FrameTask, ProgressCallback], Future[None]]
    ahead: int


def _in_this_process(task: FrameTask, report: ProgressCallback) -> Future[None]:
    future: Future[None] = Future()
    try:
        detect_task(task, report, alone=True)
        future.set_result(None)
    except Cancelled:
        raise
    except Exception as error:  # as a future of another process has it
        future.set_exception(error)
    return future


HERE = FrameExecutor(_in_this_process, ahead=0)


# More frames at once take more memory; larger ones keep all cores busy by themselves.
_MOST_THREADS = 4
_LARGEST_PX = 2**22


def threads_for(frames: int, shape: tuple[int, int]) -> int:
    """Return how many frames to work on at the same time: large ones and images one by one."""
    return 1 if _is_large(shape) else min(frames, usable_cores(), _MOST_THREADS)


def _is_large(shape: tuple[int, int]) -> bool:
    return math.prod(shape) > _LARGEST_PX


@contextmanager
def threads(count: int | None = None) -> Iterator[FrameExecutor]:
    """Provide threads of this process that search the frames of a stack side by side.

    While one frame is drawn, measured and written on one core, the networks search the next ones.
    All share one copy of the stack and of the networks. Images and large frames are searched one
    after another, each on all cores.

    Parameters
    ----------
    count : int, optional
        Number of threads; by default one per core, at most four.

    Yields
    ------
    FrameExecutor
        Its threads end with the context, after their frames.
    """
    cores = usable_cores()
    count = min(cores, _MOST_THREADS) if count is None else count
    stopped, reporting = threading.Event(), threading.Lock()
    pool = ThreadPoolExecutor(count, "frame")

    def search(task: FrameTask, report: ProgressCallback) -> None:
        def report_alone(progress: Progress) -> None:
            if stopped.is_set():
                raise Cancelled
            with reporting:
                report(progress)

        with one_blas_thread():
            detect_task(task, report_alone, max(1, cores // count))

    def submit(task: FrameTask, report: ProgressCallback) -> Future[None]:
        if task.of < 2 or count < 2 or _is_large(task.image.read().frame_shape):
            return _in_this_process(task, report)
        return pool.submit(search, task, report)

    try:
        yield FrameExecutor(submit, ahead=0)
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


@contextmanager
def processes(count: int) -> Iterator[FrameExecutor]:
    """Provide several processes, each of which searches one frame at a time.

    Parameters
    ----------
    count : int
        Number of processes.

    Yields
    ------
    FrameExecutor
        Its processes end with the context.
    """
    threads = max(1, usable_cores() // count)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, _prepare_process, (threads,))
    try:
        yield FrameExecutor(lambda task, report: pool.submit(detect_task, task), ahead=count + 1)
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()  # unfinished frames leave nothing behind
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_process(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is loaded, later
