"""Labels layers of a detection, in a viewer without canvas."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from sample_results import SHAPE, result

from napari_stem_defects import __version__
from napari_stem_defects.base.defect_classes import DefectClass, default_class
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.napari_plugin.layers.result_layers import ResultLayers

NAMES = ("SF1", "LC", "unknown")
CLASSES = tuple(default_class(name) for name in NAMES)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def add_image(viewer: ViewerModel, shape: tuple[int, ...] = SHAPE) -> Image:
    units = ("pixel", "nm", "nm")[-len(shape) :]
    scale = (1, 0.03, 0.03)[-len(shape) :]
    return viewer.add_image(np.zeros(shape, np.float32), name="CdTe", scale=scale, units=units)


def drawn(layers: ResultLayers, found: FrameResult) -> None:
    layers.show(found)
    while layers.step():
        pass


def shown(viewer: ViewerModel, source: Image) -> ResultLayers:
    layers = ResultLayers(viewer)
    layers.begin(source, CLASSES)
    while layers.step():
        pass
    return layers


def test_one_layer_per_class_named_and_placed(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    layers = shown(viewer, source)
    drawn(layers, result())
    assert [layer.name for layer in viewer.layers[1:]] == [f"{name} - CdTe" for name in NAMES]
    for layer in viewer.layers[1:]:
        np.testing.assert_array_equal(layer.scale, source.scale)
        assert layer.units == source.units
    fault = viewer.layers["SF1 - CdTe"]
    assert set(np.unique(fault.data)) == {0, 1}
    assert fault.features["class"][1] == "SF1"
    assert fault.features["length_nm"][1] > 2


def test_results_wait_for_their_layers(viewer: ViewerModel) -> None:
    layers = ResultLayers(viewer)
    layers.begin(add_image(viewer), CLASSES)
    layers.show(result())
    assert len(viewer.layers) == 1
    while layers.step():
        pass
    assert viewer.layers["SF1 - CdTe"].data.any()


def test_layers_record_model_image_and_parameters(viewer: ViewerModel) -> None:
    layers = shown(viewer, add_image(viewer, (3, *SHAPE)))
    drawn(layers, result(1))
    about = viewer.layers["SF1 - CdTe"].metadata["stem_defects"]
    assert about["model"] == {"name": "small", "sha256": "abc"}
    assert about["image"]["path"] == "CdTe.tif"
    assert about["version"] == __version__
    assert about["frames"][1]["thresholds"]["SF1"] == 0.5
    drawn(layers, result(1).with_thresholds({"SF1": 0.7}))
    assert about["frames"][1]["thresholds"]["SF1"] == 0.7
    assert list(about["frames"]) == [1]
    layers.begin(viewer.layers["CdTe"], CLASSES)
    assert "frames" not in about


def test_the_newest_result_is_drawn_one_layer_at_a_time(viewer: ViewerModel) -> None:
    layers = shown(viewer, add_image(viewer))
    layers.show(result(SF1=1.0))
    layers.show(result())
    assert layers.step()
    assert viewer.layers["SF1 - CdTe"].data.any()
    assert not viewer.layers["LC - CdTe"].data.any()
    assert layers.step()
    assert viewer.layers["LC - CdTe"].data.any()
    assert not layers.step()


def test_the_users_active_layer_stays_active(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    viewer.layers.selection.active = source
    shown(viewer, source)
    assert viewer.layers.selection.active is source


def test_renamed_layers_are_updated_and_deleted_ones_stay_deleted(
    viewer: ViewerModel,
) -> None:
    layers = shown(viewer, add_image(viewer))
    viewer.layers["SF1 - CdTe"].name = "my faults"
    viewer.layers.remove(viewer.layers["LC - CdTe"])
    drawn(layers, result())
    assert viewer.layers["my faults"].data.any()
    assert len(viewer.layers) == 3


def test_a_deleted_image_does_no_harm(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    layers = shown(viewer, source)
    viewer.layers.remove(source)
    drawn(layers, result())
    assert viewer.layers["SF1 - CdTe"].data.any()


def test_a_rerun_uses_the_same_layers(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    layers = shown(viewer, source)
    drawn(layers, result())
    before = list(viewer.layers)
    layers.begin(source, CLASSES)
    assert list(viewer.layers) == before
    assert not viewer.layers["SF1 - CdTe"].data.any()


def test_frames_of_a_stack_share_layers(viewer: ViewerModel) -> None:
    layers = shown(viewer, add_image(viewer, (3, *SHAPE)))
    drawn(layers, result(1))
    data = viewer.layers["SF1 - CdTe"].data
    assert data.shape == (3, *SHAPE)
    assert [frame.any() for frame in data] == [False, True, False]


def test_the_features_are_those_of_the_frame_in_view(viewer: ViewerModel) -> None:
    layers = shown(viewer, add_image(viewer, (3, *SHAPE)))
    viewer.dims.set_current_step(0, 1)
    drawn(layers, result(1))
    drawn(layers, result(2, SF1=1.0))
    fault = viewer.layers["SF1 - CdTe"]
    assert len(fault.features) == 2
    viewer.dims.set_current_step(0, 2)
    drawn(layers, result(2, SF1=1.0))
    assert len(fault.features) == 1


def test_a_run_that_fails_leaves_nothing(viewer: ViewerModel) -> None:
    layers = shown(viewer, add_image(viewer))
    layers.discard()
    assert not any(isinstance(layer, Labels) for layer in viewer.layers)


def test_a_rerun_gives_the_layers_the_colours_of_its_model(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    layers = shown(viewer, source)
    drawn(layers, result())
    layers.begin(source, [DefectClass("SF1", "area", colour="#ff0000"), *CLASSES[1:]])
    drawn(layers, result())
    np.testing.assert_allclose(viewer.layers["SF1 - CdTe"].get_color(1)[:3], (1, 0, 0), atol=0.01)


def test_a_deleted_layer_comes_back_when_it_is_asked_for(viewer: ViewerModel) -> None:
    source = add_image(viewer, (3, *SHAPE))
    layers = shown(viewer, source)
    drawn(layers, result(1))
    assert not layers.restore("SF1")  # it is there
    before = viewer.layers["SF1 - CdTe"].data.copy()
    viewer.layers.remove("SF1 - CdTe")
    drawn(layers, result(1))
    assert "SF1 - CdTe" not in viewer.layers
    assert layers.restore("SF1")
    assert not layers.restore("SF1")  # it waits
    drawn(layers, result(1))
    np.testing.assert_array_equal(viewer.layers["SF1 - CdTe"].data, before)
    assert not layers.restore("no class")
    viewer.layers.clear()
    assert not layers.restore("SF1")


def test_a_rerun_removes_the_layers_of_classes_that_it_lacks(viewer: ViewerModel) -> None:
    source = add_image(viewer)
    layers = shown(viewer, source)
    drawn(layers, result())
    kept = viewer.layers["SF1 - CdTe"]
    layers.begin(source, CLASSES[:1])
    assert list(viewer.layers) == [source, kept]
    layers.begin(source, ())
    assert list(viewer.layers) == [source]


def test_results_of_another_image_stay(viewer: ViewerModel) -> None:
    layers = shown(viewer, add_image(viewer))
    drawn(layers, result())
    before = list(viewer.layers)
    layers.begin(add_image(viewer), ())
    assert set(before) < set(viewer.layers)
    assert viewer.layers["SF1 - CdTe"].data.any()
