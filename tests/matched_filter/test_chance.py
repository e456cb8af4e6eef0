"""Whether clicks have more in common than places anywhere."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.chance import is_chance
from napari_stem_defects.matched_filter.similarity import local_power
from napari_stem_defects.matched_filter.templates import REACH, align, gaussian_weight

SAMPLES = 7.0


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
