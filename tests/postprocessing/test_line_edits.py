"""Bands and components in the masks of planar defects, in row blocks."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.postprocessing.line_edits import Band, LineEdits
from napari_stem_defects.postprocessing.mask_stack import MaskStack

SHAPE = (40, 50)


def draft(rows_of_block: int = 40) -> MaskStack:
    """Return a mask a with two components and an empty mask b, in row blocks."""
    masks = np.zeros((2, *SHAPE), np.uint8)
    masks[0, 5:12, 5:12] = masks[0, 25:30, 5:45] = 1
    tops = range(0, SHAPE[0], rows_of_block)
    blocks = (masks[:, top : top + rows_of_block] for top in tops)
    return MaskStack.from_blocks(("a", "b"), SHAPE, blocks)


def applied(edits: LineEdits, rows_of_block: int) -> dict[str, np.ndarray]:
    masks = draft().masks()
    for top in range(0, SHAPE[0], rows_of_block):
        rows = slice(top, min(top + rows_of_block, SHAPE[0]))
        edits.apply({"a": masks[0, rows], "b": masks[1, rows]}, rows)
    return {"a": masks[0], "b": masks[1]}


@pytest.mark.parametrize("rows_of_block", [1, 7, 40])
def test_components_stay_move_or_go(rows_of_block: int) -> None:
    found = applied(LineEdits({"a": {2: "b"}, "b": {}}, (), draft(rows_of_block)), rows_of_block)
    assert not found["a"].any()
    np.testing.assert_array_equal(np.argwhere(found["b"])[[0, -1]], [[25, 5], [29, 44]])


@pytest.mark.parametrize("rows_of_block", [1, 7, 40])
def test_a_band_covers_its_width_inside_the_image(rows_of_block: int) -> None:
    band = Band("b", np.array([[20.0, -0.5], [20.0, 60.0]]), 3.0, is_whole=True)
    edits = LineEdits({"a": {1: "a"}, "b": {}}, (band,), draft(rows_of_block))
    found = applied(edits, rows_of_block)
    assert found["a"].sum() == 49
    assert found["b"].sum(axis=0).min() == 7
    assert edits.centre_lines == {"a": (), "b": (((20.0, -0.5), (20.0, 60.0)),)}


@pytest.mark.parametrize("angle_deg", [20.0, 45.0, 90.0, 135.0])
@pytest.mark.parametrize("rows_of_block", [1, 7, 40])
def test_a_band_fills_the_border_it_runs_out_at(angle_deg: float, rows_of_block: int) -> None:
    along = np.array([np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))])
    end = np.array([SHAPE[0] - 0.5, 25.0])
    band = Band("b", np.stack([end - 12 * along, end]), 3.0, is_whole=True)
    found = applied(LineEdits({"a": {}, "b": {}}, (band,), draft(rows_of_block)), rows_of_block)
    away = np.abs((np.indices(SHAPE) - end[:, None, None]).T @ [along[1], -along[0]]).T
    last = np.flatnonzero(away[-1] < 2.5)
    assert found["b"][-1, last].all()
    assert not found["b"][away > 4.0].any()


def test_a_band_that_ends_inside_ends_across_its_direction() -> None:
    band = Band("b", np.array([[10.0, 10.0], [30.0, 40.0]]), 3.0, is_whole=True)
    found = applied(LineEdits({"a": {}, "b": {}}, (band,), draft()), 40)["b"]
    along = np.array([20.0, 30.0]) / np.hypot(20.0, 30.0)
    way = (np.argwhere(found) - [10.0, 10.0]) @ along
    assert way.min() >= -1.0
    assert way.max() <= np.hypot(20.0, 30.0) + 1.0
