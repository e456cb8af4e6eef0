from __future__ import annotations

import json
from typing import Any

import pytest

from napari_stem_defects.io.images.abtem_axes import axes_in_text, stated_axes


def _axes(*names: str) -> dict[str, Any]:
    axes = [{"label": name, "units": "Å", "sampling": 0.2} for name in names]
    return {"axes": {f"axis_{place}": axis for place, axis in enumerate(axes)}}


def test_axes_are_taken_in_the_order_of_their_numbers() -> None:
    names = [f"n{number}" for number in range(11)]
    found = stated_axes(_axes(*names), range(11))
    assert [axis.name for axis in found] == names


def test_frames_that_a_file_joins_are_one_axis() -> None:
    found = stated_axes(_axes("", "", "x", "y"), (6, 80, 120))
    assert [(axis.name, axis.size) for axis in found] == [("frames", 6), ("x", 80), ("y", 120)]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "abTEM",
        '{"data_origin": "abTEM_v1", "axes": ',
        '{"data_origin": "abTEM_v1"}',
        '{"data_origin": "abTEM_v1", "axes": {"axis_0": 3, "axis_1": 4}}',
        '{"data_origin": "abTEM_v1", "sampling": [1]}',
        json.dumps(_axes("x", "y")),  # of another program
    ],
)
def test_other_descriptions_state_no_axes(text: object) -> None:
    assert axes_in_text(text, (80, 120)) == []
