"""Layers that a panel has added to a viewer."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.owned_layers import OwnedLayers, alive


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def owned(viewer: ViewerModel) -> OwnedLayers[Image]:
    return OwnedLayers(viewer)


def image(name: str = "a") -> Image:
    return Image(np.zeros((4, 5)), name=name)


def test_added_layers_are_found_by_key(viewer: ViewerModel, owned: OwnedLayers[Image]) -> None:
    layer = image()
    owned.add("mask", layer)
    layer.name = "renamed"
    assert owned.get("mask") is layer
    assert owned.get("other") is None
    assert list(owned) == ["mask"]


def test_a_deleted_layer_keeps_its_key_but_is_not_returned(
    viewer: ViewerModel, owned: OwnedLayers[Image]
) -> None:
    owned.add("mask", image())
    viewer.layers.clear()
    assert "mask" in owned
    assert owned.get("mask") is None


@pytest.mark.parametrize("activate", [True, False])
def test_the_active_layer_changes_on_request(
    viewer: ViewerModel, owned: OwnedLayers[Image], activate: bool
) -> None:
    first, second = image("first"), image("second")
    viewer.add_layer(first)
    owned.add("mask", second, activate=activate)
    assert viewer.layers.selection.active is (second if activate else first)


def test_remove_all_leaves_layers_of_the_user(
    viewer: ViewerModel, owned: OwnedLayers[Image]
) -> None:
    source = image("source")
    viewer.add_layer(source)
    owned.add("a", image())
    owned.add("b", image())
    viewer.layers.pop()
    owned.remove_all()
    assert list(viewer.layers) == [source]
    assert list(owned) == []


def test_forgotten_layers_stay_in_the_viewer(
    viewer: ViewerModel, owned: OwnedLayers[Image]
) -> None:
    owned.add("a", image())
    owned.forget()
    assert "a" not in owned
    assert len(viewer.layers) == 1


def test_a_deleted_layer_frees_its_memory() -> None:
    layer = image()
    reference = weakref.ref(layer)
    assert alive(reference) is layer
    del layer
    gc.collect()
    assert alive(reference) is None
    assert alive(None) is None


def test_layers_that_the_panel_removes_are_not_taken_for_deleted_ones(
    viewer: ViewerModel, owned: OwnedLayers[Image]
) -> None:
    seen = []
    owned.add("mask", image())
    owned.add("map", image())
    viewer.layers.events.removed.connect(lambda event: seen.append(list(owned)))
    owned.remove_all()
    assert seen == [[], []]
