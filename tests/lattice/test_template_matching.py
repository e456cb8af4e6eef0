"""Patches are found where they were cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import match_template

from napari_stem_defects.lattice.template_matching import PatchSearch

if TYPE_CHECKING:
    from numpy.typing import NDArray


def lattice(shape: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    """Return a periodic image with a little noise: every place resembles many others."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    noise = np.random.default_rng(seed).normal(0, 0.05, shape)
    return (np.cos(y / 2) + np.cos(x / 3) + noise).astype(np.float32)


IMAGE = lattice((150, 131))
SEARCH = PatchSearch(IMAGE, (64, 64))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 150 - 64), st.integers(0, 131 - 64), st.floats(0.01, 1e4), st.floats(-9, 9))
def test_an_exact_crop_is_found_whatever_its_brightness(
    top: int, left: int, gain: float, offset: float
) -> None:
    match = SEARCH.find(IMAGE[top : top + 64, left : left + 64] * gain + offset)
    assert match is not None
    assert (match.top, match.left) == (top, left)
    assert match.score > 0.999


def test_scores_are_those_of_scikit_image() -> None:
    patch = lattice((64, 64), seed=5)
    match = SEARCH.find(patch)
    expected = match_template(IMAGE, patch)
    assert match is not None
    assert match.score == pytest.approx(expected.max(), abs=1e-5)
    assert expected[match.top, match.left] == pytest.approx(expected.max(), abs=1e-5)


def test_a_uniform_patch_has_no_match() -> None:
    assert SEARCH.find(np.full((64, 64), 7, np.float32)) is None


def test_a_uniform_image_has_no_match() -> None:
    match = PatchSearch(np.zeros((80, 80), np.float32), (64, 64)).find(lattice((64, 64)))
    assert match is not None
    assert match.score == 0


def test_an_image_of_the_size_of_the_patch_has_one_match() -> None:
    match = PatchSearch(IMAGE[:64, :64], (64, 64)).find(IMAGE[:64, :64])
    assert match is not None
    assert (match.top, match.left) == (0, 0)
    assert match.score == pytest.approx(1)
