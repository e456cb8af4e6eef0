"""Whether clicks have more in common than places anywhere, and show more than noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.matched_filter.chance import is_chance, is_noise
from napari_stem_defects.matched_filter.examples import Click, Found
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.similarity import local_power
from napari_stem_defects.matched_filter.templates import REACH, Template, align, gaussian_weight

SAMPLES = 7.0


def spots(places: np.ndarray, height: float, seed: int = 0) -> np.ndarray:
    """Return spots of a height in noise that is smooth over a sample, as a residual is."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(480, 480)), 0.8)
    noise /= noise.std()
    y, x = np.mgrid[:480, :480]
    for at in places:
        noise += height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 8)
    return noise.astype(np.float32)


def found(places: np.ndarray, height: float, kind: str = "point") -> bool:
    """Return whether clicks on spots of a height in noise show no more than chance."""
    rng = np.random.default_rng(0)
    residual = rng.normal(size=(200, 200))
    y, x = np.mgrid[:200, :200]
    for at in places:
        residual += height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 18)
    image = residual.astype(np.float32)
    reach = REACH[kind]
    noise = float(np.median(local_power(image, gaussian_weight(SAMPLES, reach))))
    clicks = [(image, at) for at in places]
    return is_chance(align(clicks, SAMPLES, reach, noise), clicks, SAMPLES, reach, noise)


@pytest.mark.parametrize("kind", ["point", "line"])
@pytest.mark.parametrize("count", [2, 4, 8])
def test_places_in_noise_have_in_common_what_all_places_have(kind, count):
    places = np.random.default_rng(count).uniform(20, 180, (count, 2))
    assert found(places, 0.0, kind)
    assert not found(places, 5.0, kind)


def test_faint_defects_are_more_than_chance_together():
    assert not found(np.random.default_rng(5).uniform(20, 180, (8, 2)), 1.5)


def test_a_single_click_may_show_anything():
    assert not found(np.array([[90.0, 80.0]]), 0.0)


PLACES = np.array([(y, x) for y in range(30, 460, 45) for x in range(30, 460, 45)], float)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("height", "is_class"), [(0.0, False), (6.0, True)])
def test_one_click_in_noise_names_nothing(height, is_class, seed):
    image = spots(PLACES, height, seed)
    model = fit([image], [Click(0, *PLACES[7], "vacancy")], {"vacancy": "point"}, SAMPLES)
    (item,) = model.classes
    assert bool(item.templates) == is_class


def test_noise_shows_what_clicks_in_noise_show_and_no_clear_defects():
    reach = REACH["point"]
    for height, expected in ((0.0, True), (6.0, False)):
        image = spots(PLACES, height)
        noise = float(np.median(local_power(image, gaussian_weight(SAMPLES, reach))))
        aligned = align([(image, PLACES[3])], SAMPLES, reach, noise)
        weight = gaussian_weight(SAMPLES, reach)
        template = Template(aligned.patterns[0], weight, noise, 1)
        assert is_noise(Found([image], [template], SAMPLES), 0.7, aligned, noise) == expected
