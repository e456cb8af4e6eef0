"""Patches become sites and targets; training sets are joined, divided and reduced."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import LabelError
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import (
    agreeing_classes,
    from_patches,
    join,
    ordered_classes,
)

Point = tuple[float, float]


def noise(seed: int = 0, size: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).random((size, size), dtype=np.float32)


def clicks(points: dict[str, list[Point]], image: np.ndarray | None = None) -> Clicks:
    places = [point for of_class in points.values() for point in of_class]
    y, x = np.array(places, float).reshape(-1, 2).T
    labels = tuple(name for name, of_class in points.items() for _ in of_class)
    return Clicks(noise() if image is None else image, y, x, labels)


def test_classes_are_in_natural_order_after_bulk() -> None:
    assert ordered_classes(["x10", "x9", "A", "", "Bulk", "x9"]) == ("Bulk", "A", "x9", "x10")


def test_patches_are_images_with_one_central_site() -> None:
    parent = noise(4)
    corners = [(0, 0), (10, 30), (200, 200)]
    patches = np.stack([parent[y : y + 64, x : x + 64] for y, x in corners])
    data = from_patches(patches, ["LC", "Bulk", "LC"])
    assert data.classes == ("Bulk", "LC")
    np.testing.assert_array_equal(data.targets, [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(data.y, [32, 32, 32])
    np.testing.assert_array_equal(data.source[:2], data.source[0])
    assert data.source[2] != data.source[0]
    np.testing.assert_array_equal(np.diff(data.source_y[:2]), [10])
    np.testing.assert_array_equal(np.diff(data.source_x[:2]), [30])
    assert not data.extent_px.any()


def test_joining_renumbers_images_and_sources() -> None:
    first = from_clicks(
        [clicks({"SF1": [(50, 50)]}, noise(1)), clicks({"SF1": [(9, 9)]}, noise(2))]
    )
    second = from_patches(noise(3)[None, :64, :64], ["LC"])
    data = join([first, second, first])
    np.testing.assert_array_equal(data.image, [0, 1, 2, 3, 4])
    assert np.unique(data.source).size == 5
    assert data.classes == ("LC", "SF1")
    assert data.labels == ("SF1", "SF1", "LC", "SF1", "SF1")
    np.testing.assert_array_equal(data.targets[[0, 2]], [[0, 1], [1, 0]])
    np.testing.assert_array_equal(data.images[data.image[2]], noise(3)[:64, :64])


def test_choosing_sites_and_classes() -> None:
    data = from_clicks([clicks({"SF1": [(50, 50)], "Bulk": [(200, 200)], "SF2": [(250, 20)]})])
    some = data.subset(np.array([False, True, True]))
    assert some.labels == ("Bulk", "SF2")
    assert len(some) == 2
    assert some.counts() == {"Bulk": 1, "SF1": 0, "SF2": 1}
    narrow = data.with_classes(["SF2", "Bulk"])
    assert narrow.classes == ("SF2", "Bulk")
    np.testing.assert_array_equal(narrow.targets, [[0, 0], [0, 1], [1, 0]])
    with pytest.raises(LabelError, match="LC"):
        data.with_classes(["LC"])


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(LabelError, match="nothing to train on"):
        join([])


def test_classes_keep_their_kinds_whatever_is_selected() -> None:
    boundary = DefectClass("APB", "line", "anti-phase boundary", "#123456")
    patches = np.stack([noise(1, 64), noise(2, 64)])
    data = from_patches(patches, ["APB", "Bulk"], class_data=(boundary,))
    assert data.class_data[1:] == (boundary,) or data.class_data[:1] == (boundary,)
    assert data.kind_of("APB") == "line"
    assert data.kinds() == ("line", "bulk")
    assert data.with_classes(["Bulk"]).kinds() == ("line", "bulk")
    assert join([data, data]).kind_of("APB") == "line"


def test_sources_that_disagree_about_a_kind_are_refused() -> None:
    first, second = DefectClass("APB", "line"), DefectClass("APB", "line", "boundary")
    assert agreeing_classes([first, second, DefectClass("x")]) == (first, DefectClass("x"))
    with pytest.raises(
        LabelError, match=r"APB: its kind is line in one source .* point in another"
    ):
        agreeing_classes([first, DefectClass("APB")])


def test_classes_of_two_sources_do_not_share_a_colour() -> None:
    assert DefectClass("Bright").colour == DefectClass("Vac").colour
    bright, vacancy = agreeing_classes([DefectClass("Bright"), DefectClass("Vac")])
    assert bright == DefectClass("Bright")
    assert vacancy.colour != bright.colour
