"""Brush layer that turns strokes into masks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_stem_defects.napari_plugin.layers.label_brush import BRUSH_PX, LabelBrush

if TYPE_CHECKING:
    from napari.layers import Image


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def image(viewer: ViewerModel) -> Image:
    pixels = np.zeros((80, 90), np.float32)
    return viewer.add_image(pixels, name="CdTe", scale=(0.03, 0.03), units=("nm", "nm"))


def stroke(brush: LabelBrush) -> None:
    """Paint a square as napari does during a drag."""
    assert brush.layer is not None
    event = SimpleNamespace(type="mouse_press")
    callbacks = brush.layer.mouse_drag_callbacks  # of napari's brush as well
    own = next(each for each in callbacks if getattr(each, "__self__", None) is brush)
    drag = own(brush.layer, event)
    next(drag)
    brush.layer.data[10:20, 30:50] = 1
    event.type = "mouse_release"
    assert next(drag, "released") == "released"


def test_a_stroke_becomes_a_mask_and_is_erased(viewer: ViewerModel, image: Image) -> None:
    masks: list[np.ndarray] = []
    brush = LabelBrush(viewer, masks.append)
    brush.begin(image, "#ff0000")
    stroke(brush)
    (mask,) = masks
    assert mask.dtype == bool
    assert mask.sum() == 200
    assert mask[10:20, 30:50].all()
    assert brush.layer is not None
    assert not brush.layer.data.any()


def test_the_layer_is_ready_to_paint(viewer: ViewerModel, image: Image) -> None:
    brush = LabelBrush(viewer, print)
    brush.begin(image, "#ff0000")
    layer = brush.layer
    assert layer is not None
    assert (layer.name, layer.mode, layer.brush_size) == ("brush - CdTe", "paint", BRUSH_PX)
    assert layer.units == image.units
    assert viewer.layers.selection.active is layer
    brush.recolour("#0000ff")
    np.testing.assert_allclose(layer.get_color(1)[:3], (0, 0, 1), atol=0.01)
    brush.begin(image, "#ff0000")
    assert len(viewer.layers) == 2


def test_the_layer_is_removed_at_the_end(viewer: ViewerModel, image: Image) -> None:
    brush = LabelBrush(viewer, print)
    brush.end()
    brush.begin(image, "#ff0000")
    brush.end()
    assert list(viewer.layers) == [image]
    assert brush.layer is None
    brush.recolour("#0000ff")


def test_other_modes_paint_no_labels(viewer: ViewerModel, image: Image) -> None:
    masks: list[np.ndarray] = []
    brush = LabelBrush(viewer, masks.append)
    brush.begin(image, "#ff0000")
    assert brush.layer is not None
    brush.layer.mode = "erase"
    stroke(brush)
    assert masks == []
