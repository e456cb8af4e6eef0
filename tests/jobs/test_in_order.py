"""Results of several threads come in the order of the items, without too many at a time."""

from __future__ import annotations

import threading
import time

import pytest

from napari_stem_defects.jobs.in_order import in_order


def test_results_are_in_the_order_of_the_items() -> None:
    def later_first(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return number

    for threads in (1, 2, 4):
        assert list(in_order(later_first, range(20), threads)) == list(range(20))
        assert list(in_order(later_first, [], threads)) == []


def test_threads_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)

    def meet(number: int) -> int:
        both.wait()  # raises unless another thread comes
        return number

    assert list(in_order(meet, range(6), 2)) == list(range(6))


def test_few_results_wait() -> None:
    begun: list[int] = []
    results = in_order(lambda number: begun.append(number) or number, range(100), 2)
    assert next(results) == 0
    time.sleep(0.1)
    assert len(begun) <= 4
    results.close()
    time.sleep(0.1)
    assert len(begun) <= 4


def test_an_interrupt_does_not_wait_for_what_is_computed() -> None:
    """A run that is stopped ends at once, and with it the process."""
    release = threading.Event()

    def begin_and_wait(number: int) -> int:
        return number if number == 0 else int(release.wait(60))

    results = in_order(begin_and_wait, range(10), 3)
    assert next(results) == 0
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert time.monotonic() - started < 10
    left = [each for each in threading.enumerate() if each.name == "in order"]
    assert left
    assert all(each.daemon for each in left)
    release.set()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_fault_comes_in_its_place(threads: int) -> None:
    def refuse(number: int) -> int:
        if number == 2:
            raise ZeroDivisionError
        return number

    results = in_order(refuse, range(10), threads)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
