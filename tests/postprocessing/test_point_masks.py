"""Point defects: joins between windows and splits between peaks."""

from __future__ import annotations

import numpy as np
import pytest
from probability_maps import HALF, SHAPE, blank_map, bump, count_components, draw_masks

from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.point_masks import PointClass, pixels_in_rows
from napari_stem_defects.postprocessing.results import ProbabilityMap


def test_separate_vacancies_are_separate_components() -> None:
    prediction = blank_map("Bulk", "Vacancy_CdTe")
    prediction.probability[1] = bump(prediction, 80, 50) + bump(prediction, 80, 135)
    _, masks = draw_masks(prediction, SHAPE, HALF)
    assert count_components(masks[0]) == 2


@pytest.mark.parametrize("stride", [3, 4, 8])
@pytest.mark.parametrize("mirrored", [False, True])
def test_passing_windows_that_touch_at_a_corner_are_joined(stride: int, mirrored: bool) -> None:
    prediction = blank_map("Bulk", "Vacancy_CdTe", stride=stride)
    prediction.probability[1, 5, 5] = prediction.probability[1, 6, 6] = 0.9
    if mirrored:
        prediction.probability[:] = prediction.probability[..., ::-1]
    _, masks = draw_masks(prediction, SHAPE, HALF)
    assert count_components(masks[0]) == 1


def test_touching_vacancies_are_split_at_the_valley() -> None:
    prediction = blank_map("Bulk", "Vacancy_CdTe", stride=4)
    prediction.probability[1] = np.maximum(
        bump(prediction, 80, 60, 12), bump(prediction, 80, 90, 12)
    )
    low = {**HALF, "Vacancy_CdTe": 0.3}
    _, joined = draw_masks(prediction, SHAPE, low, prominence=1.0)
    _, masks = draw_masks(prediction, SHAPE, low)
    assert count_components(joined[0]) == 1
    assert count_components(masks[0]) == 2
    removed = np.argwhere(joined[0] > masks[0])
    assert np.abs(removed[:, 1] - 75).max() <= 3


def test_noise_on_a_plateau_does_not_split_it() -> None:
    prediction = blank_map("Bulk", "LC", stride=4)
    noise = np.random.default_rng(0).uniform(0.0, 0.15, prediction.valid.shape)
    prediction.probability[1] = (bump(prediction, 80, 100, 25) > 0.4) * (0.98 - noise)
    _, masks = draw_masks(prediction, SHAPE, {"Bulk": 0.5, "LC": 0.5})
    assert count_components(masks[0]) == 1


def prepared(prediction: ProbabilityMap, threshold: float = 0.5) -> PointClass:
    interpolator = WindowInterpolator(prediction.y, prediction.x, SHAPE)
    return PointClass.from_map(
        prediction, "Vacancy_CdTe", threshold, interpolator, prominence=0.2, separation_px=16
    )


def test_only_valid_windows_at_the_threshold_pass() -> None:
    prediction = blank_map("Vacancy_CdTe")
    prediction.probability[0, 3, 4:7] = (0.4, 0.5, 0.9)
    prediction.valid[3, 6] = False
    assert np.argwhere(prepared(prediction).passing).tolist() == [[3, 5]]


def test_joins_connect_the_centres_of_windows_that_touch_at_a_corner() -> None:
    prediction = blank_map("Vacancy_CdTe")
    prediction.probability[0, 5, 5] = prediction.probability[0, 6, 6] = 0.9
    joins = prepared(prediction).joins
    assert joins.min(axis=0).tolist() == [44, 44]
    assert joins.max(axis=0).tolist() == [52, 52]
    assert np.abs(joins[:, 0] - joins[:, 1]).max() == 0
    prediction.probability[0, 6, 6] = 0.0
    prediction.probability[0, 5, 6] = 0.9
    assert len(prepared(prediction).joins) == 0


def test_a_mask_without_passing_windows_stays_empty() -> None:
    point, mask = prepared(blank_map("Vacancy_CdTe")), np.zeros((20, SHAPE[1]), np.uint8)
    point.draw(mask, slice(10, 30))
    assert not mask.any()
    stack = MaskStack.from_array(("Vacancy_CdTe",), np.zeros((1, *SHAPE), np.uint8))
    assert point.valleys(stack, "Vacancy_CdTe").shape == (0, 2)


def test_a_dip_below_the_prominence_does_not_split() -> None:
    prediction = blank_map("Bulk", "Vacancy_CdTe", stride=4)
    prediction.probability[1] = np.maximum(
        bump(prediction, 80, 60, 12), bump(prediction, 80, 78, 12)
    )
    _, masks = draw_masks(prediction, SHAPE, HALF, prominence=0.4)
    assert count_components(masks[0]) == 1
    _, masks = draw_masks(prediction, SHAPE, HALF, prominence=0.1)
    assert count_components(masks[0]) == 2


def test_pixels_in_rows_are_relative_to_the_first_row() -> None:
    pixels = np.array([[2, 7], [5, 1], [6, 3], [9, 0]])
    y, x = pixels_in_rows(pixels, slice(5, 9))
    assert (y.tolist(), x.tolist()) == ([0, 1], [1, 3])
