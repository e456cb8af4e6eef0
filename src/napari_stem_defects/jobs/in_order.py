"""Results of several threads, in the order of what they are made of."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from napari_stem_defects.base.blas_threads import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Yield the results of a function, computed by several threads.

    Parameters
    ----------
    function : callable
        Spends most of its time in libraries that let other threads run.
    items : iterable
        Taken one by one: no more than threads are computed or wait to be yielded.
    threads : int
        With one, everything is computed by this thread, with as many threads of matrix products
        as before; otherwise with one each.

    Yields
    ------
    object
        In the order of the items; what a function raises, in the place of its result.
    """
    if threads < 2:
        yield from map(function, items)
        return
    waiting = deque[Future[Result]]()
    with one_blas_thread():
        for item in items:
            if len(waiting) == threads:
                yield waiting.popleft().result()
            waiting.append(_begun(function, item))
        while waiting:
            yield waiting.popleft().result()


def _begun(function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """Return the result to come of a thread that an interrupted run does not wait for."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(function(item))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="in order", daemon=True).start()
    return future
