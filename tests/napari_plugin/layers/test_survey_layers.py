"""Surveys as layers, in a viewer without canvas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import crystal_image
from napari.components import ViewerModel
from napari.layers import Image

from napari_stem_defects.anomaly.survey_frame import Survey, survey_frame
from napari_stem_defects.napari_plugin.layers.convert import is_plugin_layer
from napari_stem_defects.napari_plugin.layers.survey_layers import SurveyLayers

CRYSTAL = crystal_image(missing=5)


@pytest.fixture(scope="module")
def survey() -> Survey:
    return survey_frame(CRYSTAL.micrograph)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def add_image(viewer: ViewerModel, frames: int = 0) -> Image:
    data = np.repeat(CRYSTAL.pixels[None], frames, axis=0) if frames else CRYSTAL.pixels
    units = ("pixel", "nm", "nm")[-data.ndim :]
    return viewer.add_image(
        data, name="X", scale=(1, 0.02, 0.02)[-data.ndim :], translate=(0,) * data.ndim, units=units
    )


def test_the_map_lies_directly_over_its_image(viewer: ViewerModel, survey: Survey) -> None:
    source = add_image(viewer)
    viewer.add_points([(1, 1)], scale=source.scale, units=source.units)
    layer = SurveyLayers(viewer).show_map(source, survey)
    assert [each.name for each in viewer.layers][:2] == ["X", "anomaly - X"]
    np.testing.assert_array_equal(layer.data, survey.anomaly)
    np.testing.assert_array_equal(layer.scale, source.scale)
    assert layer.units == source.units
    assert layer.colormap.name == "magma"
    assert layer.contrast_limits == pytest.approx([0, 2 * survey.threshold])
    assert is_plugin_layer(layer)


def test_places_are_marked_in_order(viewer: ViewerModel, survey: Survey) -> None:
    layer = SurveyLayers(viewer).show_places(add_image(viewer), survey)
    assert layer.name == "unusual places - X"
    assert layer.features["rank"].tolist() == [each.rank for each in survey.candidates]
    for place, marked in zip(survey.candidates, layer.data, strict=True):
        assert marked.tolist() == [place.y, place.x]
    near = [np.hypot(*(CRYSTAL.defects - each).T).min() for each in layer.data[:5]]
    assert max(near) < CRYSTAL.period / 2


def test_another_survey_of_the_image_updates_its_layers(
    viewer: ViewerModel, survey: Survey
) -> None:
    layers, source = SurveyLayers(viewer), add_image(viewer)
    first = layers.show_map(source, survey)
    layers.show_places(source, survey)
    fewer = replace(survey, candidates=survey.candidates[:2])
    assert layers.show_map(source, fewer) is first
    assert len(layers.show_places(source, fewer).data) == 2
    assert len(viewer.layers) == 3
    assert layers.show_places(source, replace(survey, candidates=())) is None
    assert len(viewer.layers) == 2


def test_a_survey_of_a_frame_is_seen_at_that_frame_alone(
    viewer: ViewerModel, survey: Survey
) -> None:
    source = add_image(viewer, frames=3)
    layers, of_frame = SurveyLayers(viewer), replace(survey, frame=1)
    layer = layers.show_map(source, of_frame)
    assert layer.data.shape == (1, *CRYSTAL.pixels.shape)
    assert layer.translate[0] == 1
    places = layers.show_places(source, of_frame)
    assert set(places.data_to_world(places.data[0])[:1]) == {1}
    assert layers.show_map(source, replace(survey, frame=2)).translate[0] == 2


def test_grains_are_outlined_where_there_are_several(viewer: ViewerModel, survey: Survey) -> None:
    source, layers = add_image(viewer), SurveyLayers(viewer)
    assert layers.show_grains(source, survey) is None
    two = survey_frame(crystal_image(spacing=10, grain_deg=18).micrograph)
    layer = layers.show_grains(source, two)
    assert layer.name == "grains - X"
    assert layer.features["grain"].tolist() == [1, 2]
    np.testing.assert_allclose(layer.data[0], two.grain_map.grains[0].outline)
    np.testing.assert_array_equal(layer.scale, source.scale)
    assert is_plugin_layer(layer)
    again = layers.show_grains(source, two)
    assert len(viewer.layers) == 2
    assert layers.show_grains(source, survey) is None
    assert again not in viewer.layers


def test_outlines_in_a_stack_are_seen_at_their_frame(viewer: ViewerModel) -> None:
    source = add_image(viewer, frames=3)
    two = survey_frame(crystal_image(spacing=10, grain_deg=18).micrograph, frame=2)
    layer = SurveyLayers(viewer).show_grains(source, two)
    assert layer.ndim == 3
    assert layer.data_to_world(layer.data[0][0])[0] == 2
