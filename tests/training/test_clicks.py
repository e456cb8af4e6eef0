"""Clicks become sites and targets."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.label_extent import (
    MAX_EXTENT_PX,
    MIN_EXTENT_PX,
    defect_label_extent,
)

Point = tuple[float, float]


def noise(seed: int = 0, size: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).random((size, size), dtype=np.float32)


def clicks(points: dict[str, list[Point]], image: np.ndarray | None = None) -> Clicks:
    places = [point for of_class in points.values() for point in of_class]
    y, x = np.array(places, float).reshape(-1, 2).T
    labels = tuple(name for name, of_class in points.items() for _ in of_class)
    return Clicks(noise() if image is None else image, y, x, labels)


def target(data: TrainingSet, site: int, name: str) -> float:
    return float(data.targets[site, data.classes.index(name)])


def test_a_click_is_positive_for_its_class_and_negative_for_others() -> None:
    data = from_clicks([clicks({"SF1": [(50, 50)], "Bulk": [(200, 200)]})])
    assert data.classes == ("Bulk", "SF1")
    assert data.labels == ("SF1", "Bulk")
    np.testing.assert_array_equal(data.targets, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(data.extent_px, [MAX_EXTENT_PX / 2] * 2)


@pytest.mark.parametrize(
    ("apart", "wanted"), [(7.9, 1.0), (8.1, np.nan), (15.9, np.nan), (16.1, 0.0)]
)
def test_clicks_of_another_class_are_positive_unknown_or_negative(
    apart: float, wanted: float
) -> None:
    """The label extent is 8 px here: most clicks of different classes are far apart."""
    far = [(20.0, 40.0 * i) for i in range(7)]
    lone = [(100.0, 40.0 * i) for i in range(7)] + [(250.0, 40.0 * i) for i in range(7)]
    data = from_clicks(
        [clicks({"SF1": [*lone, (180.0, 100.0)], "SF2": [*far, (180.0, 100.0 + apart)]})]
    )
    assert data.extent_px[0] == MAX_EXTENT_PX / 2
    site = data.labels.index("SF1") + len(lone)
    np.testing.assert_equal(target(data, site, "SF2"), wanted)
    assert target(data, site, "SF1") == 1


@pytest.mark.parametrize(("spacing", "extent"), [(10.0, 4.0), (2.0, MIN_EXTENT_PX), (90.0, 8.0)])
def test_the_extent_follows_the_density_of_the_clicks(spacing: float, extent: float) -> None:
    """Columns of two kinds, side by side, each of them labelled."""
    points: dict[str, list[Point]] = {"Mo": [], "S": []}
    for i in range(3):
        for j in range(3):
            points["S" if (i + j) % 2 else "Mo"].append((20 + spacing * i, 20 + spacing * j))
    data = from_clicks([clicks(points)])
    assert data.extent_px == pytest.approx(extent / 2)
    labelled = np.array([bool(name) for name in data.labels])
    own = [target(data, site, data.labels[site]) for site in np.flatnonzero(labelled)]
    assert set(own) == {1.0}
    if extent > MIN_EXTENT_PX:
        others = [target(data, site, "Mo") for site, name in enumerate(data.labels) if name == "S"]
        assert set(others) == {0.0}


def lattice_with(defect: str, spacing: float = 8.0) -> Clicks:
    """Return a lattice of which every column was clicked, one of them as a defect."""
    columns = [(20 + spacing * i, 20 + spacing * j) for i in range(15) for j in range(15)]
    middle = columns.pop(7 * 15 + 7)
    return clicks({"Bulk": columns, defect: [middle]})


def test_the_extent_of_a_rare_defect_excludes_its_neighbours() -> None:
    data = from_clicks([lattice_with("odd column")])
    assert defect_label_extent(data.extent_px) == pytest.approx(0.4 * 8)
    site = data.labels.index("odd column")
    at = np.hypot(data.y - data.y[site], data.x - data.x[site])
    neighbours = np.flatnonzero((at > 0) & (at < 8.5) & (np.array(data.labels) == "Bulk"))
    assert [target(data, site, "odd column") for site in neighbours] == [0.0] * 4


def test_bulk_extends_between_the_columns_but_not_near_a_defect() -> None:
    data = from_clicks([lattice_with("odd column")])
    site = data.labels.index("odd column")
    away = np.hypot(data.y - data.y[site], data.x - data.x[site])
    bulk = np.array(data.labels) == "Bulk"
    far = bulk & (away > 2 * 3.2 + MAX_EXTENT_PX)
    np.testing.assert_allclose(data.extent_px[far], MAX_EXTENT_PX / 2)
    assert (away - data.extent_px >= 2 * 3.2 - 1e-9)[bulk].all()
    assert data.extent_px[site] == pytest.approx(1.6)


def test_a_junction_on_its_fault_does_not_reduce_the_extent() -> None:
    fault = [(100.0, 20.0 + 10 * i) for i in range(25)]
    bulk = [(200.0, 5.0 * i) for i in range(55)]
    data = from_clicks([clicks({"SF1": fault, "LC": [(102, 101)], "Bulk": bulk})])
    assert data.extent_px[0] == MAX_EXTENT_PX / 2


def test_a_defect_is_never_bulk() -> None:
    lone, far = [[(28.0 * i, x) for i in range(10)] for x in (20.0, 280.0)]
    data = from_clicks([clicks({"SF1": [*lone, (100, 200)], "Bulk": [*far, (109, 200)]})])
    bulk = {target(data, n, "Bulk") for n, name in enumerate(data.labels) if name == "SF1"}
    assert defect_label_extent(data.extent_px) > 9 / 2
    assert bulk == {0.0}


def test_sites_beside_a_point_defect_are_negative() -> None:
    data = from_clicks([clicks({"Vacancy_CdTe": [(150, 150)], "Bulk": [(30, 30)]})])
    beside = [site for site, name in enumerate(data.labels) if not name]
    assert len(beside) == 6
    distance = np.hypot(data.y[beside] - 150, data.x[beside] - 150)
    assert distance.min() >= 2.5 * MAX_EXTENT_PX
    assert distance.max() <= 5 * MAX_EXTENT_PX
    assert [target(data, site, "Vacancy_CdTe") for site in beside] == [0.0] * 6
    assert np.isnan([target(data, site, "Bulk") for site in beside]).all()


def test_sites_beside_points_avoid_other_clicks_and_the_outside() -> None:
    cluster = [(20.0 * i, 20.0 * j) for i in range(8) for j in range(8)]
    data = from_clicks([clicks({"Vacancy_CdTe": cluster, "SF1": [(280, 280)]})])
    beside = np.array([not name for name in data.labels])
    at = np.column_stack([data.y, data.x])
    apart = np.linalg.norm(at[beside][:, None] - at[~beside][None], axis=2)
    assert beside.any()
    assert apart.min() > 2 * MAX_EXTENT_PX
    assert at.min() >= 0
    assert at.max() <= 299


def test_extended_defects_have_no_sites_beside_them() -> None:
    assert all(from_clicks([clicks({"SF1": [(150, 150)], "Twin_Bound": [(80, 80)]})]).labels)


def test_edited_copies_share_a_source() -> None:
    image = noise(1)
    edited = image.copy()
    edited[10:90, 10:90] = 0
    parents = [image, noise(2), edited, noise(3, 200)]
    data = from_clicks([clicks({"SF1": [(50, 50)]}, parent) for parent in parents])
    np.testing.assert_array_equal(data.image, [0, 1, 2, 3])
    np.testing.assert_array_equal(data.source, [0, 1, 0, 3])
    assert len(data.images) == 4
    assert all(kept is given for kept, given in zip(data.images, parents, strict=True))


def test_images_without_clicks_keep_their_index() -> None:
    data = from_clicks(
        [clicks({}, noise(1)), clicks({"SF1": [(9, 9)]}, noise(2)), clicks({}, noise(3))],
        pixel_size_nm=0.03,
    )
    np.testing.assert_array_equal(data.image, [1])
    assert data.classes == ("SF1",)
    assert data.pixel_size_nm == 0.03


def test_weak_labels_become_patches_of_their_image() -> None:
    image = noise(5)
    y, x = np.array([150.0, 5.0, 100.0]), np.array([100.0, 290.0, 100.0])
    weak = np.array([True, True, False])
    parent = Clicks(image, y, x, ("LC", "SF1", "Bulk"), weak, "parent")
    data = from_clicks([parent])
    patch = data.extent_px == 0
    assert np.array(data.labels)[patch].tolist() == ["LC", "SF1"]
    assert set(data.source) == {0}
    for site in np.flatnonzero(patch):
        top, left = int(data.source_y[site]) - 32, int(data.source_x[site]) - 32
        shown = data.images[data.image[site]]
        np.testing.assert_array_equal(shown, image[top : top + 64, left : left + 64])
    np.testing.assert_allclose(data.source_y[patch], [150.5, 32], atol=0.5)


def test_the_kind_decides_about_sites_beside_a_click_not_the_name() -> None:
    """A class of a user's own gets sites beside it as a point defect, none as a line or area."""
    points = clicks({"SF": [(150, 150)], "Bulk": [(40, 40)]})
    for kind, labelled in (("point", False), ("line", True), ("area", True)):
        given = Clicks(
            points.image, points.y, points.x, points.labels, class_data=(DefectClass("SF", kind),)
        )
        data = from_clicks([given])
        assert data.kind_of("SF") == kind
        assert all(data.labels) is labelled
