"""Tests of networks that work side by side."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

import pytest
import torch

from napari_stem_defects.inference import side_by_side as module
from napari_stem_defects.inference.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_results_come_in_order_and_threads_share_those_of_torch(count: int) -> None:
    together, at_once = min(4, max(1, count)), threading.Barrier(min(2, max(1, count)))

    def compute(number: int) -> tuple[int, int]:
        if number < 2:
            at_once.wait(timeout=20)  # two at least are in work at the same time
        return number, torch.get_num_threads()

    assert list(side_by_side(compute, range(count))) == [
        (number, 4 // together) for number in range(count)
    ]
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_later_threads_have_as_many_as_before() -> None:
    list(side_by_side(lambda _: torch.ones(9).sum(), range(8)))
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [4]


@pytest.mark.usefixtures("four_threads")
def test_no_thread_begins_after_the_last_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would set the number of threads of whatever comes next, and so the last digits of sums."""
    begin, begun = module._begin, itertools.count()

    def late(own: int, of_others: int) -> None:
        if next(begun):
            time.sleep(0.3)
        begin(own, of_others)

    monkeypatch.setattr(module, "_begin", late)
    assert list(side_by_side(lambda number: number, range(9))) == list(range(9))
    assert not [each for each in threading.enumerate() if each.name.startswith("part")]


@pytest.mark.usefixtures("four_threads")
def test_a_thread_that_first_uses_torch_meanwhile_has_as_many_for_good() -> None:
    seen: list[int] = []
    begun, ended = threading.Barrier(5), threading.Event()

    def other() -> None:
        begun.wait(timeout=20)  # all four workers have begun
        seen.append(torch.get_num_threads())
        ended.set()
        seen.append(len(list(side_by_side(lambda _: torch.get_num_threads(), range(4)))))
        seen.append(torch.get_num_threads())

    def compute(_: int) -> int:
        begun.wait(timeout=20)
        assert ended.wait(timeout=20)
        torch.ones(300, 300) @ torch.ones(300, 300)  # torch looks up its number here
        return torch.get_num_threads()

    thread = threading.Thread(target=other)
    thread.start()
    assert list(side_by_side(compute, range(4))) == [1] * 4
    thread.join()
    assert seen == [4, 4, 4]


@pytest.mark.usefixtures("four_threads")
def test_after_a_fault_or_an_end_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def compute(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ValueError("second")
        time.sleep(0.01)
        return number

    with pytest.raises(ValueError, match="second"):
        list(side_by_side(compute, range(1000)))
    results = side_by_side(compute, [0, *range(2, 1000)])
    assert next(results) == 0
    results.close()
    time.sleep(0.1)
    seen = len(begun)
    time.sleep(0.1)
    assert len(begun) == seen < 1000
