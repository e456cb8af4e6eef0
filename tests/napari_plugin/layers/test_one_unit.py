"""Layers in several units of length become layers in nm, at the same place."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points

from napari_stem_defects.napari_plugin.layers.convert import pixel_size_nm
from napari_stem_defects.napari_plugin.layers.one_unit import show_in_one_unit
from napari_stem_defects.napari_plugin.layers.placement import keep_on, set_pixel_size

TURNED = {"rotate": 30, "shear": [0.1], "affine": [[0.9, 0.2, 5], [-0.2, 0.9, 7], [0, 0, 1]]}


def in_nm(layer: Layer, point: tuple[float, ...]) -> np.ndarray:
    """Return where a point of a layer, px, lies in nm."""
    factors = [float((1 * unit).to("nm").magnitude) for unit in layer.units]
    return np.asarray(layer.data_to_world(point)) * factors


@pytest.mark.parametrize("unit", ["angstrom", "um", "pm"])
@pytest.mark.parametrize("transform", [{}, TURNED])
def test_nothing_moves(unit: str, transform: dict[str, object]) -> None:
    micrograph = Image(np.zeros((8, 9)), scale=(0.02, 0.02), units=("nm", "nm"))
    other = Image(
        np.zeros((8, 9)), scale=(0.2, 0.2), translate=(3, 4), units=(unit, unit), **transform
    )
    before = [in_nm(layer, (3, 5)) for layer in (micrograph, other)]
    size = pixel_size_nm(other)
    show_in_one_unit([micrograph, other])
    assert {str(each) for layer in (micrograph, other) for each in layer.units} == {"nanometer"}
    after = [in_nm(layer, (3, 5)) for layer in (micrograph, other)]
    np.testing.assert_allclose(after, before, rtol=1e-9)
    assert pixel_size_nm(other) == pytest.approx(size)


@pytest.mark.parametrize("is_below", [False, True])
def test_layers_that_follow_another_stay_on_it(is_below: bool) -> None:
    size = {"scale": (0.2, 0.2), "translate": (3, 4), "units": ("angstrom", "angstrom")}
    image, labels = Image(np.zeros((8, 9)), **size), Points(np.zeros((1, 2)), **size)
    keep_on(labels, image)
    micrograph = Image(np.zeros((8, 9)), scale=(0.02, 0.02), units=("nm", "nm"))
    before = in_nm(image, (3, 5))
    show_in_one_unit([labels, image, micrograph] if is_below else [image, labels, micrograph])
    for layer in (image, labels):
        assert str(layer.units[0]) == "nanometer"
        np.testing.assert_allclose(in_nm(layer, (3, 5)), before, rtol=1e-9)
    set_pixel_size(image, 0.05)
    np.testing.assert_allclose(labels.scale, (0.05, 0.05))


def test_frames_keep_their_unit() -> None:
    stack = Image(np.zeros((2, 8, 9)), scale=(0.5, 0.2, 0.2), units=("s", "angstrom", "angstrom"))
    points = Points(np.zeros((1, 2)), scale=(0.02, 0.02), units=("nm", "nm"))
    show_in_one_unit([stack, points])
    assert [str(each) for each in stack.units] == ["second", "nanometer", "nanometer"]
    np.testing.assert_allclose(stack.scale, (0.5, 0.02, 0.02))


@pytest.mark.parametrize("unit", ["angstrom", "pixel"])
def test_layers_of_one_unit_are_left(unit: str) -> None:
    layers = [Image(np.zeros((8, 9)), units=(unit, unit)) for _ in range(2)]
    show_in_one_unit(layers)
    assert {str(each) for layer in layers for each in layer.units} == {unit}


def test_mouse_positions_fit_layers_in_nm() -> None:
    viewer = ViewerModel()
    micrograph = viewer.add_image(np.zeros((100, 200)), scale=(0.02, 0.02), units=("nm", "nm"))
    viewer.add_image(np.zeros((100, 200)), scale=(0.2, 0.2), units=("angstrom", "angstrom"))
    show_in_one_unit(viewer.layers)
    middle = [(each.start + each.stop) / 2 for each in viewer.dims.range]  # as the mouse has it
    np.testing.assert_allclose(micrograph.world_to_data(middle), (49.5, 99.5))
