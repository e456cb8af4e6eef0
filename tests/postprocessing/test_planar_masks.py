"""Planar defects: one class per pixel, minimum length, border of the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probability_maps import HALF, SHAPE, blank_map, count_components, draw_masks

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.planar_masks import PlanarClasses
from napari_stem_defects.postprocessing.results import ProbabilityMap


def test_only_planar_regions_have_a_minimum_length() -> None:
    prediction = blank_map("Bulk", "SF1", "Vacancy_CdTe")
    prediction.probability[1:, 5, 5] = 0.9
    prediction.probability[1, 12, :] = 0.9
    _, masks = draw_masks(prediction, SHAPE, HALF)
    assert count_components(masks[0]) == 1
    assert masks[0, 100].all()
    assert count_components(masks[1]) == 1
    _, kept = draw_masks(prediction, SHAPE, HALF, min_length_px=0)
    assert count_components(kept[0]) == 2


@pytest.mark.parametrize("turned", [False, True])
def test_planar_regions_along_the_border_are_removed(turned: bool) -> None:
    prediction = blank_map("SF1", shape=(128, 128))
    prediction.probability[0, :, 15] = 0.9
    prediction.probability[0, 8, :8] = 0.9
    if turned:
        prediction = replace(prediction, probability=prediction.probability.transpose(0, 2, 1))
    _, masks = draw_masks(prediction, (128, 128), HALF)
    mask = masks[0].T if turned else masks[0]
    assert not mask[:, 112:].any()
    assert mask[67, :60].all()


def test_a_short_part_of_a_fault_does_not_get_another_class() -> None:
    prediction = blank_map("SF1", "SF2", shape=(64, 256))
    prediction.probability[1, 4, :] = 0.9
    prediction.probability[1, 4, 10:12] = 0.2
    prediction.probability[0, 4, 10:12] = 0.9
    _, masks = draw_masks(prediction, (64, 256), HALF)
    assert not masks[0].any()
    assert masks[1, 35].all()


def line_through_area() -> ProbabilityMap:
    """Return a line that touches a large area of another class, which is certain of itself."""
    prediction = blank_map("Fault", "Grain", shape=(256, 256))
    prediction.probability[0, 20, :] = 0.75
    prediction.probability[1, 6:20, 10:22] = 0.99
    classes = (DefectClass("Fault", "line"), DefectClass("Grain", "area"))
    return replace(prediction, class_data=classes)


def test_an_area_takes_no_line_where_areas_are_as_found() -> None:
    found, thresholds = line_through_area(), {"Fault": 0.5, "Grain": 0.5}
    stack = masks_from_probability(found, (256, 256), thresholds, areas_where_found=True)
    fault, grain, _ = stack.masks()
    assert grain[100:150, 100:160].all()
    assert not grain[172:].any()
    assert fault[164, :40].all()
    assert fault[164, 230:].all()
    assert count_components(fault) == count_components(grain) == 1
    voted = masks_from_probability(found, (256, 256), thresholds).masks()
    assert voted[1][164].any()  # elsewhere the vote reaches further than the area


def test_windows_beside_a_double_fault_do_not_make_it_a_twin() -> None:
    """On either side the stacking is that of a twin; only windows on the fault contain both."""
    prediction = blank_map("SF2", "Twin_Bound", shape=(128, 256))
    prediction.probability[0, 8, :] = 0.97
    for row in (6, 7, 9, 10):
        prediction.probability[0, row, :] = 0.25
        prediction.probability[1, row, :] = 0.7
    limits = {"SF2": 0.2, "Twin_Bound": 0.2}
    _, masks = draw_masks(prediction, (128, 256), limits)
    assert masks[0, 67].all()
    assert not masks[1].any()


def test_two_faults_end_to_end_keep_their_classes() -> None:
    prediction = blank_map("SF1", "SF2", shape=(64, 256))
    prediction.probability[0, 4, :16] = 0.7
    prediction.probability[1, 4, 16:] = 0.9
    _, masks = draw_masks(prediction, (64, 256), HALF)
    assert masks[0, 35, :104].all()  # the more probable class extends a little into the other
    assert masks[1, 35, 128:].all()


def test_the_more_probable_planar_class_gets_the_pixel() -> None:
    """A pixel has one planar class; a point defect there keeps its own."""
    probability = np.zeros((3, 17, 9), np.float32)
    probability[0, :, 2] = 0.9
    probability[1, :, 2] = (0.6,) * 8 + (0.98,) * 9
    probability[2, 2, 2] = 0.7
    y, x = np.linspace(0, 256, 17).astype(np.float32), np.linspace(0, 128, 9).astype(np.float32)
    found = ProbabilityMap(probability, y, x, ("SF1", "SF2", "LC"), np.ones((17, 9), bool))
    names, masks = draw_masks(found, (257, 129), dict.fromkeys(found.classes, 0.5))
    by_name = dict(zip(names, masks, strict=True))
    assert (by_name["SF1"] & by_name["SF2"]).sum() <= by_name["SF1"][8].sum()  # where they touch
    assert by_name["SF1"][8, 32]
    assert by_name["SF2"][248, 32]
    assert by_name["LC"][32, 32]


def prepared(prediction: ProbabilityMap, thresholds: dict[str, float]) -> PlanarClasses:
    interpolator = WindowInterpolator(prediction.y, prediction.x, SHAPE)
    return PlanarClasses.from_map(prediction, thresholds, interpolator, min_length_px=16)


def test_a_window_passes_with_any_class_that_reaches_its_threshold() -> None:
    prediction = blank_map("SF1", "SF2")
    prediction.probability[:, 2, 3] = (0.2, 0.45)
    prediction.probability[:, 2, 4] = (0.6, 0.3)
    prediction.probability[:, 2, 5] = (0.7, 0.5)
    prediction.valid[2, 5] = False
    classes = prepared(prediction, {"SF1": 0.5, "SF2": 0.4})
    assert np.argwhere(classes.passing).tolist() == [[2, 3], [2, 4]]
    assert classes.ratio[2, 3] == pytest.approx(0.45 / 0.4)
    assert classes.ratio[2, 4] == pytest.approx(0.6 / 0.5)


def test_every_window_passes_a_threshold_of_zero_and_none_without_classes() -> None:
    prediction = blank_map("SF1")
    assert prepared(prediction, {"SF1": 0.0}).passing.all()
    assert not prepared(prediction, {}).passing.any()


def test_the_weight_of_a_vote_is_limited() -> None:
    """A probability of 1 has infinite odds."""
    prediction = blank_map("SF1", "SF2")
    prediction.probability[0], prediction.probability[1] = 1.0, 0.99
    votes = prepared(prediction, {"SF1": 0.5, "SF2": 0.5}).votes
    assert np.isfinite(votes[0]).all()
    np.testing.assert_array_equal(votes[0], votes[1])


def test_a_planar_pixel_is_in_one_mask_only() -> None:
    prediction = blank_map("SF1", "SF2")
    prediction.probability[:] = np.random.default_rng(0).random(prediction.probability.shape)
    classes = prepared(prediction, {"SF1": 0.5, "SF2": 0.5})
    masks = np.zeros((2, 40, SHAPE[1]), np.uint8)
    classes.draw(masks, slice(20, 60))
    assert masks.any(axis=(1, 2)).all()
    assert masks.sum(axis=0).max() == 1


def with_kinds(prediction: ProbabilityMap, **kinds: str) -> ProbabilityMap:
    classes = tuple(DefectClass(name, kind) for name, kind in kinds.items())  # type: ignore[arg-type]
    return replace(prediction, class_data=classes)


def test_kinds_are_those_of_the_data_whatever_the_names() -> None:
    """A class of a user's own is drawn as a line; a public name may be a point."""
    prediction = blank_map("Bulk", "APB", "SF1")
    prediction.probability[1:, 5, 5] = 0.9
    prediction.probability[1:, 12, :] = 0.9
    limits = {"Bulk": 0.5, "APB": 0.5, "SF1": 0.5}
    _, masks = draw_masks(with_kinds(prediction, APB="line", SF1="point"), SHAPE, limits)
    assert count_components(masks[0]) == 1
    assert count_components(masks[1]) == 2
    assert (masks[0] & masks[1]).any()  # a point does not compete


def test_an_area_has_no_minimum_size_and_may_lie_along_the_border() -> None:
    prediction = with_kinds(blank_map("phase", shape=(128, 128)), phase="area")
    prediction.probability[0, :, 15] = 0.9
    prediction.probability[0, 5, 5] = 0.9
    _, masks = draw_masks(prediction, (128, 128), {"phase": 0.5})
    assert count_components(masks[0]) == 2
    assert masks[0, :, 125].all()
    assert masks[0, round(prediction.y[5]), round(prediction.x[5])]


def test_an_area_competes_with_a_line_for_every_pixel() -> None:
    prediction = with_kinds(blank_map("phase", "wall", shape=(128, 256)), phase="area", wall="line")
    prediction.probability[0, :, :16] = 0.95
    prediction.probability[0, :, 16:] = 0.6
    prediction.probability[1, 4:12, :] = 0.8
    _, masks = draw_masks(prediction, (128, 256), {"phase": 0.5, "wall": 0.5})
    assert not (masks[0] & masks[1]).any()
    assert masks[0, 64, :100].all()
    assert masks[1, 64, 170:].all()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_areas_share_no_pixel_with_each_other_or_with_a_line(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ("a", "b", "c", "d")
    kinds = dict(zip(names, rng.choice(["point", "line", "area"], 4).tolist(), strict=True))
    prediction = with_kinds(blank_map(*names, shape=(72, 88)), **kinds)
    prediction.probability[:] = rng.random(prediction.probability.shape)
    limits = {name: float(rng.uniform(0.3, 0.9)) for name in names}
    _, masks = draw_masks(prediction, (72, 88), limits)
    nothing = [np.zeros((72, 88), np.uint8)]
    lines = np.any(
        [masks[n] for n, name in enumerate(names) if kinds[name] == "line"] or nothing, 0
    )
    areas = [masks[n] for n, name in enumerate(names) if kinds[name] == "area"]
    assert np.sum([lines, *areas], axis=0).max() <= 1
