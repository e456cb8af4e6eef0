"""Windows worth a label, point defects made in perfect crystal, and a training that can stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_model import write_small_model

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.simulation.crystals import LAYER_NM
from napari_stem_defects.simulation.synthetic_edits import add_synthetic_defects, pixels_far_from
from napari_stem_defects.training.active_learning import suggest

if TYPE_CHECKING:
    from pathlib import Path


def crystal(size: int = 256) -> Micrograph:
    y, x = np.mgrid[:size, :size]
    waves = np.cos(2 * np.pi * x / 13.9) + np.cos(2 * np.pi * y / 13.9)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return Micrograph((100 * (waves + 0.1 * noise + 4)).astype(np.float32), "crystal", 0.027)


def test_suggestions_keep_apart_and_off_the_labels(tmp_path: Path) -> None:
    ensemble = load_model(write_small_model(tmp_path / "small.safetensors", lattice_nm=LAYER_NM))
    taken = [(100.0, 100.0)]
    found = suggest(crystal(), ensemble, taken=taken, count=8)
    assert len(found) == 8
    places = [*taken, *((each.y, each.x) for each in found)]
    for number, (y, x) in enumerate(places):
        for other in places[number + 1 :]:
            assert np.hypot(y - other[0], x - other[1]) >= 32
    assert {each.class_name for each in found} <= {"Bulk", "SF1"}
    assert all(0 <= each.probability <= 1 for each in found)


def test_no_patch_shows_a_place_and_a_pixel_away_from_it() -> None:
    free = pixels_far_from([(20.2, 30.0), (-3.0, 99.6)], (80, 100))
    y, x = np.mgrid[:80, :100]
    near = [np.hypot(y - cy, x - cx) <= 64 / np.sqrt(2) for cy, cx in ((20, 30), (0, 99))]
    np.testing.assert_array_equal(free, ~(near[0] | near[1]))
    assert pixels_far_from([], (5, 6)).all()


def test_made_defects_lie_in_the_region_and_repeat(tmp_path: Path) -> None:
    image, bulk = crystal(), np.zeros((256, 256), bool)
    bulk[40:200, 40:200] = True
    made = add_synthetic_defects(image, bulk, vacancies=5, interstitials=4, seed=3)
    assert (len(made.vacancies), len(made.interstitials)) == (5, 4)
    change = made.pixels - image.pixels
    for sign, places in ((-1, made.vacancies), (1, made.interstitials)):
        for y, x in places:
            assert bulk[int(y), int(x)]
            assert sign * change[int(y), int(x)] > 50
    assert np.abs(change[:25]).max() < 1
    again = add_synthetic_defects(image, bulk, vacancies=5, interstitials=4, seed=3)
    np.testing.assert_array_equal(again.pixels, made.pixels)


def test_a_column_that_is_taken_away_leaves_the_level_between_columns() -> None:
    image = crystal()
    made = add_synthetic_defects(image, np.ones((256, 256), bool), vacancies=10, interstitials=0)
    left = [made.pixels[int(y), int(x)] for y, x in made.vacancies]
    between = np.percentile(image.pixels, 5)
    assert np.mean(left) < between + 0.5 * (image.pixels.max() - between)


def test_no_room_and_no_lattice_are_errors() -> None:
    nothing = np.zeros((256, 256), bool)
    with pytest.raises(InputError, match="no column lies in the region"):
        add_synthetic_defects(crystal(), nothing, vacancies=1, interstitials=1)
    flat = Micrograph(np.zeros((256, 256), np.float32), "flat")
    with pytest.raises(InputError, match="no lattice was found"):
        add_synthetic_defects(flat, ~nothing, vacancies=1, interstitials=1)
