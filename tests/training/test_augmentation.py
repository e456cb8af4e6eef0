"""Augmented views: sites stay on what they label, and nothing is invented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_stem_defects.preprocessing.pipeline import (
    filter_image,
    normalise,
)
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.augmentation import (
    Augmentation,
    degrade_image,
    dihedral_view,
    filtered_view,
    random_affine_view,
    random_quarter_turn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SITES = np.array([[40.0, 60.0], [90.0, 150.0], [160.0, 30.0], [100.0, 100.0], [150.0, 190.0]])
STILL = Augmentation(
    scale=(1, 1), shear=0, blur_px=0, noise=0, jitter_px=0, gamma=(1, 1), background=0, haze=0
)
SEEDS = range(12)


def dots(shape: tuple[int, int] = (200, 240), height: float = 1.0) -> np.ndarray:
    """Return bright dots, 3 px wide, at the sites."""
    image = np.zeros(shape, np.float32)
    image[tuple(SITES.astype(int).T)] = height
    return gaussian_filter(image, 1.5)


def landed(view: np.ndarray, shifted: np.ndarray, outside: np.ndarray) -> list[float]:
    """Return how far from each site inside the view its dot's peak is, px."""
    apart = []
    for y, x in shifted:
        top, left = round(y) - 6, round(x) - 6
        near = view[max(top, 0) : top + 13, max(left, 0) : left + 13]
        whole = near.shape == (13, 13) and top >= 0 and left >= 0
        if whole and not outside[top : top + 13, left : left + 13].any():
            peak = np.unravel_index(near.argmax(), near.shape)
            apart.append(float(np.hypot(peak[0] + top - y, peak[1] + left - x)))
    return apart


def test_sites_land_on_what_they_label() -> None:
    apart = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        apart += landed(*random_affine_view(dots(), SITES, Augmentation(), rng))
    assert len(apart) > 20
    assert max(apart) < 1


def test_sites_stay_in_place_when_the_image_is_degraded() -> None:
    apart = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        augmentation = Augmentation(noise=0.1)
        view, shifted, outside = random_affine_view(dots(), SITES, augmentation, rng)
        apart += landed(degrade_image(view, augmentation, rng), shifted, outside)
    assert len(apart) > 20
    assert np.percentile(apart, 90) < 1.5


def test_preprocessed_views_keep_sites_and_are_zero_outside() -> None:
    apart, empty = [], []
    for seed in SEEDS:
        settings = PreprocessingSettings(contrast_px=0)
        image = dots() + 0.005 * np.random.default_rng(99).random((200, 240), dtype=np.float32)
        flat, shifted = filtered_view(image, SITES, settings, STILL, np.random.default_rng(seed))
        _, again, outside = random_affine_view(image, SITES, STILL, np.random.default_rng(seed))
        np.testing.assert_array_equal(shifted, again)
        assert not flat[outside].any()
        assert (flat[~outside] != 0).mean() > 0.99
        empty.append(outside.mean())
        apart += landed(flat, shifted, outside)
    assert max(apart) < 1
    assert 0.02 < np.mean(empty) < 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_outside_is_what_the_parent_does_not_cover(seed: int) -> None:
    """The map from parent to view is read off three points and inverted here."""
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    shape = np.array((150, 180))
    rng = np.random.default_rng(seed)
    _, shifted, outside = random_affine_view(
        np.ones(shape, np.float32), corner, Augmentation(), rng
    )
    forward = np.column_stack([shifted[1] - shifted[0], shifted[2] - shifted[0]])
    pixels = np.indices(shape).reshape(2, -1).T
    parent = (pixels - shifted[0]) @ np.linalg.inv(forward).T
    beyond = np.maximum(-parent, parent - (shape - 1)).max(1).reshape(shape)
    assert outside[beyond > 0.01].all()
    assert not outside[beyond < -1].any()


def test_angles_and_mirrors_are_free_and_limits_hold() -> None:
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    augmentation = Augmentation(scale=(0.8, 1.25), shear=0.1)
    image = np.zeros((64, 64), np.float32)
    angles, areas = [], []
    for seed in range(200):
        shifted = random_affine_view(image, corner, augmentation, np.random.default_rng(seed))[1]
        forward = np.column_stack([shifted[1] - shifted[0], shifted[2] - shifted[0]])
        angles.append(np.arctan2(*forward[:, 0]) % (2 * np.pi))
        areas.append(np.linalg.det(forward))
    assert (np.histogram(angles, 4, (0, 2 * np.pi))[0] > 30).all()
    assert 60 < sum(area < 0 for area in areas) < 140
    scale = np.sqrt(np.abs(areas))
    assert 0.8 <= scale.min() < 0.85 < 1.18 < scale.max() <= 1.25


def test_a_still_view_is_a_rigid_motion() -> None:
    for seed in SEEDS:
        shifted = random_affine_view(dots(), SITES, STILL, np.random.default_rng(seed))[1]
        np.testing.assert_allclose(
            np.linalg.norm(shifted[:, None] - shifted, axis=2),
            np.linalg.norm(SITES[:, None] - SITES, axis=2),
        )


def test_no_degradation_only_normalises() -> None:
    image = 100 + 50 * dots()
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(degrade_image(image, STILL, rng), normalise(image), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "grows"),
    [
        ({"noise": 0.5}, lambda a: np.diff(a, axis=0).std()),
        ({"background": 1.5}, lambda a: gaussian_filter(a, 20).std()),
        ({"haze": 1.5}, lambda a: (gaussian_filter(a, 4) - gaussian_filter(a, 20)).std()),
        ({"jitter_px": 2.0}, lambda a: np.diff(a, axis=0).std()),
        ({"blur_px": 3.0}, lambda a: -np.abs(np.diff(a, axis=1)).max()),
    ],
)
def test_each_degradation_has_its_effect(
    change: dict[str, float], grows: Callable[[np.ndarray], float]
) -> None:
    image = dots(height=20)
    augmentation = Augmentation(**{**STILL.to_dict(), **change})
    before = grows(normalise(image))
    after = [grows(degrade_image(image, augmentation, np.random.default_rng(s))) for s in SEEDS]
    assert np.mean(after) > before


def test_haze_lies_in_some_places_and_survives_preprocessing() -> None:
    image = np.full((256, 256), 5, np.float32) + dots((256, 256), 20)
    hazy = Augmentation(**{**STILL.to_dict(), "haze": 2.0, "haze_px": (4, 4)})
    stronger = 0
    for seed in SEEDS:
        haze = degrade_image(image, hazy, np.random.default_rng(seed)) - normalise(image)
        squares = haze.reshape(8, 32, 8, 32).std((1, 3))
        assert squares.min() < 0.1 * squares.max()
        clear, dull = (
            filter_image(x, PreprocessingSettings()) for x in (image, normalise(image) + haze)
        )
        stronger += np.abs(dull - clear).mean() > 0.1
    assert stronger > len(SEEDS) / 2


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((64, 64), np.float32), id="zeros"),
        pytest.param(np.full((64, 70), -3, np.float32), id="constant"),
        pytest.param(-dots((200, 240), 1e4), id="negative"),
        pytest.param(dots((193, 217), 1e-6), id="faint"),
    ],
)
def test_no_image_gives_nan(image: np.ndarray) -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        picture = degrade_image(image, Augmentation(), rng)
        assert picture.dtype == np.float32
        assert picture.shape == image.shape
        assert np.isfinite(picture).all()
        assert picture.min() >= 0
        flat, shifted = filtered_view(image, SITES, PreprocessingSettings(), Augmentation(), rng)
        assert np.isfinite(flat).all()
        assert flat.dtype == np.float32
        assert np.isfinite(shifted).all()


def test_the_same_seed_gives_the_same_view() -> None:
    one, again, other = (
        filtered_view(
            dots(), SITES, PreprocessingSettings(), Augmentation(), np.random.default_rng(seed)
        )
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one[0], again[0])
    np.testing.assert_array_equal(one[1], again[1])
    assert (one[0] != other[0]).any()


def test_the_image_is_not_modified() -> None:
    image = dots()
    filtered_view(image, SITES, PreprocessingSettings(), Augmentation(), np.random.default_rng(0))
    np.testing.assert_array_equal(image, dots())


def test_quarter_turns_are_the_four_rotations() -> None:
    patch = np.arange(16, dtype=np.float32).reshape(4, 4)
    rng = np.random.default_rng(0)
    turned = {random_quarter_turn(patch, rng).tobytes() for _ in range(40)}
    assert turned == {np.ascontiguousarray(np.rot90(patch, k)).tobytes() for k in range(4)}


def test_a_square_has_eight_symmetry_operations() -> None:
    patch = np.arange(16, dtype=np.float32).reshape(4, 4)
    ways = [dihedral_view(patch, number) for number in range(9)]
    np.testing.assert_array_equal(ways[0], patch)
    for number in range(4):
        np.testing.assert_array_equal(ways[number], np.rot90(patch, number))
    assert len({way.tobytes() for way in ways}) == 8
    assert {way[::-1].tobytes() for way in ways} == {way.tobytes() for way in ways}
    np.testing.assert_array_equal(ways[8], patch)


def test_ranges_are_json() -> None:
    values = json.loads(json.dumps(Augmentation().to_dict()))
    assert values["scale"] == list(Augmentation().scale)
    assert values.keys() == vars(Augmentation()).keys()
