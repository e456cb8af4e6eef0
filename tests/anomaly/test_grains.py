"""Tiles that show the same lattice."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import crystal_image

from napari_stem_defects.anomaly.grains import MAX_GRAINS, grain_tiles
from napari_stem_defects.anomaly.sampling import sample


def _tiles(**options):
    image = crystal_image(size=384, spacing=10, **options)
    sampled = sample(image.pixels, image.cells)
    return grain_tiles(np.asarray(sampled.filtered), sampled.samples), sampled


def test_a_crystal_with_vacancies_is_one_grain():
    grains, _ = _tiles(missing=12)
    assert len(grains) == 1


def test_a_boundary_parts_two_grains():
    grains, sampled = _tiles(grain_deg=18)
    assert len(grains) == 2
    middle = sampled.filtered.shape[0] / 2
    centres = [np.mean([tile.row + tile.edge / 2 for tile in tiles]) for tiles in grains]
    assert (centres[0] - middle) * (centres[1] - middle) < 0


@pytest.mark.parametrize("counts", [60, 12, 6])
def test_two_grains_are_found_at_low_doses(counts):
    grains, _ = _tiles(grain_deg=18, counts=counts)
    assert len(grains) == 2


@pytest.mark.parametrize("counts", [12, 6])
def test_a_noisy_crystal_is_one_grain(counts):
    grains, _ = _tiles(counts=counts)
    assert len(grains) == 1


def test_noise_has_at_most_one_group():
    noise = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    assert 1 <= len(grain_tiles(noise, 7.0)) <= MAX_GRAINS


def test_a_small_image_is_one_tile():
    assert grain_tiles(np.zeros((30, 40), np.float32), 7.0) == [[(0, 0, 30)]]
