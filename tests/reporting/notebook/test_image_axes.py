"""Axes in nm or px, with the centre of the first pixel at 0."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

from napari_stem_defects.errors import InputError
from napari_stem_defects.reporting.notebook.image_axes import (
    MOST_PX,
    axes_or_new,
    box_of,
    frame_axes,
    searched_pixels,
    show_image,
)


def test_the_box_is_half_a_pixel_larger_than_the_centres() -> None:
    assert box_of((3, 5), None) == (-0.5, 4.5, 2.5, -0.5)
    np.testing.assert_allclose(box_of((3, 5), 0.1), (-0.05, 0.45, 0.25, -0.05))


def test_images_are_drawn_in_nm_with_y_downwards() -> None:
    axes = axes_or_new(None)
    show_image(axes, np.arange(15, dtype=np.float32).reshape(3, 5), 0.1)
    assert axes.get_ylim() == (0.25, -0.05)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x (nm)", "y (nm)")
    np.testing.assert_allclose(axes.images[0].get_extent(), (-0.05, 0.45, 0.25, -0.05))


def test_given_axes_are_used_and_lengths_are_in_px_without_a_pixel_size() -> None:
    given = pyplot.figure().add_subplot()
    assert axes_or_new(given) is given
    frame_axes(given, (3, 5), None)
    assert given.get_xlabel() == "x (px)"


def test_large_images_are_drawn_with_fewer_pixels() -> None:
    axes = axes_or_new(None)
    show_image(axes, np.zeros((10, 3 * MOST_PX), np.float32), None)
    assert axes.images[0].get_array().shape == (4, MOST_PX)
    assert axes.get_xlim()[1] == 3 * MOST_PX - 0.5


def test_an_array_in_place_of_the_image_is_one_line() -> None:
    pixels = np.zeros((8, 9), np.float32)
    with pytest.raises(InputError, match=r"^ndarray is no micrograph; .*sd\.Micrograph\(array"):
        searched_pixels(pixels, 0, (8, 9), "survey")  # type: ignore[arg-type]
