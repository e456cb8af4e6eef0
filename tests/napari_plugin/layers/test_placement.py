"""Layers that stay on their image when it is calibrated."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.placement import calibrate, keep_on, set_pixel_size


def corners(layer: Image | Labels) -> np.ndarray:
    """Return where the first and the last pixel lie, with their unit."""
    last = np.array(layer.data.shape[-2:]) - 1
    lead = (0,) * (layer.ndim - 2)
    return np.array([layer.data_to_world((*lead, *each))[-2:] for each in ((0, 0), last)])


def test_layers_of_every_kind_follow_their_image() -> None:
    image = Image(np.zeros((40, 60)), translate=(5, 7))
    labels = Labels(np.zeros((40, 60), int), **convert.spatial_keywords(image))
    points = Points(np.array([[10.0, 20.0]]), **convert.spatial_keywords(image))
    coarse = Image(np.zeros((20, 30)), scale=(2, 2), translate=(5.5, 7.5))
    for layer in (labels, points, coarse):
        keep_on(layer, image)
    set_pixel_size(image, 0.03)
    for layer in (labels, points, coarse):
        assert [str(unit) for unit in layer.units] == ["nanometer", "nanometer"]
    np.testing.assert_allclose(corners(labels), corners(image))
    np.testing.assert_allclose(points.data_to_world((10, 20)), image.data_to_world((10, 20)))
    np.testing.assert_allclose(coarse.data_to_world((0, 0)), image.data_to_world((0.5, 0.5)))
    image.scale = (0.05, 0.05)
    image.translate = (1, 2)
    np.testing.assert_allclose(corners(labels), corners(image))
    np.testing.assert_allclose(coarse.data_to_world((3, 4)), image.data_to_world((6.5, 8.5)))


def test_the_frame_axis_stays() -> None:
    stack = Image(np.zeros((4, 20, 30)))
    frame = Labels(np.zeros((1, 20, 30), int), **convert.frame_keywords(stack, 2))
    keep_on(frame, stack)
    set_pixel_size(stack, 0.03)
    assert tuple(frame.scale) == (1, 0.03, 0.03)
    assert tuple(frame.translate) == (2, 0, 0)
    assert str(frame.units[0]) == "pixel"


def test_a_layer_follows_the_source_named_last() -> None:
    first, second = Image(np.zeros((8, 8))), Image(np.zeros((8, 8)))
    layer = Labels(np.zeros((8, 8), int))
    keep_on(layer, first)
    keep_on(layer, second)
    set_pixel_size(first, 0.03)
    assert tuple(layer.scale) == (1, 1)
    set_pixel_size(second, 0.05)
    assert tuple(layer.scale) == (0.05, 0.05)


def test_nothing_keeps_the_layers_alive() -> None:
    image, layer = Image(np.zeros((8, 8))), Labels(np.zeros((8, 8), int))
    keep_on(layer, image)
    gone = weakref.ref(layer)
    del layer
    gc.collect()
    assert gone() is None
    set_pixel_size(image, 0.03)


def test_what_is_in_view_stays_in_view() -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((100, 200)), translate=(3, 4))
    camera = convert.get_camera(viewer)
    convert.centre_on(viewer, image, 30, 150)
    camera.zoom = 4.0
    calibrate(viewer, image, 0.02)
    assert image.world_to_data(camera.center[-2:]) == pytest.approx((30, 150))
    assert camera.zoom == pytest.approx(4.0 / 0.02)
