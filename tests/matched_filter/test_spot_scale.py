"""The size of clicked spots."""

from __future__ import annotations

import numpy as np
import pytest
from spot_images import clicked_spots, spot_image

from napari_stem_defects.matched_filter.spot_scale import ClickedSpots, spot_sigma


def clicked(image, clicks, pixel_size_nm=None):
    marked = clicked_spots(image, clicks)
    return ClickedSpots(
        image.micrograph.pixels, np.column_stack([marked.y, marked.x]), pixel_size_nm
    )


@pytest.mark.parametrize("fwhm", [2.5, 4.0, 6.0, 10.0])
@pytest.mark.parametrize("height", [14.0, -14.0])
def test_the_size_is_that_of_the_spots(fwhm, height):
    image = spot_image(3, fwhm=fwhm, height=height, count=20, shape=(300, 300))
    assert spot_sigma([clicked(image, 7)]) == pytest.approx(fwhm / 2.355, rel=0.35)


def test_one_click_on_a_clear_spot_is_enough():
    assert spot_sigma([clicked(spot_image(1, height=25.0), 1)]) == pytest.approx(5 / 2.355, rel=0.4)


def test_clicks_of_two_images_are_compared_in_nm_where_these_are_known():
    images = [spot_image(1, fwhm=4.0), spot_image(2, fwhm=8.0)]
    fine, coarse = (
        spot_sigma([clicked(images[n], 7, size) for n, size in order])
        for order in (((0, 0.02), (1, 0.01)), ((1, 0.01), (0, 0.02)))
    )
    assert fine == pytest.approx(4 / 2.355, rel=0.35)
    assert coarse == pytest.approx(8 / 2.355, rel=0.35)


def test_clicks_at_the_border_and_on_an_even_image_have_a_size():
    flat = np.full((64, 64), 2, np.float32)
    size = spot_sigma([ClickedSpots(flat, np.array([[0.0, 63.0], [63.4, -0.4]]))])
    assert 0.5 < size < 30
