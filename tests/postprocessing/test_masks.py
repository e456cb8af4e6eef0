"""Masks of all classes: thresholds, valid windows and unknown pixels."""

from __future__ import annotations

import numpy as np
from probability_maps import HALF, SHAPE, blank_map, draw_masks


def test_masks_are_the_defects_then_unknown() -> None:
    names, masks = draw_masks(blank_map("Bulk", "SF1", "Vacancy_CdTe"), SHAPE, HALF)
    assert names == ("SF1", "Vacancy_CdTe", "unknown")
    assert masks.shape == (3, *SHAPE)
    assert masks.dtype == np.uint8


def test_a_fault_and_a_point_defect_overlap_where_both_pass() -> None:
    prediction = blank_map("Bulk", "SF1", "Vacancy_CdTe")
    prediction.probability[1:, 5:8, :] = 0.9
    _, masks = draw_masks(prediction, SHAPE, HALF)
    assert masks[0, 52, 100] == masks[1, 52, 100] == 1


def test_each_class_has_its_own_threshold() -> None:
    prediction = blank_map("Bulk", "SF1", "SF2")
    prediction.probability[1:, 5:8, :] = 0.6
    _, masks = draw_masks(prediction, SHAPE, {**HALF, "SF2": 0.7})
    assert masks[0].any()
    assert not masks[1].any()


def test_at_threshold_zero_a_class_is_everywhere() -> None:
    prediction = blank_map("SF1", "SF2", "Vacancy_CdTe")
    _, masks = draw_masks(prediction, SHAPE, {"SF1": 0.0, "SF2": 0.5, "Vacancy_CdTe": 0.0})
    assert masks[0].all()
    assert not masks[1].any()
    assert masks[2].all()


def test_a_window_at_its_threshold_is_not_lost_between_pixels() -> None:
    prediction = blank_map("Bulk", "Vacancy_CdTe")
    prediction.probability[1, 4, 6] = 0.5
    _, masks = draw_masks(prediction, SHAPE, HALF)
    rows, columns = np.nonzero(masks[0])
    assert rows.size == 1
    assert abs(rows[0] - prediction.y[4]) <= 0.5
    assert abs(columns[0] - prediction.x[6]) <= 0.5


def test_unknown_is_where_no_class_is_assigned() -> None:
    prediction = blank_map("Bulk", "SF1")
    prediction.probability[0] = 0.9
    prediction.probability[0, 3:6, 10:12] = 0.2
    names, masks = draw_masks(prediction, SHAPE, HALF)
    rows, columns = np.nonzero(masks[names.index("unknown")])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (24, 47, 80, 95)
    assert masks[-1].sum() == 24 * 16


def test_no_seam_of_unknown_between_a_defect_and_the_bulk() -> None:
    prediction = blank_map("Bulk", "SF1")
    prediction.probability[0] = 0.9
    prediction.probability[0, 8:12] = 0.0
    prediction.probability[1, 8:12] = 0.9
    _, masks = draw_masks(prediction, SHAPE, HALF)
    assert masks[0].any()
    assert not masks[-1].any()


def test_without_a_bulk_member_nothing_is_unknown() -> None:
    _, masks = draw_masks(blank_map("SF1", "SF2"), SHAPE, HALF)
    assert not masks.any()


def test_windows_that_are_not_valid_are_in_no_mask() -> None:
    prediction = blank_map("Bulk", "SF1")
    prediction.probability[1] = 0.9
    prediction.probability[:, :, 10:] = 0.0
    prediction.valid[:, 10:] = False
    invalid = np.zeros(SHAPE, bool)
    invalid[:20] = True
    _, masks = draw_masks(prediction, SHAPE, HALF, invalid)
    assert not masks[:, :, 80:].any()
    assert not masks[:, :20].any()
    assert masks[0, 20:, :80].any()


def test_blank_windows_are_neither_defect_nor_unknown() -> None:
    prediction = blank_map("Bulk", "SF1")
    prediction.valid[:] = False
    _, masks = draw_masks(prediction, SHAPE, HALF)
    assert not masks.any()
