"""Frames searched on a Dask cluster.

Tasks hold paths and no pixels, so that the scheduler stays small, and every result is written by
the machine that found it. A frame is forgotten by the cluster as soon as it is finished: otherwise
the scheduler would repeat it when its machine is lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.jobs.cluster_frame import detect_on_cluster, lost_frame
from napari_stem_defects.jobs.cluster_versions import check_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.jobs.batch_frame import FrameTask
    from napari_stem_defects.jobs.executors import Workers

_CONNECT_S = 10.0
_CLOSE_S = 5.0
_LOGGERS = ("distributed", "distributed.client", "distributed.core", "distributed.utils")
_AGAIN = "run the same command again to continue"


@contextmanager
def cluster(address: str, notify: Callable[[str], None] = print) -> Iterator[Workers]:
    """Provide a Dask cluster whose machines see the same folders and have this package installed.

    Parameters
    ----------
    address : str
        Address of the scheduler, such as ``tcp://host:8786``, or the file that ``dask scheduler
        --scheduler-file`` wrote.
    notify : callable
        Takes one line when there is something to wait for.

    Yields
    ------
    Workers
        Frames that are not finished are cancelled with the end of the context.

    Raises
    ------
    InputError
        Dask is not installed, there is no scheduler at the address, or machines of the cluster have
        other versions or lack this package.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--cluster needs Dask; pip install '.[cluster]' from a clone") from None
    if address.endswith(".json"):
        address = _address_in(Path(address))
    _check_scheduler(address)
    with _quiet():
        try:
            client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(_no_scheduler(address, error)) from None
        frames = _Frames(client, address)
        try:
            check_versions(client, address)
            if frames.slots() == 0:
                notify(f"{address}: the cluster has no worker yet; the frames wait for one")
            yield frames
        finally:
            frames.cancel()
            client.close(timeout=_CLOSE_S)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the log of Dask, tracebacks of lost connections among it, from between our lines."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _address_in(file: Path) -> str:
    """Return the address in the file of a scheduler."""
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["address"])
    except FileNotFoundError:
        raise InputError(missing_file(file)) from None
    except (OSError, ValueError, KeyError, TypeError):
        advice = "name the one that 'dask scheduler --scheduler-file' wrote"
        raise InputError(one_line(file, "is not the file of a Dask scheduler", advice)) from None


def _check_scheduler(address: str) -> None:
    """Raise an error where there is no scheduler; a `Client` waits for ever for other programs."""
    from distributed.core import rpc

    async def identify() -> Any:
        async with rpc(address, timeout=_CONNECT_S) as remote:
            return await remote.identity()

    async def identify_in_time() -> Any:
        return await asyncio.wait_for(identify(), _CONNECT_S + 1)

    try:
        found = asyncio.run(identify_in_time())
    except (OSError, ValueError, TypeError) as error:
        raise InputError(_no_scheduler(address, error)) from None
    if found.get("type") != "Scheduler":
        kind = str(found.get("type")).lower()
        raise InputError(f"{address}: is a Dask {kind}; give the address of the scheduler")


def _no_scheduler(address: str, error: Exception) -> str:
    cause = " ".join(str(error).split())[:80] or "nothing came back"
    return f"{address}: no Dask scheduler found ({cause}); start one, or check host and port"


class _Frames:
    """The frames that a cluster is searching."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._lock = threading.Lock()
        self._searched: dict[str, Any] = {}

    def slots(self) -> int:
        """Return how many frames the cluster searches at a time; it may grow meanwhile."""
        try:
            return sum(self._client.nthreads().values())
        except OSError:  # the scheduler was lost; the frames state it
            return 0

    @property
    def ahead(self) -> int:
        """Number of images to open before the first one is finished."""
        return self.slots() + 1

    def submit(self, task: FrameTask, report: ProgressCallback) -> Future[None]:
        """Hand a frame to the cluster; its progress is that of whole frames."""
        future: Future[None] = Future()
        try:
            remote = self._client.submit(detect_on_cluster, task, pure=False)
        except Exception as error:  # whatever the client raises once it has lost its scheduler
            raise self._lost(str(error)) from None
        with self._lock:
            self._searched[remote.key] = remote
        future.add_done_callback(partial(self._forget, remote.key))
        remote.add_done_callback(partial(self._settle, task, future))
        return future

    def cancel(self) -> None:
        """Cancel all frames that are not finished."""
        with self._lock:
            left, self._searched = list(self._searched.values()), {}
        if left and self._client.status == "running":
            self._client.cancel(left)

    def _forget(self, key: str, future: Future[None]) -> None:
        """Drop the frame here and, with the last reference to it, on the cluster."""
        with self._lock:
            remote = self._searched.pop(key, None)
        if remote is not None and future.cancelled():
            remote.cancel()

    def _settle(self, task: FrameTask, future: Future[None], remote: Any) -> None:
        if not future.set_running_or_notify_cancel():
            return
        if remote.status == "finished":
            future.set_result(None)
        elif remote.status == "error":
            future.set_exception(_readable(task, remote.exception()))
        else:
            future.set_exception(self._lost("it has ended or the connection broke"))

    def _lost(self, cause: str) -> InputError:
        cause = " ".join(cause.split())[:80]
        return InputError(f"{self._address}: the scheduler was lost ({cause}); {_AGAIN}")


def _readable(task: FrameTask, error: BaseException) -> BaseException:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return lost_frame(task, error.allowed_failures + 1)
    return error
