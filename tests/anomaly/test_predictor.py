"""The filter that subtracts what a lattice predicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image
from large_cells import many_columns

from napari_stem_defects.anomaly.grains import Tile
from napari_stem_defects.anomaly.predictor import (
    draw_windows,
    fit_predictor,
    square_taps,
    with_cells_around,
)
from napari_stem_defects.anomaly.residual import lattice_residual, with_predictors
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


LATTICE = np.array([[40.0, 0.0], [5.0, 30.0]])
PERIOD = np.sqrt(1200)


def test_the_cells_around_belong_to_the_window_of_a_large_cell():
    taps = with_cells_around(square_taps(WIDTH), LATTICE, (600, 600))
    middles = np.unique(taps.cells, axis=0)
    assert len(middles) == 18
    assert (middles == -middles[::-1]).all()
    away = np.hypot(*(taps.further - taps.cells @ LATTICE).T)
    assert away.max() <= np.hypot(1.5, 1.5)
    assert np.bincount(np.unique(taps.cells, axis=0, return_inverse=True)[1].ravel()).max() == 9
    assert taps.reach == np.abs(taps.further).max() <= 2.4 * PERIOD + 2
    assert (np.abs(taps.further).max(axis=1) > WIDTH // 2).all()


def test_a_small_image_has_fewer_cells_around_or_none():
    square = square_taps(WIDTH)
    reaches = [with_cells_around(square, LATTICE, (n, 600)).reach for n in (600, 180, 90)]
    assert reaches[0] > reaches[1] > reaches[2] == square.reach == WIDTH // 2
    assert reaches[1] <= 0.4 * 180


def test_a_side_takes_over_at_a_fault():
    perfect, faulted = (
        many_columns(16, size=480, shift=shift, counts=2000) for shift in (0.0, 0.4)
    )
    cells = perfect.cells
    (predictor,) = lattice_residual(sample(perfect.pixels, cells)).predictors
    assert len(predictor.sides) == 4
    sampled = sample(faulted.pixels, cells)
    rows = np.abs(np.arange(sampled.filtered.shape[0]) / sampled.factor[0] - 240)
    beside = (rows > perfect.period) & (rows < 2 * perfect.period)
    left = []
    for each in (predictor, replace(predictor, sides=())):
        power = np.square(with_predictors(sampled, (each,)).whole()[:, 60:-60]).mean(axis=1)
        left.append(power[beside].mean() / np.median(power))
    assert left[0] < 0.5 * left[1]


def test_filters_of_a_side_use_no_cell_of_the_other():
    image = many_columns(16, size=480, counts=2000)
    sampled = sample(image.pixels, image.cells)
    predictor = lattice_residual(sampled).predictors[0]
    reach, half = predictor.half, WIDTH // 2
    used = np.argwhere(predictor.sides[0].kernel) - reach
    beyond = used[np.abs(used).max(axis=1) > half + 1]
    cells = np.rint(beyond @ np.linalg.inv(sampled.lattices[0])).astype(int)
    assert len(beyond)
    assert (cells[:, 0] > 0).all()
