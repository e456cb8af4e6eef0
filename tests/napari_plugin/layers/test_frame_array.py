"""Frames that are loaded when they are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray

WHOLE = np.random.default_rng(0).integers(0, 9, (20, 6, 7)).astype(np.uint16)


class Counting:
    """Loads frames and remembers which."""

    def __init__(self) -> None:
        self.loaded: list[int] = []

    def __call__(self, index: int) -> np.ndarray:
        self.loaded.append(index)
        return WHOLE[index]


def array(load: Any = None) -> FrameArray:
    return FrameArray(load or Counting(), WHOLE.shape, np.uint16)


@pytest.mark.parametrize(
    "key",
    [
        3,
        -1,
        (3, 2),
        (3, slice(None), 4),
        (slice(2, 5), slice(None), slice(None)),
        (slice(None, None, 6), 2, 3),
        (slice(0, 0),),
        ...,
        (..., 2),
        (slice(1, 3), ..., 0),
        (np.array([0, 3, 3]), np.array([1, 2, 5]), np.array([6, 0, 1])),
        (np.int64(5), slice(1, 3), slice(2, 4)),
    ],
)
def test_indexing_is_that_of_numpy(key: Any) -> None:
    np.testing.assert_array_equal(array()[key], WHOLE[key])


@pytest.mark.parametrize(
    "key",
    [
        3,
        (3, slice(1, 2), 4),
        (slice(2, 5), 1, slice(None)),
        (np.array([0, 3, 3]), np.array([1, 2, 5]), np.array([6, 0, 1])),
    ],
)
def test_painting_is_that_of_numpy_and_is_kept(key: Any) -> None:
    painted, expected = array(), WHOLE.copy()
    painted[key] = 8
    expected[key] = 8
    for frame in range(20):  # more than are kept
        painted.frame(frame)
    np.testing.assert_array_equal(np.asarray(painted), expected)


def test_values_are_painted_point_by_point() -> None:
    painted, expected = array(), WHOLE.copy()
    key = (np.array([0, 3, 3]), np.array([1, 2, 5]), np.array([6, 0, 1]))
    painted[key] = np.array([1, 2, 3])
    expected[key] = [1, 2, 3]
    np.testing.assert_array_equal(np.asarray(painted), expected)


def test_a_frame_is_loaded_once_and_few_are_kept() -> None:
    load = Counting()
    frames = array(load)
    frames[4], frames[4]
    assert load.loaded == [4]
    for frame in range(5, 15):
        frames.frame(frame)
    frames[4]
    assert load.loaded.count(4) == 2
    with pytest.raises(IndexError):
        frames[20]


def test_napari_shows_and_paints_frames_and_loads_no_others() -> None:
    load = Counting()
    layer = Labels(array(load))
    assert set(load.loaded) <= {0, 10}  # the middle, where a layer without a viewer stands
    layer.data_setitem((np.array([2]), np.array([1]), np.array([1])), 5)
    assert layer.data[2, 1, 1] == 5
    layer.undo()
    assert layer.data[2, 1, 1] == WHOLE[2, 1, 1]
