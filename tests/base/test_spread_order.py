"""The first frames in the order lie far apart, and none is left out."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.spread_order import spread_order


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 13])
def test_every_frame_comes_once_and_the_first_one_first(count: int) -> None:
    frames = [7 + 2 * place for place in range(count)]
    order = list(spread_order(frames))
    assert sorted(order) == frames
    assert order[:1] == frames[:1]


def test_the_first_few_are_spread_over_the_stack() -> None:
    assert list(spread_order(range(8)))[:4] == [0, 4, 2, 6]
    assert list(spread_order(range(1000)))[:3] == [0, 512, 256]
