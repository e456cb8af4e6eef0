"""Spatial averaging: the same mean on the grid of an image and around labelled sites."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from napari_stem_defects.inference.spatial_averaging import (
    MAX_LOGIT,
    average_logits,
)
from napari_stem_defects.preprocessing.windows import window_grid
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, from_patches
from napari_stem_defects.training.sampling import averaging_positions

GRID = window_grid((91, 121), 3)


def clicks() -> TrainingSet:
    image = np.random.default_rng(0).random((200, 200), dtype=np.float32)
    return from_clicks([Clicks(image, np.array([60.0, 90]), np.array([40.0, 150]), ("A", "Bulk"))])


def noise(seed: int = 0, height: float = 2.0) -> np.ndarray:
    size = (2, len(GRID.y), len(GRID.x))
    logits = np.random.default_rng(seed).normal(-1, height, size)
    return expit(logits).astype(np.float32)


def test_without_averaging_probabilities_are_unchanged() -> None:
    np.testing.assert_array_equal(average_logits(noise(), GRID, 0.0), noise())


def test_one_certain_window_does_not_outweigh_its_neighbours() -> None:
    probability = np.full((1, len(GRID.y), len(GRID.x)), 0.05, np.float32)
    probability[0, 10, 10] = 1
    probability[0, 20:24, 20:24] = 1
    mean = average_logits(probability, GRID, 3.0)
    assert mean[0, 10, 10] < 0.5 < mean[0, 21:23, 21:23].min()
    assert mean.dtype == np.float32


def test_errors_of_neighbours_average_out_and_their_common_value_stays() -> None:
    mean = logit(average_logits(noise(), GRID, 4.0))
    assert mean.std() < 0.3 * 2.0
    assert mean.mean() == pytest.approx(-1, abs=0.1)
    same = np.full_like(noise(), 0.3)
    np.testing.assert_allclose(average_logits(same, GRID, 4.0), same, rtol=1e-5)


def test_logits_are_limited() -> None:
    for certain in (0.0, 1.0):
        mean = average_logits(np.full_like(noise(), certain), GRID, 4.0)
        np.testing.assert_allclose(np.abs(logit(mean.astype(float))), MAX_LOGIT, atol=0.05)


def test_classes_do_not_mix_and_one_row_of_windows_will_do() -> None:
    probability = noise()
    probability[1] = 0.5
    assert (average_logits(probability, GRID, 4.0)[1] == 0.5).all()
    row = window_grid((1, 121), 3)
    assert average_logits(probability[:, :1], row, 4.0).shape == probability[:, :1].shape


def test_around_a_site_the_same_mean_is_taken() -> None:
    """A paraboloid of logits: quadrature and Gaussian agree on it exactly."""
    sites, spread = clicks(), 4.0

    def field(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.asarray(((y - 60) ** 2 - (x - 40) ** 2 / 2 + y) / 100)

    found = sum(
        weight * field(shifted.y, shifted.x)
        for shifted, weight in averaging_positions(sites, spread)
    )
    grid = window_grid((201, 201), 1)
    values = field(*np.meshgrid(grid.y, grid.x, indexing="ij"))[None]
    inside = np.abs(values) < 0.9 * MAX_LOGIT
    mean = logit(average_logits(expit(values).astype(np.float32), grid, spread).astype(float))
    for place, expected in zip(np.column_stack([sites.y, sites.x]).astype(int), found, strict=True):
        if inside[0, place[0] - 16 : place[0] + 17, place[1] - 16 : place[1] + 17].all():
            assert mean[0, place[0], place[1]] == pytest.approx(expected, abs=0.02)
            break
    else:
        pytest.fail("no site was compared")


def test_positions_at_the_border_are_averaged_inside() -> None:
    image = np.zeros((80, 90), np.float32)
    corners = np.array([(0.0, 0.0), (79.0, 89.0), (1.0, 88.0)])
    sites = from_clicks([Clicks(image, *corners.T, ("A", "A", "Bulk"))])
    for there, _ in averaging_positions(sites, 4.0):
        assert there.y.min() >= 0 <= there.x.min()
        assert there.y.max() <= 79
        assert there.x.max() <= 89


def test_whole_patches_stay_where_they_are() -> None:
    patches = from_patches(
        np.random.default_rng(0).random((2, 64, 64), dtype=np.float32), ["A", "B"]
    )
    for shifted, _ in averaging_positions(patches, 4.0):
        np.testing.assert_array_equal(shifted.y, patches.y)
    assert sum(weight for _, weight in averaging_positions(patches, 4.0)) == pytest.approx(1)
    assert [weight for _, weight in averaging_positions(clicks(), 0.0)] == [1.0]
