"""What is more than the background of an image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from spot_images import spot_image

from napari_stem_defects.anomaly.background import background_residual
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.matched_filter.fit_spots import fit_spots
from napari_stem_defects.matched_filter.model import Window
from napari_stem_defects.matched_filter.similarity import similarity
from napari_stem_defects.matched_filter.spot_floor import above_background

WINDOW = Window(10.6)


def model_of(image):
    residual = background_residual(image.micrograph, WINDOW.px)
    at = residual.sampled.to_samples(image.spots[:7]).tolist()
    clicks = [Click(0, *each, "Atom") for each in at]
    return fit_spots([(residual, residual.whole())], clicks, WINDOW), residual


def test_spots_that_stand_out_need_no_floor():
    model, residual = model_of(spot_image())
    assert above_background(residual, model).classes[0].floor == 0


def test_a_film_without_spots_has_a_floor_above_its_speckle():
    model, _ = model_of(spot_image(height=5.0))
    found = 0
    for seed in range(6):
        empty = background_residual(spot_image(50 + seed, count=0).micrograph, WINDOW.px)
        (item,) = above_background(empty, model).classes
        similar = similarity(empty.whole(), item.templates[0])
        found += int((similar >= item.limit).any())
    assert found <= 2


def test_a_single_strong_spot_is_above_the_floor():
    model, _ = model_of(spot_image(height=30.0))
    alone = spot_image(70, count=1, height=30.0)
    residual = background_residual(alone.micrograph, WINDOW.px)
    (item,) = above_background(residual, model).classes
    y, x = np.rint(residual.sampled.to_samples(alone.spots)).astype(int)[0]
    assert similarity(residual.whole(), item.templates[0])[y, x] >= item.limit


def beside_crystal(image, columns):
    """Return the residual of an image whose first columns show a crystal."""
    film = image.micrograph.pixels
    y, x = np.indices(film.shape) * 2 * np.pi / 12
    crystal = np.median(film) + 3 * film.std() * (np.cos(y) + np.cos(x))
    inside = np.indices(film.shape)[1] < columns
    both = Micrograph(np.where(inside, crystal, film).astype(np.float32), "half")
    return background_residual(both, WINDOW.px, crystal=inside)


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_crystal_beside_the_spots_does_not_count(seed):
    """Spots on a film have the floor that they have without the crystal beside them."""
    model, _ = model_of(spot_image())
    image = spot_image(seed, count=60, shape=(400, 400))
    alone = Micrograph(image.micrograph.pixels[:, 240:].copy(), "film")
    (wanted,) = above_background(background_residual(alone, WINDOW.px), model).classes
    (item,) = above_background(beside_crystal(image, 240), model).classes
    assert wanted.floor == 0
    assert item.floor == 0


def test_beside_a_crystal_a_film_without_spots_has_a_floor_as_well():
    model, _ = model_of(spot_image(height=5.0))
    found = 0
    for seed in range(6):
        empty = beside_crystal(spot_image(50 + seed, count=0, shape=(400, 400)), 240)
        (item,) = above_background(empty, model).classes
        similar = similarity(empty.whole(), item.templates[0])
        away = ndimage.binary_erosion(~empty.blocked, iterations=10)
        found += int((similar[away] >= item.limit).any())
    assert found <= 2
