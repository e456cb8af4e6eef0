"""Crops of one image are aligned; unrelated patches are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.lattice.patch_alignment import align_patches


def image(seed: int, size: int = 200, levels: int | None = None) -> np.ndarray:
    """Return a lattice with noise; of 8 bits where ``levels`` is 256."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    pixels = np.sin(y / 2.2) * np.sin(x / 2.2) + rng.normal(0, 0.4, (size, size))
    if levels is not None:
        pixels = np.round((pixels + 3) / 6 * levels)
    return pixels.astype(np.float32)


def crops(parent: np.ndarray, corners: np.ndarray) -> np.ndarray:
    return np.stack([parent[y : y + 64, x : x + 64] for y, x in corners])


@pytest.mark.parametrize("levels", [None, 256])
@given(st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_chained_crops_are_aligned_to_the_pixel(levels: int | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = np.clip(np.cumsum(rng.integers(-18, 30, (15, 2)), axis=0) + 40, 0, 136)
    order = rng.permutation(len(corners))
    corners = corners[order]
    source, y, x = align_patches(crops(image(seed, levels=levels), corners))
    assert np.unique(source).size == 1
    np.testing.assert_array_equal(np.column_stack([y, x]), corners - corners.min(0))


def test_two_images_are_two_source_images() -> None:
    corners = np.random.default_rng(1).integers(0, 60, (12, 2))
    patches = np.concatenate([crops(image(1), corners), crops(image(2), corners)])
    source, y, x = align_patches(patches)
    assert set(source[:12]).isdisjoint(source[12:])
    assert np.unique(source).size == 2
    np.testing.assert_array_equal(np.column_stack([y, x])[:12], corners - corners.min(0))


def test_unrelated_patches_are_not_joined() -> None:
    """Noise, lattices in the same phase, flat areas, saturated ones."""
    rng = np.random.default_rng(2)
    noise = rng.random((10, 64, 64))
    lattices = np.stack([image(seed)[:64, :64] for seed in range(10)])
    flat = np.full((5, 64, 64), 0.5)
    saturated = np.minimum(noise[:5] + np.linspace(0, 2, 64), 1)
    patches = np.concatenate([noise, lattices, flat, saturated]).astype(np.float32)
    patches[-5:, :, :20] = rng.random((5, 64, 20))
    source, y, x = align_patches(patches)
    assert np.unique(source).size == len(patches)
    assert not y.any()
    assert not x.any()


def test_one_shared_block_may_be_a_coincidence() -> None:
    patches = np.random.default_rng(3).random((2, 64, 64)).astype(np.float32)
    patches[1, 14:17, 26:34] = patches[0, 2:5, 2:10]
    assert np.unique(align_patches(patches)[0]).size == 2


@pytest.mark.parametrize("count", [1, 2, 150])
def test_copies_have_the_same_position(count: int) -> None:
    """Data sets may contain many copies of one patch."""
    patch = image(4)[:64, :64]
    source, y, x = align_patches(np.stack([patch] * count))
    assert np.unique(source).size == 1
    assert not y.any()
    assert not x.any()


def test_an_edited_copy_has_the_same_source_image() -> None:
    parent = image(5)
    edited = parent.copy()
    edited[80:100, 80:100] = 0
    corners = np.array([[60, 60], [70, 64]])
    source, y, _ = align_patches(np.concatenate([crops(parent, corners), crops(edited, corners)]))
    assert np.unique(source).size == 1
    np.testing.assert_array_equal(y, [0, 10, 0, 10])


def test_rotated_copies_are_unrelated() -> None:
    patch = image(6)[:64, :64]
    assert np.unique(align_patches(np.stack([patch, np.rot90(patch)]))[0]).size == 2
