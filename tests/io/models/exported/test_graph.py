"""Nodes and constants of a graph."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.io.models.exported.graph import GraphBuilder

onnx = pytest.importorskip("onnx")


def test_constants_keep_shape_and_get_a_type() -> None:
    graph = GraphBuilder(onnx)
    names = [graph.constant(value) for value in (1.5, 3, [1, 2], np.zeros((2, 3)))]
    arrays = [onnx.numpy_helper.to_array(each) for each in graph.constants]
    assert names == [each.name for each in graph.constants]
    assert [(each.shape, each.dtype.name) for each in arrays] == [
        ((), "float32"),
        ((), "int64"),
        ((2,), "int64"),
        ((2, 3), "float32"),
    ]


def test_names_of_a_body_are_its_own_and_its_constants_are_shared() -> None:
    graph = GraphBuilder(onnx)
    first = graph.add("Abs", "image")
    body = graph.body()
    inside = body.add("Abs", graph.constant(1.0))
    assert first != inside
    assert [node.op_type for node in body.nodes] == ["Abs"]
    assert len(graph.nodes) == 1
    assert graph.used == {"image", "c0"}
