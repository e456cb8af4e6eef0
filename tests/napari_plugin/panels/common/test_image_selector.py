"""Combo box of the image layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY
from napari_stem_defects.napari_plugin.layers.placement import (
    remember_pixel_size,
    set_pixel_size,
)
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def selector(viewer: ViewerModel, qtbot: Any) -> ImageSelector:
    made = ImageSelector(viewer.layers)
    qtbot.addWidget(made)
    return made


def texts(selector: ImageSelector) -> list[str]:
    return [selector.itemText(index) for index in range(selector.count())]


def test_images_are_listed_and_the_selection_is_kept(
    viewer: ViewerModel, selector: ImageSelector
) -> None:
    assert selector.image is None
    first = viewer.add_image(np.zeros((5, 5)), name="first")
    viewer.add_labels(np.zeros((5, 5), int))
    viewer.add_image(np.zeros((5, 5)), name="second", visible=False)
    assert texts(selector) == ["second", "first"]
    assert selector.image is first
    first.name = "renamed"
    assert texts(selector) == ["second", "renamed"]
    assert selector.image is first


def test_layers_of_the_plugin_are_not_listed(viewer: ViewerModel, selector: ImageSelector) -> None:
    viewer.add_image(np.zeros((5, 5)), metadata={METADATA_KEY: {"made": "stage"}})
    assert texts(selector) == []


def test_an_image_that_is_opened_is_selected(viewer: ViewerModel, selector: ImageSelector) -> None:
    """napari shows it over the others: clicks on it would be labels of the image below."""
    viewer.add_image(np.zeros((5, 5)), name="first")
    second = viewer.add_image(np.zeros((5, 5)), name="second")
    assert selector.image is second
    viewer.add_image(np.zeros((5, 5)), name="of several, hidden", visible=False)
    viewer.add_image(np.zeros((5, 5)), metadata={METADATA_KEY: {"made": "stage"}})
    assert selector.image is second


def test_an_image_chosen_in_the_list_is_shown(viewer: ViewerModel, selector: ImageSelector) -> None:
    first = viewer.add_image(np.zeros((5, 5)), name="first")
    second = viewer.add_image(np.zeros((5, 5)), name="second")
    selector.setFocus()
    QTest.keyClick(selector, Qt.Key.Key_Down)
    assert selector.image is first
    assert first.visible
    assert not second.visible
    QTest.keyClick(selector, Qt.Key.Key_Up)
    assert second.visible
    assert first.visible  # below it


def test_changes_are_announced_once(viewer: ViewerModel, selector: ImageSelector) -> None:
    changes: list[Any] = []
    selector.image_changed.connect(lambda: changes.append(selector.image))
    first = viewer.add_image(np.zeros((5, 5)), name="first")
    second = viewer.add_image(np.zeros((5, 5)), name="second")
    viewer.layers.remove(second)
    assert changes == [first, second, first]


def test_a_disconnected_selector_ignores_the_viewer(
    viewer: ViewerModel, selector: ImageSelector
) -> None:
    selector.disconnect_layers()
    viewer.add_image(np.zeros((5, 5)))
    assert texts(selector) == []


def test_a_changed_calibration_is_announced_once(
    viewer: ViewerModel, selector: ImageSelector, qtbot: Any
) -> None:
    first = viewer.add_image(np.zeros((5, 5)), name="first")
    second = viewer.add_image(np.zeros((5, 5)), name="second")
    selector.select(first)
    heard: list[object] = []
    selector.calibrated.connect(lambda: heard.append(selector.image))
    set_pixel_size(first, 0.03)
    qtbot.waitUntil(lambda: bool(heard))
    set_pixel_size(second, 0.05)
    qtbot.wait(50)
    assert heard == [first]
    selector.select(second)
    remember_pixel_size(second, 0.05)
    qtbot.waitUntil(lambda: heard == [first, second])


def test_the_full_name_is_in_the_tooltip(viewer: ViewerModel, selector: ImageSelector) -> None:
    viewer.add_image(np.zeros((5, 5)), name="a name that is longer than the list")
    assert selector.toolTip().startswith("a name that is longer than the list\n")


@pytest.mark.parametrize("is_changed_later", [False, True])
def test_layers_get_one_unit(
    viewer: ViewerModel, selector: ImageSelector, qtbot: Any, is_changed_later: bool
) -> None:
    viewer.add_image(np.zeros((5, 5)), scale=(0.02, 0.02), units=("nm", "nm"))
    unit = "nm" if is_changed_later else "angstrom"
    other = viewer.add_image(np.zeros((5, 5)), scale=(0.2, 0.2), units=(unit, unit))
    if is_changed_later:
        other.units = ("angstrom", "angstrom")
        qtbot.waitUntil(lambda: str(other.units[0]) == "nanometer")
    assert {str(each) for layer in viewer.layers for each in layer.units} == {"nanometer"}
    np.testing.assert_allclose(other.scale, (0.02, 0.02))
    selector.disconnect_layers()
    other.units = ("angstrom", "angstrom")
    qtbot.wait(50)
    assert str(other.units[0]) == "angstrom"
