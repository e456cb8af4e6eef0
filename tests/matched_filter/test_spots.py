"""The look of clicked spots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from spot_images import film, spot_image

from napari_stem_defects.anomaly.background import background_residual
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.matched_filter.similarity import similarity
from napari_stem_defects.matched_filter.spots import ClickedSpot, gaussian_pattern, spot_look

WINDOW_PX = 10.6


def look_of(image, count=7):
    residual = background_residual(image.micrograph, WINDOW_PX)
    values = residual.whole()
    at = residual.sampled.to_samples(image.spots[:count])
    return spot_look([ClickedSpot(residual, values, each) for each in at]), residual, values


@pytest.mark.parametrize("height", [14.0, -14.0])
def test_a_spot_has_the_similarity_one_and_the_film_none(height):
    image = spot_image(height=height)
    look, residual, values = look_of(image)
    similar = similarity(values, look.template)
    at = np.rint(residual.sampled.to_samples(image.spots)).astype(int)
    assert np.median(similar[at[:, 0], at[:, 1]]) == pytest.approx(1, abs=0.25)
    assert abs(np.median(similar)) < 0.1
    assert np.sign(look.template.pattern[tuple(n // 2 for n in look.template.pattern.shape)]) == (
        np.sign(height)
    )


def test_amplitudes_are_in_units_of_the_template():
    look, _, _ = look_of(spot_image())
    assert len(look.amplitudes) == 7
    assert 0.7 < np.median(look.amplitudes) < 1.4


def test_the_pattern_of_a_gaussian_is_what_its_image_shows():
    pixels = np.zeros((256, 256))
    pixels[128, 128] = 1
    sigma = WINDOW_PX / 5
    spot = ndimage.gaussian_filter(pixels, sigma) * 2 * np.pi * sigma**2
    noise = np.random.default_rng(0).normal(size=pixels.shape)
    image = film((256, 256), 5.0, 3) + 40 * spot + noise
    residual = background_residual(Micrograph(image.astype(np.float32), "film"), WINDOW_PX)
    pattern, values = gaussian_pattern(residual), residual.whole()
    half = pattern.shape[0] // 2
    y, x = np.rint(residual.sampled.to_samples(np.array([128.0, 128.0]))).astype(int)
    shown = values[y - half : y + half + 1, x - half : x + half + 1]
    assert np.corrcoef(shown.ravel(), pattern.ravel())[0, 1] > 0.8


def test_clicks_on_rings_get_a_look_of_their_own():
    rng = np.random.default_rng(0)
    image = film((300, 300), 4.0, 5)
    y, x = np.indices(image.shape)
    places = np.array([(r, c) for r in range(40, 280, 55) for c in range(40, 280, 55)], float)
    for at in places:
        image += 12 * np.exp(-((np.hypot(y - at[0], x - at[1]) - 4) ** 2) / 3)
    micrograph = Micrograph((image + rng.normal(size=image.shape)).astype(np.float32), "film")
    residual = background_residual(micrograph, 16.0)
    values = residual.whole()
    at = residual.sampled.to_samples(places[:8])
    look = spot_look([ClickedSpot(residual, values, each) for each in at])
    gaussian = gaussian_pattern(residual)
    assert abs(np.corrcoef(look.template.pattern.ravel(), gaussian.ravel())[0, 1]) < 0.9
    similar = similarity(values, look.template)
    rest = np.rint(residual.sampled.to_samples(places[8:])).astype(int)
    assert np.median([similar[r - 2 : r + 3, c - 2 : c + 3].max() for r, c in rest]) > 0.7
