"""Label positions inside an area."""

from __future__ import annotations

from itertools import combinations
from math import dist

import numpy as np
import pytest

from napari_stem_defects.labels.label_sampling import (
    MIN_DISTANCE_PX,
    sample_positions,
)


def area(height: int, width: int) -> np.ndarray:
    mask = np.zeros((200, 300), bool)
    mask[20 : 20 + height, 40 : 40 + width] = True
    return mask


def test_an_empty_mask_has_no_positions() -> None:
    assert sample_positions(np.zeros((10, 10), bool)) == []


def test_a_single_pixel_has_one_position() -> None:
    assert sample_positions(area(1, 1)) == [(20.0, 40.0)]


def test_the_first_position_is_farthest_from_the_rim() -> None:
    (y, x), *_ = sample_positions(area(61, 61))
    assert (y, x) == (50, 70)


def test_positions_are_inside_and_apart() -> None:
    mask = area(150, 200)
    found = sample_positions(mask)
    assert len(found) > 10
    assert all(mask[int(y), int(x)] for y, x in found)
    assert min(dist(a, b) for a, b in combinations(found, 2)) >= MIN_DISTANCE_PX


def test_the_distance_is_adjustable() -> None:
    few, many = (sample_positions(area(60, 60), min_distance_px=d) for d in (40, 10))
    assert len(few) < len(many)


def test_weights_replace_the_distance_from_the_rim() -> None:
    weights = np.zeros((200, 300))
    weights[25, 45] = 1
    assert sample_positions(area(60, 60), weights)[0] == (25, 45)


@pytest.mark.parametrize("weight", [-np.inf, np.nan])
def test_unusable_weights_give_no_positions(weight: float) -> None:
    assert sample_positions(area(5, 5), np.full((200, 300), weight)) == []


def test_the_number_of_positions_is_limited() -> None:
    assert len(sample_positions(np.ones((60, 60), bool), min_distance_px=0.5)) == 400
