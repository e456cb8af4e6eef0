"""Label extent: it follows from the distances between clicks of different classes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.base.defect_classes import DefectClass, Kind
from napari_stem_defects.training.label_extent import (
    MAX_EXTENT_PX,
    MIN_EXTENT_PX,
    PointLabels,
    class_trees,
    defect_label_extent,
    label_extent,
    nearest_class_distance,
    sampling_jitter,
    site_extents,
)


def points(**of_classes: list[tuple[float, float]]) -> PointLabels:
    labels = tuple(name for name, places in of_classes.items() for _ in places)
    y, x = np.array([place for places in of_classes.values() for place in places], float).T
    return PointLabels(y, x, labels)


def lattice(spacing: float, defect: str = "Mis", size: int = 9) -> PointLabels:
    """Return a lattice of labelled columns, the central one a defect."""
    columns = [(spacing * i, spacing * j) for i in range(size) for j in range(size)]
    middle = columns.pop(len(columns) // 2)
    return points(Bulk=columns, **{defect: [middle]})


@pytest.mark.parametrize(
    ("spacing", "extent"), [(8.0, 3.2), (2.0, MIN_EXTENT_PX), (90.0, MAX_EXTENT_PX)]
)
def test_the_extent_is_a_share_of_the_distance_to_other_classes(
    spacing: float, extent: float
) -> None:
    assert label_extent([lattice(spacing)]) == pytest.approx(extent)


def test_one_class_or_no_labels_give_the_largest_extent() -> None:
    none = PointLabels(np.zeros(0), np.zeros(0), ())
    alone = points(SF1=[(0, 0), (1, 1)])
    for images in ([], [none], [alone]):
        assert label_extent(images) == MAX_EXTENT_PX
        assert nearest_class_distance(images) == np.inf


def test_the_closest_class_of_any_image_counts() -> None:
    wide, narrow = lattice(40.0), lattice(8.0, "Extra")
    assert nearest_class_distance([wide]) == pytest.approx(40)
    assert nearest_class_distance([wide, narrow]) == pytest.approx(8)


def test_extended_classes_do_not_reduce_the_distance_of_columns() -> None:
    fault = points(SF1=[(5.0, 5.0 * i) for i in range(9)], Bulk=[(0.0, 5.0 * i) for i in range(9)])
    assert nearest_class_distance([fault]) == np.inf
    assert label_extent([fault]) == pytest.approx(0.4 * 5)


def test_a_kind_that_is_given_holds_before_that_of_the_name() -> None:
    close = points(mine=[(0, n) for n in range(0, 100, 5)], Bulk=[(0, n + 2) for n in range(99)])
    as_line = close._replace(class_data=(DefectClass("mine", "line"),))
    assert nearest_class_distance([close]) < 5
    assert nearest_class_distance([as_line]) == np.inf


def test_bulk_sites_extend_up_to_the_surroundings_of_defects() -> None:
    found = site_extents(points(Bulk=[(0, 0), (0, 90)], Mis=[(0, 8)]), 3.2, count=5)
    np.testing.assert_allclose(found, [1.6, MAX_EXTENT_PX / 2, 1.6, 1.6, 1.6])


def test_the_extent_of_defects_is_twice_the_smallest_of_clicks() -> None:
    assert defect_label_extent(np.array([0.0, 4.0, 1.6])) == pytest.approx(3.2)
    assert defect_label_extent(np.zeros(3)) == 0
    assert defect_label_extent(np.zeros(0)) == 0


def test_jitter_is_larger_for_point_defects_only() -> None:
    kinds: list[Kind | None] = ["point", "bulk", None, "line", "point", "point"]
    extents = np.array([1.6, 1.6, 1.6, 1.6, 4.0, 0.0])
    np.testing.assert_allclose(sampling_jitter(kinds, extents), [3.2, 1.6, 1.6, 1.6, 4.0, 0.0])


def test_trees_hold_the_positions_of_their_class() -> None:
    trees = class_trees(points(Bulk=[(0, 0), (0, 9)], Mis=[(5, 5)]))
    assert {name: tree.n for name, tree in trees.items()} == {"Bulk": 2, "Mis": 1}
    assert trees["Mis"].query([[5, 6]])[0][0] == 1
