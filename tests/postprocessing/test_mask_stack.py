"""Masks are packed without loss; results do not depend on the size of the row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probability_maps import blank_map
from scipy import ndimage

from napari_stem_defects.postprocessing import mask_stack as module
from napari_stem_defects.postprocessing.mask_stack import MaskStack, reduce_squares, row_slices
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions, number_regions
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = ("SF1", "Vacancy_CdTe", "unknown")
CLASSES = ("Bulk", "SF1", "SF2", "Twin_Bound", "LC", "Vacancy_CdTe", "interstitial")


def random_masks(shape: tuple[int, int], share: float = 0.3, seed: int = 0) -> NDArray[np.uint8]:
    return (np.random.default_rng(seed).random((3, *shape)) < share).astype(np.uint8)


@pytest.mark.parametrize("pixels", [1, 100, 700, 10**6])
@pytest.mark.parametrize("shape", [(1, 1), (64, 101), (97, 13)])
def test_packed_masks_are_unpacked_unchanged(
    monkeypatch: pytest.MonkeyPatch, pixels: int, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr(module, "BLOCK_PIXELS", pixels)
    masks = random_masks(shape)
    stack = MaskStack.from_array(NAMES, masks)
    np.testing.assert_array_equal(stack.masks(), masks)
    assert stack.areas_px() == masks.sum(axis=(1, 2)).tolist()
    assert MaskStack.from_masks(NAMES, iter(masks)) == stack
    box = slice(shape[0] // 3, shape[0]), slice(shape[1] // 2, shape[1])
    np.testing.assert_array_equal(stack.crop("Vacancy_CdTe", box), masks[1][box])


def test_empty_masks_of_a_large_image_take_little_memory() -> None:
    shape = (4096, 4096)
    parts = (
        np.zeros((3, rows.stop - rows.start, shape[1]), np.uint8) for rows in row_slices(shape)
    )
    stack = MaskStack.from_blocks(NAMES, shape, parts)
    assert sum(len(each) for part in stack.packed for each in part) < 100_000
    assert stack.areas_px() == [0, 0, 0]


@given(st.integers(0, 2**31), st.sampled_from([1, 7, 41]))
@settings(max_examples=12, deadline=None)
def test_block_size_changes_neither_masks_nor_regions(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    shape = int(random.integers(64, 200)), int(random.integers(64, 200))
    found = _random_map(random, shape)
    limits = dict(zip(CLASSES, random.choice([0.0, 0.3, 0.5, 0.8], len(CLASSES)), strict=True))
    invalid = random.random(shape) < 0.01
    whole = masks_from_probability(found, shape, limits, invalid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_PIXELS", rows * shape[1])
        parts = masks_from_probability(found, shape, limits, invalid)
    assert len(parts.row_slices) == -(-shape[0] // rows)
    np.testing.assert_array_equal(parts.masks(), whole.masks())
    np.testing.assert_array_equal(number_regions(found, parts), number_regions(found, whole))
    for one, other in zip(
        measure_regions(found, parts, image="a", pixel_size_nm=0.03),
        measure_regions(found, whole, image="a", pixel_size_nm=0.03),
        strict=True,
    ):
        assert (one.class_name, one.area_px) == (other.class_name, other.area_px)
        assert (one.y_px, one.x_px) == pytest.approx((other.y_px, other.x_px), abs=1e-6)
        assert one.length_nm == pytest.approx(other.length_nm)
        assert one.mean_probability == pytest.approx(other.mean_probability)
        assert one.max_probability == other.max_probability


def _random_map(random: np.random.Generator, shape: tuple[int, int]) -> ProbabilityMap:
    found = blank_map(*CLASSES, shape=shape, stride=int(random.integers(2, 17)))
    smooth = ndimage.gaussian_filter(random.random(found.probability.shape), (0, 1, 1))
    lowest, highest = smooth.min((1, 2), keepdims=True), smooth.max((1, 2), keepdims=True)
    found.valid[:] = random.random(found.valid.shape) < 0.95
    found.probability[:] = (smooth - lowest) / (highest - lowest) * found.valid
    return found


@pytest.mark.parametrize("edge", [1, 3, 8])
def test_squares_are_combined_across_row_blocks(edge: int) -> None:
    pixels = np.random.default_rng(0).random((50, 31)).astype(np.float32)
    parts = [(slice(top, min(top + 7, 50)), pixels[top : top + 7]) for top in range(0, 50, 7)]
    for combine in (np.maximum, np.add):
        small = reduce_squares(parts, (50, 31), edge, combine, np.float32)
        for (y, x), value in np.ndenumerate(small):
            block = pixels[y * edge : (y + 1) * edge, x * edge : (x + 1) * edge]
            assert value == pytest.approx(combine.reduce(block, axis=None), rel=1e-5)
