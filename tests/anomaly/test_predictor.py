"""The filter that subtracts what a lattice predicts."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image

from napari_stem_defects.anomaly.grains import Tile
from napari_stem_defects.anomaly.predictor import draw_windows, fit_predictor, square_taps
from napari_stem_defects.anomaly.sampling import sample

WIDTH = 21
POOL = 4.0


@pytest.fixture
def image() -> np.ndarray:
    crystal = crystal_image(SQUARE, spacing=14.0, counts=400)
    return np.asarray(sample(crystal.pixels, crystal.cells).filtered)


def windows(image: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    tiles = [Tile(0, 0, min(image.shape))]
    return draw_windows(image, square_taps(WIDTH), tiles, 2000, np.random.default_rng(0), ignored)


def test_what_is_left_of_a_crystal_is_faint(image):
    predictor = fit_predictor(windows(image), square_taps(WIDTH))
    left = predictor.apply(image, POOL)
    assert left.shape == tuple(length - WIDTH + 1 for length in image.shape)
    assert left.std() < 0.4 * image.std()


def test_a_change_of_one_place_is_left(image):
    predictor = fit_predictor(windows(image), square_taps(WIDTH))
    changed = image.copy()
    changed[60, 60] += 1
    difference = predictor.apply(changed, POOL) - predictor.apply(image, POOL)
    at = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    assert at == (60 - WIDTH // 2, 60 - WIDTH // 2)
    assert 0.5 < difference[at] <= 1


def test_no_window_has_its_middle_where_that_is_ignored(image):
    marked = image.copy()
    ignored = np.zeros(image.shape, bool)
    ignored[:, 40:] = True
    marked[:, 40:] = np.nan
    cut = windows(marked, ignored).reshape(-1, WIDTH, WIDTH)
    assert np.isfinite(cut[:, WIDTH // 2, WIDTH // 2]).all()
    assert len(cut) > 500
