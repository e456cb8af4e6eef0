"""Windows become maps and masks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probability_maps import answers
from scipy import ndimage

from napari_stem_defects.postprocessing.interpolation import upsample
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (160, 200)
HALF = {"Bulk": 0.5, "SF1": 0.5, "SF2": 0.5, "Vacancy_CdTe": 0.5}


def masks_from_map(*arguments: Any, **options: Any) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Return the names of the planes, and these as one array."""
    drawn = masks_from_probability(*arguments, **options)
    return drawn.names, drawn.masks()


def bump(answer: ProbabilityMap, y: float, x: float, width: float = 9.0) -> NDArray[np.float32]:
    """Return a Gaussian answer around a point defect; shape (gy, gx)."""
    squared = (answer.y[:, None] - y) ** 2 + (answer.x[None] - x) ** 2
    return np.exp(-squared / (2 * width**2)).astype(np.float32)


def count(mask: NDArray[np.uint8]) -> int:
    return int(ndimage.label(mask, np.ones((3, 3)))[1])


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(0, 5),
    st.integers(0, 2**31),
)
@settings(max_examples=50, deadline=None)
def test_every_pixel_gets_an_answer_between_its_neighbours(
    steps_y: list[int], steps_x: list[int], border: int, seed: int
) -> None:
    y = (border + np.cumsum([0, *steps_y])).astype(np.float32)
    x = (border + np.cumsum([0, *steps_x])).astype(np.float32)
    values = np.random.default_rng(seed).random((y.size, x.size)).astype(np.float32)
    shape = (int(y[-1]) + border + 1, int(x[-1]) + border + 1)

    pixels = upsample(values, y, x, shape)

    assert pixels.shape == shape
    assert pixels.dtype == np.float32
    assert pixels.min() >= values.min() - 1e-6
    assert pixels.max() <= values.max() + 1e-6
    at_centres = pixels[np.ix_(y.astype(int), x.astype(int))]
    np.testing.assert_allclose(at_centres, values, atol=1e-6)
    np.testing.assert_allclose(pixels[0, 0], values[0, 0], atol=1e-6)
    np.testing.assert_allclose(pixels[-1, -1], values[-1, -1], atol=1e-6)


def test_planes_are_reproduced_exactly_and_constants_bit_for_bit() -> None:
    y = np.array([4, 12, 20, 23], np.float32)
    x = np.array([2, 10], np.float32)
    slope = (3 * y[:, None] + 2 * x[None]).astype(np.float32)
    pixels = upsample(slope, y, x, (28, 13))
    assert pixels[17, 6] == pytest.approx(3 * 17 + 2 * 6)
    assert pixels[22, 3] == pytest.approx(3 * 22 + 2 * 3)
    assert pixels[27, 12] == slope[-1, -1]
    assert (upsample(np.full((4, 2), 0.7, np.float32), y, x, (600, 13)) == np.float32(0.7)).all()


def test_a_single_window_answers_for_the_whole_image() -> None:
    one = np.array([31.5], np.float32)
    assert (upsample(np.array([[0.3]], np.float32), one, one, (64, 64)) == np.float32(0.3)).all()


def test_planes_are_the_defects_then_unknown() -> None:
    names, masks = masks_from_map(answers("Bulk", "SF1", "Vacancy_CdTe"), SHAPE, HALF)
    assert names == ("SF1", "Vacancy_CdTe", "unknown")
    assert masks.shape == (3, *SHAPE)
    assert masks.dtype == np.uint8


def test_a_fault_and_a_point_defect_overlap_where_both_pass() -> None:
    answer = answers("Bulk", "SF1", "Vacancy_CdTe")
    answer.probability[1:, 5:8, :] = 0.9
    _, masks = masks_from_map(answer, SHAPE, HALF)
    assert masks[0, 52, 100] == masks[1, 52, 100] == 1


def test_each_class_has_its_own_threshold() -> None:
    answer = answers("Bulk", "SF1", "SF2")
    answer.probability[1:, 5:8, :] = 0.6
    _, masks = masks_from_map(answer, SHAPE, {**HALF, "SF2": 0.7})
    assert masks[0].any()
    assert not masks[1].any()


def test_at_threshold_zero_a_class_is_everywhere() -> None:
    answer = answers("SF1", "SF2", "Vacancy_CdTe")
    _, masks = masks_from_map(answer, SHAPE, {"SF1": 0.0, "SF2": 0.5, "Vacancy_CdTe": 0.0})
    assert masks[0].all()
    assert not masks[1].any()
    assert masks[2].all()


def test_a_window_at_its_threshold_is_not_lost_between_pixels() -> None:
    answer = answers("Bulk", "Vacancy_CdTe")
    answer.probability[1, 4, 6] = 0.5
    _, masks = masks_from_map(answer, SHAPE, HALF)
    rows, columns = np.nonzero(masks[0])
    assert rows.size == 1
    assert abs(rows[0] - answer.y[4]) <= 0.5
    assert abs(columns[0] - answer.x[6]) <= 0.5


def test_unknown_is_where_nobody_claims_the_window() -> None:
    answer = answers("Bulk", "SF1")
    answer.probability[0] = 0.9
    answer.probability[0, 3:6, 10:12] = 0.2
    names, masks = masks_from_map(answer, SHAPE, HALF)
    rows, columns = np.nonzero(masks[names.index("unknown")])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (24, 47, 80, 95)
    assert masks[-1].sum() == 24 * 16


def test_no_seam_of_unknown_between_a_defect_and_the_bulk() -> None:
    answer = answers("Bulk", "SF1")
    answer.probability[0] = 0.9
    answer.probability[0, 8:12] = 0.0
    answer.probability[1, 8:12] = 0.9
    _, masks = masks_from_map(answer, SHAPE, HALF)
    assert masks[0].any()
    assert not masks[-1].any()


def test_without_a_bulk_member_nothing_is_unknown() -> None:
    _, masks = masks_from_map(answers("SF1", "SF2"), SHAPE, HALF)
    assert not masks.any()


def test_nothing_is_said_where_there_is_no_call() -> None:
    answer = answers("Bulk", "SF1")
    answer.probability[1] = 0.9
    answer.probability[:, :, 10:] = 0.0
    answer.valid[:, 10:] = False
    invalid = np.zeros(SHAPE, bool)
    invalid[:20] = True
    _, masks = masks_from_map(answer, SHAPE, HALF, invalid)
    assert not masks[:, :, 80:].any()
    assert not masks[:, :20].any()
    assert masks[0, 20:, :80].any()


def test_blank_windows_are_neither_defect_nor_unknown() -> None:
    answer = answers("Bulk", "SF1")
    answer.valid[:] = False
    _, masks = masks_from_map(answer, SHAPE, HALF)
    assert not masks.any()


def test_vacancies_apart_are_regions_of_their_own() -> None:
    answer = answers("Bulk", "Vacancy_CdTe")
    answer.probability[1] = bump(answer, 80, 50) + bump(answer, 80, 135)
    _, masks = masks_from_map(answer, SHAPE, HALF)
    assert count(masks[0]) == 2


@pytest.mark.parametrize("stride", [3, 4, 8])
@pytest.mark.parametrize("mirrored", [False, True])
def test_windows_that_pass_across_a_corner_see_one_vacancy(stride: int, mirrored: bool) -> None:
    answer = answers("Bulk", "Vacancy_CdTe", stride=stride)
    answer.probability[1, 5, 5] = answer.probability[1, 6, 6] = 0.9
    if mirrored:
        answer.probability[:] = answer.probability[..., ::-1]
    _, masks = masks_from_map(answer, SHAPE, HALF)
    assert count(masks[0]) == 1


def test_touching_vacancies_are_cut_apart_at_the_valley() -> None:
    answer = answers("Bulk", "Vacancy_CdTe", stride=4)
    answer.probability[1] = np.maximum(bump(answer, 80, 60, 12), bump(answer, 80, 90, 12))
    low = {**HALF, "Vacancy_CdTe": 0.3}
    _, joined = masks_from_map(answer, SHAPE, low, prominence=1.0)
    _, masks = masks_from_map(answer, SHAPE, low)
    assert count(joined[0]) == 1
    assert count(masks[0]) == 2
    removed = np.argwhere(joined[0] > masks[0])
    assert np.abs(removed[:, 1] - 75).max() <= 3


def test_ripples_on_a_plateau_do_not_cut_it() -> None:
    answer = answers("Bulk", "LC", stride=4)
    noise = np.random.default_rng(0).uniform(0.0, 0.15, answer.valid.shape)
    answer.probability[1] = (bump(answer, 80, 100, 25) > 0.4) * (0.98 - noise)
    _, masks = masks_from_map(answer, SHAPE, {"Bulk": 0.5, "LC": 0.5})
    assert count(masks[0]) == 1


def test_specks_of_extended_classes_go_and_point_defects_stay() -> None:
    answer = answers("Bulk", "SF1", "Vacancy_CdTe")
    answer.probability[1:, 5, 5] = 0.9
    answer.probability[1, 12, :] = 0.9
    _, masks = masks_from_map(answer, SHAPE, HALF)
    assert count(masks[0]) == 1
    assert masks[0, 100].all()
    assert count(masks[1]) == 1
    _, kept = masks_from_map(answer, SHAPE, HALF, min_length_px=0)
    assert count(kept[0]) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_a_fault_that_only_the_border_shows_is_none(turned: bool) -> None:
    answer = answers("SF1", shape=(128, 128))
    answer.probability[0, :, 15] = 0.9
    answer.probability[0, 8, :8] = 0.9
    if turned:
        answer = replace(answer, probability=answer.probability.transpose(0, 2, 1))
    _, masks = masks_from_map(answer, (128, 128), HALF)
    mask = masks[0].T if turned else masks[0]
    assert not mask[:, 112:].any()
    assert mask[67, :60].all()


def test_a_fault_does_not_change_its_name_over_less_than_the_shortest_one() -> None:
    answer = answers("SF1", "SF2", shape=(64, 256))
    answer.probability[1, 4, :] = 0.9
    answer.probability[1, 4, 10:12] = 0.2
    answer.probability[0, 4, 10:12] = 0.9
    _, masks = masks_from_map(answer, (64, 256), HALF)
    assert not masks[0].any()
    assert masks[1, 35].all()


def test_windows_beside_a_double_fault_do_not_name_it_a_twin() -> None:
    """On either side the stacking looks like a twin's; only windows on the fault see both."""
    answer = answers("SF2", "Twin_Bound", shape=(128, 256))
    answer.probability[0, 8, :] = 0.97
    for row in (6, 7, 9, 10):
        answer.probability[0, row, :] = 0.25
        answer.probability[1, row, :] = 0.7
    limits = {"SF2": 0.2, "Twin_Bound": 0.2}
    _, masks = masks_from_map(answer, (128, 256), limits)
    assert masks[0, 67].all()
    assert not masks[1].any()


def test_two_faults_end_to_end_keep_their_names() -> None:
    answer = answers("SF1", "SF2", shape=(64, 256))
    answer.probability[0, 4, :16] = 0.7
    answer.probability[1, 4, 16:] = 0.9
    _, masks = masks_from_map(answer, (64, 256), HALF)
    assert masks[0, 35, :104].all()  # the surer one reaches a little into the other
    assert masks[1, 35, 128:].all()


def test_the_likelier_of_two_extended_defects_keeps_the_pixel() -> None:
    """A planar defect in one place has one name; a point defect there keeps its own."""
    probability = np.zeros((3, 9, 9), np.float32)
    probability[0, :, 2] = 0.9
    probability[1, :, 2] = (0.6,) * 4 + (0.98,) * 5
    probability[2, 2, 2] = 0.7
    centres = np.linspace(0, 128, 9).astype(np.float32)
    found = ProbabilityMap(
        probability, centres, centres, ("SF1", "SF2", "LC"), np.ones((9, 9), bool)
    )
    names, masks = masks_from_map(found, (129, 129), dict.fromkeys(found.classes, 0.5))
    by_name = dict(zip(names, masks, strict=True))
    assert not (by_name["SF1"] & by_name["SF2"]).any()
    assert by_name["SF1"][8, 32]
    assert by_name["SF2"][120, 32]
    assert by_name["LC"][32, 32]
