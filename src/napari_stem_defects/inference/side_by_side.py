"""Networks that work side by side on a CPU: each thread on a part of its own.

By default torch divides each layer between its threads, which wait for each other at its end, some
hundred times per tile of an image. Waiting in loops takes the cores from other programs; threads
that sleep (`base.waiting_threads`) wake up too late for layers of less than a millisecond. With a
tile for each thread, none waits.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(compute: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result]:
    """Yield the results for some items, computed on all threads that torch has here.

    Parameters
    ----------
    compute : callable
        Called in several threads at once, each with its share of the threads of torch.
    items : sequence

    Yields
    ------
    Result
        In the order of the items. When the generator is closed, no further item is begun;
        those in work are not waited for.
    """
    threads = torch.get_num_threads()
    together = min(len(items), threads)
    if together < 2:
        yield from map(compute, items)
        return
    pool = ThreadPoolExecutor(together, "part", _begin, (threads // together, threads))
    try:
        for future in [pool.submit(compute, item) for item in items]:
            yield future.result()
        pool.shutdown()  # a thread that begins late would change the number of the next search
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        torch.set_num_threads(threads)


def _begin(own: int, of_others: int) -> None:
    """Set the number of threads of this thread, and of those that use torch for the first time.

    What a thread sets is its own number and the one that new threads take, for good: a search that
    begins while this one runs would be slow. A thread that is not counted undoes the latter.
    """
    torch.get_num_threads()  # or this thread would take the number of new ones later
    torch.set_num_threads(own)
    undo = Thread(target=torch.set_num_threads, args=(of_others,))
    undo.start()
    undo.join()
