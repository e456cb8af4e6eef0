"""Preprocessing nodes alone: mirrored borders and windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import run_graph

from napari_stem_defects.inference.spatial_averaging import MAX_LOGIT, average_logits
from napari_stem_defects.io.models.exported.graph import OPSET, GraphBuilder
from napari_stem_defects.io.models.exported.image_nodes import (
    averaged_logits,
    filtered_image,
    mirrored,
    window_axis,
)
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import window_grid

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def run(graph: GraphBuilder, output: str, image: np.ndarray, rank: int = 4) -> Any:
    """Return what a graph computes of an image (Y, X), or of an array as it is."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph.nodes.append(helper.make_node("Cast", [output], ["result"], to=kind))
    made = helper.make_graph(
        graph.nodes,
        "test",
        [helper.make_tensor_value_info("image", kind, [None] * rank)],
        [helper.make_tensor_value_info("result", kind, None)],
        initializer=graph.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    return run_graph(
        helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString(), image
    )


@pytest.mark.parametrize("padding", [(0, 0), (3, 1), (20, 17)])
def test_borders_are_mirrored_as_often_as_needed(padding: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((7, 5), dtype=np.float32)
    graph = GraphBuilder(onnx)
    found = run(graph, mirrored(graph, "image", 2, *padding), image)
    np.testing.assert_array_equal(found[0], np.pad(image, [padding, (0, 0)], mode="symmetric"))


@pytest.mark.parametrize(
    "settings",
    [
        PreprocessingSettings(),
        PreprocessingSettings(smoothing_px=0, contrast_px=0),
        PreprocessingSettings(background_px=40, contrast_px=60),
    ],
)
def test_images_are_filtered_as_in_detection(settings: PreprocessingSettings) -> None:
    image = np.random.default_rng(0).random((90, 70), dtype=np.float32) * 900 - 100
    graph = GraphBuilder(onnx)
    found = run(graph, filtered_image(graph, "image", settings), image)
    np.testing.assert_allclose(found[0], filter_image(image, settings), atol=2e-5)


@pytest.mark.parametrize("length", [64, 71, 130])
@pytest.mark.parametrize(("stride", "margin"), [(8, 0), (3, 0), (8, 32), (5, 32)])
def test_windows_are_those_of_detection(length: int, stride: int, margin: int) -> None:
    grid = window_grid((length, 80), stride, margin)
    for expected in ("first", "windows"):
        graph = GraphBuilder(onnx)
        axis = window_axis(graph, "image", 2, stride, margin)
        value = graph.add("Unsqueeze", getattr(axis, expected), graph.constant([0]))
        found = run(graph, value, np.zeros((length, 80), np.float32))
        assert found == {"first": grid.y[0], "windows": len(grid.y)}[expected]


def test_logits_are_averaged_as_in_detection() -> None:
    probability = np.random.default_rng(0).random((12, 14), dtype=np.float32)
    probability[0, 0], probability[3, 3] = 0, 1
    grid = window_grid((96, 112), 8)
    graph = GraphBuilder(onnx)
    found = run(graph, averaged_logits(graph, "image", 6.0 / 8, MAX_LOGIT), probability)
    np.testing.assert_allclose(found[0], average_logits(probability[None], grid, 6.0)[0], atol=1e-5)
