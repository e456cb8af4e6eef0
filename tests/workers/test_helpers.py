"""Helper processes compute items of an image; the results are those of one process."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import helped_functions as functions
import numpy as np
import pytest

from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.workers import helpers as module
from napari_stem_defects.workers.helpers import LEAST_PX, Helpers, helpers_for

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = np.random.default_rng(0).random((16, 16), np.float32)


@pytest.fixture(scope="module")
def helpers() -> Iterator[Helpers]:
    made = Helpers(1)
    try:
        made.for_each(functions.where, None, None, range(8))  # it has started
        yield made
    finally:
        made.close()


def test_items_are_divided_and_results_in_order(helpers: Helpers) -> None:
    found = helpers.for_each(functions.where, None, None, range(40))
    assert [item for item, _ in found] == list(range(40))
    processes = [process for _, process in found]
    assert processes[0] == os.getpid() != processes[-1]
    assert len(set(processes)) == 2
    assert helpers.for_each(functions.where, None, None, []) == []


def test_the_image_and_what_is_common_are_those_of_the_call(helpers: Helpers) -> None:
    items = [(y, x) for y in range(16) for x in range(0, 16, 4)]
    for image, factor in ((IMAGE, 1.0), (IMAGE, 2.0), (1 - IMAGE, 2.0)):
        found = helpers.for_each(functions.value, image, factor, items)
        assert found == [float(image[item]) * factor for item in items]


def test_an_image_is_sent_once(helpers: Helpers, monkeypatch: pytest.MonkeyPatch) -> None:
    image, sent = IMAGE + 1, list[str]()
    run = module.Worker.run

    def noted(worker: Any, job: Any) -> Any:
        sent.append(job.entry_point.rpartition(":")[2])
        return run(worker, job)

    monkeypatch.setattr(module.Worker, "run", noted)
    for _ in range(3):
        helpers.for_each(functions.value, image, 1.0, [(0, x) for x in range(16)])
    assert sent.count("hold_image") == 1
    assert sent.count("hold_common") == 3


def test_a_helper_that_dies_leaves_its_items() -> None:
    mortal = Helpers(1)
    try:
        expected = list(range(30))
        for _ in range(2):
            found = mortal.for_each(functions.die_elsewhere, None, os.getpid(), expected)
            assert found == expected
    finally:
        mortal.close()


def test_faults_are_those_of_one_process(helpers: Helpers) -> None:
    with pytest.raises(ZeroDivisionError):
        helpers.for_each(functions.refuse, None, None, range(4))
    found = helpers.for_each(functions.value, IMAGE, 1.0, [(0, 0), (0, 1)])
    assert found == [float(IMAGE[0, 0]), float(IMAGE[0, 1])]


@pytest.mark.parametrize(
    ("pixels", "cores", "expected"),
    [
        (LEAST_PX - 1, 8, 0),  # small
        (LEAST_PX, 1, 0),
        (LEAST_PX, 2, 1),
        (LEAST_PX, 8, 3),
        (2**24, 8, 2),  # no more copies than memory allows
        (2**26, 8, 0),
    ],
)
def test_only_large_images_have_helpers(
    monkeypatch: pytest.MonkeyPatch, pixels: int, cores: int, expected: int
) -> None:
    counts: list[int] = []
    monkeypatch.setattr(module, "usable_cores", lambda: cores)
    monkeypatch.setattr(module, "_helpers", lambda count: counts.append(count) or nullcontext())
    with helpers_for(np.broadcast_to(np.float32(0), (pixels, 1))):
        pass
    assert sum(counts) == expected


def test_processes_end_with_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    monkeypatch.setattr(module, "LEAST_PX", 1)
    before = {thread.name for thread in threading.enumerate()}
    processes: set[int] = set()
    with helpers_for(IMAGE):
        while len(processes) < 2:  # the first call may end before a process has started
            found = for_each(functions.where, None, None, range(40))
            processes |= {process for _, process in found}
    with pytest.raises(KeyError), helpers_for(IMAGE):
        raise KeyError
    assert {thread.name for thread in threading.enumerate()} <= before
    assert len({process for _, process in for_each(functions.where, None, None, range(3))}) == 1
