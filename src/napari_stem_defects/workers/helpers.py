"""Helper processes that share the measuring of one large image.

Networks and filters of a large image use all cores. What follows, planes, sites and lines measured
one by one, is Python code, of which one process runs no more than one thread at a time. Helpers
take blocks of the items of `base.for_each` from the end while this process begins at the start, so
that none waits for long. A helper that dies leaves its block to this process.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.cores import usable_cores
from napari_stem_defects.base.for_each import in_turn, provided
from napari_stem_defects.errors import InputError
from napari_stem_defects.workers.client import Worker
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.float32] | None

LEAST_PX = 2**21
"""Pixels of an image from which helpers, which start within half a second, save time."""
MOST_BYTES = 2**27
"""Bytes of all copies of the image that helpers hold."""
_MOST_HELPERS = 3
_BLOCKS_EACH = 8
_TASKS = "napari_stem_defects.workers.helper_tasks"
_MODULES = (
    "napari_stem_defects.detection.measured_points",
    "napari_stem_defects.detection.placed_lines",
    "napari_stem_defects.detection.planar_checks",
    "napari_stem_defects.postprocessing.region_shapes",
)


def helpers_for(pixels: NDArray[np.float32]) -> AbstractContextManager[None]:
    """Provide helpers for the search of an image, where it is large enough and there are cores.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)

    Returns
    -------
    context manager
        In which `base.for_each.for_each` divides its items.
    """
    count = min(usable_cores() - 1, _MOST_HELPERS, MOST_BYTES // max(1, pixels.nbytes))
    return _helpers(count) if count > 0 and pixels.size >= LEAST_PX else nullcontext()


@contextmanager
def _helpers(count: int) -> Iterator[None]:
    helpers = Helpers(count)
    try:
        with provided(helpers.for_each):
            yield
    finally:
        helpers.close()


class Helpers:
    """Processes that call functions for items of an image.

    Parameters
    ----------
    count : int
        Number of processes; they start at once.
    """

    def __init__(self, count: int) -> None:
        self._helpers = [_Helper(number) for number in range(count)]

    def for_each(
        self,
        function: Callable[[Any, Any, Any], Any],
        image: Image,
        common: Any,
        items: Sequence[Any],
        /,
    ) -> list[Any]:
        """Return the results of a function; see `base.for_each.for_each`."""
        count = len(items)
        size = max(1, count // (_BLOCKS_EACH * (len(self._helpers) + 1)))
        left = deque(range(first, min(first + size, count)) for first in range(0, count, size))
        results: dict[int, Any] = {}
        call = _Call(function, image, common, items, left, results)
        threads = [
            threading.Thread(target=each.share, args=(call,), daemon=True)
            for each in self._helpers
            if each.is_usable and len(left) > 1
        ]
        with one_blas_thread():
            for thread in threads:
                thread.start()
            try:
                call.work_through(deque.popleft, self._here)
            except BaseException:
                left.clear()
                raise
            for thread in threads:
                thread.join()
            call.work_through(deque.popleft, self._here)  # what a helper that died left
        return [results[number] for number in range(count)]

    @staticmethod
    def _here(call: _Call, block: range) -> list[Any]:
        items = [call.items[number] for number in block]
        return in_turn(call.function, call.image, call.common, items)

    def close(self) -> None:
        """End the processes."""
        for each in self._helpers:
            each.close()


class _Call:
    """One call of `Helpers.for_each`: numbers of the items that are left, in blocks; results."""

    def __init__(
        self,
        function: Callable[[Any, Any, Any], Any],
        image: Image,
        common: Any,
        items: Sequence[Any],
        left: deque[range],
        results: dict[int, Any],
    ) -> None:
        self.function, self.image, self.common, self.items = function, image, common, items
        self.left, self.results = left, results

    def work_through(
        self,
        take: Callable[[deque[range]], range],
        compute: Callable[[_Call, range], list[Any]],
    ) -> None:
        """Compute blocks until none is left."""
        while True:
            try:
                block = take(self.left)
            except IndexError:
                return
            try:
                self.results.update(zip(block, compute(self, block), strict=True))
            except BaseException:
                self.left.append(block)
                raise


class _Helper:
    """One process, and what it holds."""

    def __init__(self, number: int) -> None:
        self._worker = Worker(f"helper {number}")
        self._image: Image = None
        self.is_usable = True
        self._worker.begin(self._job("prepare", modules=_MODULES))

    @staticmethod
    def _job(name: str, **arguments: Any) -> Job[Any]:
        return Job(f"{_TASKS}:{name}", arguments, subject="a helper process")

    def share(self, call: _Call) -> None:
        """Compute blocks of a call, from the last one; where that fails, leave them and end."""
        try:
            if call.image is not None and call.image is not self._image:
                self._image = None
                self._worker.run(self._job("hold_image", image=call.image))
                self._image = call.image
            self._worker.run(self._job("hold_common", common=call.common))
            call.work_through(deque.pop, self._there)
        except InputError:
            self.is_usable = False

    def _there(self, call: _Call, block: range) -> list[Any]:
        found: list[Any] = self._worker.run(
            self._job(
                "call",
                function=f"{call.function.__module__}:{call.function.__qualname__}",
                with_image=call.image is not None,
                items=[call.items[number] for number in block],
            )
        )
        return found

    def close(self) -> None:
        self._worker.close()
