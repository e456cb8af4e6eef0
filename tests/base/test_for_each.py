"""A function for many items: here in turn, or as the program provides."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_stem_defects.base.for_each import for_each, in_turn, provided

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4)


def scaled(image: np.ndarray[Any, Any], factor: float, item: tuple[int, int]) -> float:
    return float(image[item]) * factor


def backwards(function: Any, image: Any, common: Any, items: Sequence[Any], /) -> list[Any]:
    return in_turn(function, image, common, items[::-1])[::-1]


def test_results_are_in_the_order_of_the_items() -> None:
    items = [(0, 1), (2, 3), (1, 0)]
    assert for_each(scaled, IMAGE, 2.0, items) == [2.0, 22.0, 8.0]
    assert for_each(scaled, IMAGE, 2.0, []) == []


def test_another_way_holds_within_its_block() -> None:
    order: list[tuple[int, int]] = []

    def noted(image: Any, common: Any, item: tuple[int, int]) -> float:
        order.append(item)
        return scaled(image, common, item)

    items = [(0, 1), (2, 3)]
    with provided(backwards):
        assert for_each(noted, IMAGE, 1.0, items) == [1.0, 11.0]
    with pytest.raises(KeyError), provided(backwards):
        raise KeyError
    assert order == items[::-1]
    for_each(noted, IMAGE, 1.0, items)
    assert order[2:] == items


def test_other_threads_keep_their_way() -> None:
    found: list[list[float]] = []
    with provided(lambda *_: [-1.0]):
        thread = threading.Thread(
            target=lambda: found.append(for_each(scaled, IMAGE, 1.0, [(0, 1)]))
        )
        thread.start()
        thread.join()
        assert for_each(scaled, IMAGE, 1.0, [(0, 1)]) == [-1.0]
    assert found == [[1.0]]
