"""Synthetic point defects at the lattice sites of a micrograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.simulation.synthetic_edits import (
    SyntheticDefects,
    add_synthetic_defects,
    pixels_far_from,
)

SIZE = 192


@pytest.fixture(scope="module")
def micrograph() -> Micrograph:
    return simulate(defects=[], size=SIZE, dose=200, seed=1).micrograph


def edited(micrograph: Micrograph, bulk: np.ndarray | None = None, **how: int) -> SyntheticDefects:
    everywhere = np.ones((SIZE, SIZE), bool)
    counts = {"vacancies": 3, "interstitials": 3, **how}
    return add_synthetic_defects(micrograph, everywhere if bulk is None else bulk, **counts)


def test_vacancies_are_darker_and_interstitials_brighter(micrograph: Micrograph) -> None:
    made = edited(micrograph)
    change = made.pixels - micrograph.pixels
    assert len(made.vacancies) == len(made.interstitials) == 3
    for y, x in made.vacancies:
        assert change[int(y), int(x)] < -0.2 * micrograph.pixels.std()
    for y, x in made.interstitials:
        assert change[int(y), int(x)] > 0.2 * micrograph.pixels.std()


def test_the_micrograph_is_not_modified(micrograph: Micrograph) -> None:
    before = micrograph.pixels.copy()
    made = edited(micrograph)
    np.testing.assert_array_equal(micrograph.pixels, before)
    assert made.pixels.dtype == np.float32


def test_a_seed_gives_the_same_defects(micrograph: Micrograph) -> None:
    first, second, other = (edited(micrograph, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.vacancies == second.vacancies != other.vacancies


def test_defects_stay_inside_the_region(micrograph: Micrograph) -> None:
    bulk = np.zeros((SIZE, SIZE), bool)
    bulk[60:130, 20:90] = True
    made = edited(micrograph, bulk)
    for y, x in (*made.vacancies, *made.interstitials):
        assert bulk[int(y), int(x)]


def test_defects_keep_a_distance_even_if_there_is_little_room(micrograph: Micrograph) -> None:
    bulk = np.zeros((SIZE, SIZE), bool)
    bulk[60:110, 60:110] = True
    made = edited(micrograph, bulk, vacancies=500, interstitials=500)
    position = np.array([*made.vacancies, *made.interstitials])
    assert 1 <= len(position) < 20
    distance = np.hypot(*(position[:, None] - position[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    assert distance.min() >= 3 * 12  # the spacing of {111} is about 13 px


def test_no_defects_leave_the_image_unchanged(micrograph: Micrograph) -> None:
    made = edited(micrograph, vacancies=0, interstitials=0)
    np.testing.assert_array_equal(made.pixels, micrograph.pixels)
    assert made.vacancies == made.interstitials == ()


def test_an_image_without_a_lattice_is_rejected(micrograph: Micrograph) -> None:
    noise = np.random.default_rng(0).random((SIZE, SIZE)).astype(np.float32)
    with pytest.raises(InputError, match="no lattice was found"):
        edited(replace(micrograph, pixels=noise))


def test_an_empty_region_is_rejected(micrograph: Micrograph) -> None:
    with pytest.raises(InputError, match="no column is in the region"):
        edited(micrograph, np.zeros((SIZE, SIZE), bool))


def test_pixels_far_from_positions_share_no_patch_with_them() -> None:
    free = pixels_far_from([(100.0, 80.0)], (300, 300))
    assert not free[100, 80]
    assert not free[100, 80 + 45]
    assert free[100, 80 + 46]
    assert free[299, 299]


def test_all_pixels_are_far_from_no_positions() -> None:
    assert pixels_far_from([], (40, 50)).all()


def test_positions_beyond_the_border_count_at_the_border() -> None:
    free = pixels_far_from([(-5.0, 400.0)], (300, 300))
    assert not free[0, 299]


def test_a_removed_column_leaves_the_level_between_columns() -> None:
    y, x = np.mgrid[:256, :256]
    waves = np.cos(2 * np.pi * x / 13.9) + np.cos(2 * np.pi * y / 13.9)
    noise = np.random.default_rng(0).normal(size=(256, 256))
    image = Micrograph((100 * (waves + 0.1 * noise + 4)).astype(np.float32), "crystal", 0.027)
    everywhere = np.ones((256, 256), bool)
    made = add_synthetic_defects(image, everywhere, vacancies=10, interstitials=0)
    left = [made.pixels[int(y), int(x)] for y, x in made.vacancies]
    between = np.percentile(image.pixels, 5)
    assert np.mean(left) < between + 0.5 * (image.pixels.max() - between)
