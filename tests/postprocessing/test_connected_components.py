"""Components of a mask in row blocks are those of the whole mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_stem_defects.postprocessing.connected_components import (
    EIGHT_CONNECTED,
    StripLabeller,
    components_of,
)


@given(st.integers(0, 2**31), st.integers(1, 40), st.floats(0.05, 0.7))
@settings(max_examples=60, deadline=None)
def test_components_of_blocks_are_those_of_the_whole(seed: int, rows: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((40, 23)) < share
    labeller = StripLabeller()
    numbers = np.concatenate([labeller.add(mask[top : top + rows]) for top in range(0, 40, rows)])
    found = labeller.components()[numbers]
    expected, count = ndimage.label(mask, EIGHT_CONNECTED)
    pairs = {*zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    boxes = labeller.component_boxes()
    assert len(boxes) == count
    for component, number in pairs - {(0, 0)}:
        assert boxes[component - 1] == ndimage.find_objects(expected)[number - 1]


def test_segments_are_joined_by_a_later_block() -> None:
    labeller = StripLabeller()
    numbers = labeller.add(np.array([[1, 0, 1], [1, 0, 1]], np.uint8))
    assert numbers.tolist() == [[1, 0, 2], [1, 0, 2]]
    assert labeller.components().tolist() == [0, 1, 2]
    assert labeller.add(np.array([[1, 1, 1]], np.uint8)).tolist() == [[3, 3, 3]]
    assert labeller.components().tolist() == [0, 1, 1, 1]
    assert labeller.segment_boxes == [
        (slice(0, 2), slice(0, 1)),
        (slice(0, 2), slice(2, 3)),
        (slice(2, 3), slice(0, 3)),
    ]
    assert labeller.component_boxes() == [(slice(0, 3), slice(0, 3))]


@pytest.mark.parametrize("below", [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
def test_pixels_that_touch_at_a_corner_are_connected(below: list[int]) -> None:
    labeller = StripLabeller()
    labeller.add(np.array([[0, 1, 0]], np.uint8))
    labeller.add(np.array([below], np.uint8))
    assert labeller.components().tolist() == [0, 1, 1]


def test_an_empty_block_separates_components() -> None:
    labeller = StripLabeller()
    for row in ([1, 1], [0, 0], [1, 1]):
        labeller.add(np.array([row], np.uint8))
    assert labeller.components().tolist() == [0, 1, 2]
    assert labeller.component_boxes()[1] == (slice(2, 3), slice(0, 2))


def test_without_pixels_there_are_no_components() -> None:
    labeller = StripLabeller()
    assert not labeller.add(np.zeros((4, 5), bool)).any()
    assert labeller.components().tolist() == [0]
    assert labeller.component_boxes() == []


@given(st.integers(0, 2**31), st.integers(1, 40), st.floats(0.05, 0.7))
@settings(max_examples=30, deadline=None)
def test_components_hold_their_pixels(seed: int, height: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((40, 23)) < share
    slices = [slice(top, min(top + height, 40)) for top in range(0, 40, height)]
    drawn = np.zeros(mask.shape, int)
    for number, component in enumerate(components_of((at, mask[at]) for at in slices), start=1):
        for rows in slices:
            for (down, across), inside in component.within(rows):
                assert not drawn[rows][down, across][inside].any()
                drawn[rows][down, across][inside] = number
        y, x = np.nonzero(drawn == number)
        assert component.box == (slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1))
    expected, count = ndimage.label(mask, EIGHT_CONNECTED)
    pairs = {*zip(drawn.ravel().tolist(), expected.ravel().tolist(), strict=True)}
    assert len(pairs) == count + (0 in expected)


@given(st.integers(0, 2**31), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_components_of_the_same_pixels_alone_have_the_same_digest(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((12, 15)) < 0.4

    def digests(mask: np.ndarray) -> dict[bytes, frozenset[tuple[int, int]]]:
        blocks = ((slice(top, top + rows), mask[top : top + rows]) for top in range(0, 12, rows))
        found = {}
        for component in components_of(blocks):
            pixels = np.zeros(mask.shape, bool)
            for segment in component.segments:
                pixels[segment.box] |= segment.inside()
            found[component.digest()] = frozenset(zip(*np.nonzero(pixels), strict=True))
        return found

    before = digests(mask)
    changed = mask.copy()
    changed[rng.integers(12), rng.integers(15)] ^= True
    after = digests(changed)
    assert len(set(before.values())) == len(before)
    for one, pixels in before.items():
        for other, others in after.items():
            assert (one == other) == (pixels == others)
