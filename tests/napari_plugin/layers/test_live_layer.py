"""The layer of the live map, in a viewer without canvas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import crystal_image
from napari.components import ViewerModel
from napari.layers import Image

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.jobs.live_map_request import FrameKey, LiveMap
from napari_stem_defects.napari_plugin.layers.live_layer import LiveLayer
from napari_stem_defects.napari_plugin.layers.survey_layers import SurveyLayers

SHAPE = (20, 30)
CLASSES = (DefectClass("Vac", colour="#ff0000"), DefectClass("SF", "line", colour="#00ff00"))


def found(value: int = 1, frame: int = 0) -> LiveMap:
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[5:9, 5:9] = value
    return LiveMap(FrameKey("ab" * 32, frame), CLASSES, drawn, {"Vac": 1, "SF": 0})


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def add_image(viewer: ViewerModel, frames: int = 0) -> Image:
    shape = (frames, *SHAPE) if frames else SHAPE
    units = ("pixel", "nm", "nm")[-len(shape) :]
    scale = (1, 0.03, 0.03)[-len(shape) :]
    return viewer.add_image(np.zeros(shape, np.float32), name="X", scale=scale, units=units)


def test_a_map_lies_over_its_image_in_the_colours_of_the_classes(viewer: ViewerModel) -> None:
    source, top = add_image(viewer), viewer.add_points([(1, 1)], scale=(0.03, 0.03))
    live = LiveLayer(viewer)
    live.show(source, found(2))
    layer = live.layer
    assert [each.name for each in viewer.layers] == ["X", "live - X", top.name]
    assert layer.units == source.units
    np.testing.assert_allclose(layer.get_color(2), (0, 1, 0, 1), atol=0.01)
    assert layer.features["class"].tolist() == ["", "Vac", "SF"]
    assert viewer.layers.selection.active is top


@pytest.mark.parametrize("survey_first", [True, False])
def test_the_map_of_a_survey_does_not_hide_it(viewer: ViewerModel, survey_first: bool) -> None:
    source, live = add_image(viewer), LiveLayer(viewer)
    places = SurveyLayers(viewer)
    survey = survey_frame(crystal_image(missing=5).micrograph)
    if survey_first:
        places.show_map(source, survey)
    live.show(source, found())
    if not survey_first:
        places.show_map(source, survey)
    assert [each.name for each in viewer.layers] == ["X", "anomaly - X", "live - X"]


def test_the_next_map_updates_the_layer_in_place(viewer: ViewerModel) -> None:
    live, source = LiveLayer(viewer), add_image(viewer)
    live.show(source, found(2))
    layer = live.layer
    other = (DefectClass("APB", "line", colour="#0000ff"),)
    live.show(source, replace(found(1), classes=other))
    assert live.layer is layer
    assert layer.data[6, 6] == 1
    np.testing.assert_allclose(layer.get_color(1), (0, 0, 1, 1), atol=0.01)
    live.clear()
    assert not layer.data.any()


def test_a_frame_of_a_stack_is_seen_at_that_frame_alone(viewer: ViewerModel) -> None:
    live, source = LiveLayer(viewer), add_image(viewer, frames=4)
    live.show(source, found(1, frame=2))
    layer = live.layer
    viewer.dims.set_current_step(0, 2)
    assert layer.get_value((2, 6 * 0.03, 6 * 0.03), world=True) == 1
    viewer.dims.set_current_step(0, 1)
    assert layer.get_value((1, 6 * 0.03, 6 * 0.03), world=True) in (None, 0)
    live.show(source, found(2, frame=1))
    assert layer.get_value((1, 6 * 0.03, 6 * 0.03), world=True) == 2


def test_a_deleted_layer_is_noticed_and_another_image_gets_its_own(viewer: ViewerModel) -> None:
    live, source = LiveLayer(viewer), add_image(viewer)
    live.show(source, found())
    viewer.layers.remove("live - X")
    assert live.is_deleted
    live.remove()
    assert not live.is_deleted
    live.show(source, found())
    other = viewer.add_image(np.zeros(SHAPE, np.float32), name="Y")
    live.show(other, found())
    assert [each.name for each in viewer.layers] == ["X", "Y", "live - Y"]


def test_the_first_layer_is_built_and_added_in_two_turns(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    live = LiveLayer(viewer)
    assert live.prepare(source, found(1))
    assert live.layer is None
    assert len(viewer.layers) == 1
    assert not live.prepare(source, found(2))  # is built already
    live.show(source, found(2))
    assert live.layer is not None
    assert live.layer.data[6, 6] == 2  # the newest map
    assert live.layer.units == source.units
    assert not live.prepare(source, found(2))


def test_a_layer_that_was_built_for_another_shape_is_not_used(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    live = LiveLayer(viewer)
    live.prepare(source, found(1))
    stack = add_image(viewer, frames=3)
    live.show(stack, found(1, frame=2))
    assert live.layer is not None
    assert live.layer.data.shape == (1, *SHAPE)
    live.remove()
    assert live.prepare(source, found(1))
    live.remove()
    assert live.prepare(source, found(1))
