"""The offer to show a grey image as grey."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_stem_defects.napari_plugin.panels.common.grey_offer import GreyOffer
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector

pytestmark = pytest.mark.gui
GREY = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def offer(qtbot: Any, viewer: ViewerModel) -> tuple[ImageSelector, GreyOffer]:
    selector = ImageSelector(viewer.layers)
    made = GreyOffer(viewer.layers, selector)
    for widget in (selector, made):
        qtbot.addWidget(widget)
    return selector, made


def test_it_is_shown_for_grey_images_in_colour_only(qtbot: Any, viewer: ViewerModel) -> None:
    viewer.add_image(GREY, name="grey")
    selector, made = offer(qtbot, viewer)
    assert made.isHidden()
    colour = viewer.add_image(np.dstack([GREY] * 3), rgb=True, name="colour")
    selector.select(colour)
    assert not made.isHidden()
    QTest.mouseClick(made.convert, Qt.MouseButton.LeftButton)
    assert made.isHidden()
    assert selector.image is viewer.layers["colour"]
    assert not selector.image.rgb


def test_a_coloured_pixel_keeps_the_layer(qtbot: Any, viewer: ViewerModel) -> None:
    marked = np.dstack([GREY] * 3)
    marked[3, 3, 0] += 1
    layer = viewer.add_image(marked, rgb=True, name="marked")
    selector, made = offer(qtbot, viewer)
    selector.select(layer)
    QTest.mouseClick(made.convert, Qt.MouseButton.LeftButton)
    assert selector.image is layer
    assert "stays" in made.statement.text()
