"""Boxes of labels as keywords of a points layer."""

from __future__ import annotations

import numpy as np
from napari.layers import Points

from napari_stem_defects.labels.label import Label
from napari_stem_defects.napari_plugin.layers.label_style import box_keywords

COLOURS = {"Bulk": "#112233", "SF1": "#445566"}


def label(number: int, class_name: str) -> Label:
    return Label(f"id{number}", "ab" * 32, 0, 10.0 * number, 20.0, class_name, author="me")


def test_each_label_is_a_box_and_a_centre() -> None:
    keywords = box_keywords([label(1, "Bulk"), label(2, "SF1")], COLOURS)
    layer = Points(**keywords)
    np.testing.assert_array_equal(layer.data, [[10, 20], [20, 20]] * 3)
    assert layer.features["part"].tolist() == ["box", "box", "centre", "centre", "casing", "casing"]
    assert layer.features["class"].tolist() == ["Bulk", "SF1"] * 3
    assert layer.size.tolist()[:4] == [64, 64, 5, 5]
    assert (layer.size[4:] > 64).all()
    np.testing.assert_allclose(layer.border_color[0][:3] * 255, (0x11, 0x22, 0x33), atol=0.5)


def test_the_selected_box_is_tinted() -> None:
    keywords = box_keywords([label(1, "Bulk"), label(2, "SF1")], COLOURS, selected="id2")
    assert keywords["face_color"][:2] == ["#00000000", "#44556650"]


def test_a_suggested_window_is_a_white_box() -> None:
    keywords = box_keywords([], COLOURS, suggested=(5.0, 7.0))
    layer = Points(**keywords)
    np.testing.assert_array_equal(layer.data, [[5, 7]] * 2)
    assert layer.features["part"].tolist() == ["suggested", "casing"]
    np.testing.assert_array_equal(layer.border_color, [[1, 1, 1, 1], [0, 0, 0, 1]])


def test_without_labels_the_layer_is_empty() -> None:
    assert Points(box_keywords([], COLOURS)["data"]).data.shape == (0, 2)
