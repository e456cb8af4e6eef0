"""Labels beside what they name: inside the picture, apart from each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.reporting.label_placement import LabelPlacer, TextBox


def overlap(one: TextBox, other: TextBox) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200)), max_size=40))
@settings(max_examples=50, deadline=None)
def test_labels_never_overlap_nor_leave_the_picture(anchors: list[tuple[int, int]]) -> None:
    placer = LabelPlacer(np.zeros((200, 300), bool))
    boxes = [placer.place_beside([anchor], 10, (60, 24)) for anchor in anchors]
    placed = [box for box in boxes if box is not None]
    assert not any(overlap(one, other) for one, other in combinations(placed, 2))
    for box in placed:
        assert box.left >= 0
        assert box.top >= 0
        assert box.right <= 300
        assert box.bottom <= 200


def test_labels_keep_off_what_is_drawn() -> None:
    occupied = np.zeros((200, 300), bool)
    occupied[:, 150:] = True
    box = LabelPlacer(occupied).place_beside([(150, 100)], 5, (60, 24))
    assert box is not None
    assert box.right <= 150


def test_a_crowded_picture_drops_labels() -> None:
    placer = LabelPlacer(np.zeros((40, 70), bool))
    placer.reserve(TextBox(0, 0, 70, 40))
    assert placer.place_beside([(35, 20)], 5, (60, 24)) is None


def test_labels_are_to_the_right_where_there_is_room() -> None:
    placer = LabelPlacer(np.zeros((200, 300), bool))
    box = placer.place_beside([(100, 100)], 10, (60, 24))
    assert box == TextBox(118, 88, 178, 112)


def test_the_covered_share_is_that_of_the_box() -> None:
    occupied = np.zeros((20, 30), bool)
    occupied[5:10, 5:15] = True
    placer = LabelPlacer(occupied)
    assert placer.covered_share(TextBox(0, 5, 30, 10)) == pytest.approx(1 / 3)
    assert placer.covered_share(TextBox(5, 5, 5, 5)) == 0


def test_labels_keep_a_gap() -> None:
    placer = LabelPlacer(np.zeros((40, 200), bool))
    placer.reserve(TextBox(0, 0, 70, 40))
    box = placer.place_beside([(65, 20), (78, 20)], 0, (60, 24))
    assert box is not None
    assert box.left >= 70 + 8
