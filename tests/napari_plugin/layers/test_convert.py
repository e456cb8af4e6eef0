"""Calibration, names and colours of layers."""

from __future__ import annotations

import numpy as np
import pint
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_stem_defects.base.defect_classes import default_class
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.layers.placement import set_pixel_size
from napari_stem_defects.napari_plugin.layers.region_features import region_features
from napari_stem_defects.postprocessing.results import Region

NM = pint.get_application_registry().nm


def image(shape: tuple[int, ...] = (8, 9), **keywords: object) -> Image:
    return Image(np.zeros(shape, np.float32), name="CdTe", **keywords)


def test_new_layers_lie_on_their_source() -> None:
    source = image(
        scale=(0.03, 0.03), translate=(5, 7), units=("nm", "nm"), axis_labels=("row", "column")
    )
    made = Labels(np.zeros((8, 9), int), **convert.spatial_keywords(source))
    np.testing.assert_array_equal(made.scale, source.scale)
    np.testing.assert_array_equal(made.translate, source.translate)
    assert made.units == source.units
    assert made.axis_labels == source.axis_labels


def test_a_layer_of_one_frame_lies_at_that_frame() -> None:
    stack = image((5, 8, 9), scale=(2, 0.03, 0.03), translate=(1, 0, 7))
    keywords = convert.frame_keywords(stack, 3)
    assert keywords["translate"] == (7, 0, 7)
    assert keywords["scale"] == (2, 0.03, 0.03)
    single = image(translate=(5, 7))
    assert convert.frame_keywords(single, 3) == convert.spatial_keywords(single)


def test_a_frame_of_a_stack_takes_the_last_axes() -> None:
    source = image((3, 8, 9), scale=(2, 0.03, 0.04), units=("s", "nm", "nm"))
    assert convert.spatial_keywords(source)["scale"] == (0.03, 0.04)
    assert convert.spatial_keywords(source, 3)["units"] == source.units


def test_the_scale_bar_keeps_its_units() -> None:
    viewer = ViewerModel()
    source = viewer.add_layer(image(scale=(0.03, 0.03), units=("nm", "nm")))
    data, keywords, _ = convert.class_layer(
        default_class("SF1"), np.zeros((8, 9), int), source, {"index": [0]}
    )
    viewer.add_labels(data, **keywords)
    assert viewer.layers.extent.units == (NM, NM)


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"scale": (0.03, 0.03), "units": ("nm", "nm")}, 0.03),
        ({"scale": (30, 30), "units": ("pm", "pm")}, 0.03),
        ({"scale": (0.3, 0.3), "units": ("angstrom", "angstrom")}, 0.03),
        ({}, None),
        ({"scale": (0.03, 0.03)}, None),
        ({"scale": (0.03, 0.03), "units": ("1/nm", "1/nm")}, None),
    ],
)
def test_pixel_size(keywords: dict[str, object], expected: float | None) -> None:
    found = convert.pixel_size_nm(image(**keywords))
    assert found == (None if expected is None else pytest.approx(expected))


def test_oblong_pixels_are_refused() -> None:
    with pytest.raises(InputError, match="not square"):
        convert.pixel_size_nm(image(scale=(0.03, 0.04), units=("nm", "nm")))


def test_calibrating_keeps_the_frame_axis() -> None:
    stack = image((3, 8, 9), scale=(2, 1, 1))
    set_pixel_size(stack, 0.05)
    assert tuple(stack.scale) == (2, 0.05, 0.05)
    assert convert.pixel_size_nm(stack) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("shape", "rgb", "frames", "frame_shape"),
    [
        ((8, 9), False, 1, (8, 9)),
        ((8, 9, 4), True, 1, (8, 9, 4)),
        ((3, 8, 9), False, 3, (8, 9)),
        ((1, 8, 9), False, 1, (8, 9)),
        ((3, 8, 9, 3), True, 3, (8, 9, 3)),
    ],
)
def test_frames(
    shape: tuple[int, ...], rgb: bool, frames: int, frame_shape: tuple[int, ...]
) -> None:
    layer = image(shape, rgb=rgb)
    assert convert.frame_count(layer) == frames
    assert convert.frame_pixels(layer, frames - 1).shape == frame_shape
    assert convert.frame_shape(layer) == (8, 9)


def test_more_axes_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="4 axes"):
        convert.frame_count(image((2, 3, 8, 9)))


def test_multiscale_images_are_read_at_full_resolution() -> None:
    layer = Image([np.zeros((8, 8)), np.zeros((4, 4))], multiscale=True)
    assert convert.frame_pixels(layer, 0).shape == (8, 8)


@pytest.mark.parametrize("size", [None, 0.04])
def test_image_layer_of_a_micrograph(size: float | None) -> None:
    micrograph = Micrograph(np.zeros((2, 8, 9), np.float32), "a", size, sha256="abc")
    data, keywords, kind = convert.image_layer(micrograph)
    layer = Image(data, **keywords)
    assert kind == "image"
    assert convert.pixel_size_nm(layer) == size
    assert layer.axis_labels == ("frame", "y", "x")
    assert layer.metadata[convert.METADATA_KEY]["sha256"] == "abc"


def test_class_layer_is_named_coloured_and_filled() -> None:
    region = Region("CdTe", 0, "SF1", 1, 2, 3, None, None, 4, None, 0.2, 0.8, 0.9)
    numbered = np.zeros((8, 9), np.uint8)
    numbered[2:4, 3:5] = 1
    data, keywords, _ = convert.class_layer(
        default_class("SF1"), numbered, image(), region_features([region])
    )
    layer = Labels(data, **keywords)
    assert layer.name == "SF1 - CdTe"
    assert layer.features["class"][1] == "SF1"
    np.testing.assert_allclose(layer.get_color(1)[:3], (0.902, 0.624, 0), atol=0.01)
