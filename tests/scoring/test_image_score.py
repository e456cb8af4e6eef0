"""Scores of one image: points, names, unknown, lines and areas."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.scoring.image_score import (
    GroundTruth,
    MaskCounts,
    NamedCounts,
    PointCounts,
    Prediction,
    score_image,
)

PLACES = np.array([[10.0, 10], [10, 40], [40, 10], [40, 40]])
KNOWN = GroundTruth((64, 64), 3.0, {"A": "point", "B": "point"}, {"A": PLACES[:3], "B": PLACES[3:]})
RIGHT = ("A", "A", "A", "B")


def found(places: np.ndarray, names: tuple[str, ...], scores: float = np.nan) -> Prediction:
    return Prediction(names, places, np.full(len(places), scores))


def counts(prediction: Prediction) -> tuple[PointCounts, PointCounts]:
    scored = score_image(KNOWN, prediction)
    return scored.points["A"], scored.points["B"]


def test_perfect_predictions_are_all_hits() -> None:
    scored = score_image(KNOWN, found(PLACES, RIGHT))
    assert counts(found(PLACES, RIGHT)) == (PointCounts(3, 0, 0), PointCounts(1, 0, 0))
    assert (scored.right_names, scored.paired) == (4, 4)


def test_a_shift_beyond_the_tolerance_is_false_and_missed() -> None:
    within = counts(found(PLACES + np.array([2.9, 0]), RIGHT))
    beyond = counts(found(PLACES + np.array([3.1, 0]), RIGHT))
    assert within == (PointCounts(3, 0, 0), PointCounts(1, 0, 0))
    assert beyond == (PointCounts(0, 3, 3), PointCounts(0, 1, 1))


def test_a_wrong_class_is_false_in_one_and_missed_in_the_other() -> None:
    scored = score_image(KNOWN, found(PLACES, ("A", "A", "B", "B")))
    assert scored.points == {"A": PointCounts(2, 0, 1), "B": PointCounts(1, 1, 0)}
    assert (scored.right_names, scored.paired) == (3, 4)


def test_doubled_predictions_are_false() -> None:
    twice = found(np.concatenate([PLACES, PLACES]), RIGHT + RIGHT)
    assert counts(twice) == (PointCounts(3, 3, 0), PointCounts(1, 1, 0))


def test_nothing_found_is_all_missed() -> None:
    assert counts(Prediction()) == (PointCounts(0, 0, 3), PointCounts(0, 0, 1))


def test_predictions_outside_the_labelled_part_do_not_count() -> None:
    known = GroundTruth(
        (64, 64), 3.0, {"A": "point"}, {"A": PLACES[:1]}, labelled_part=(0, 0, 20, 20)
    )
    scored = score_image(known, found(PLACES, RIGHT))
    assert scored.points["A"] == PointCounts(1, 0, 0)


def test_scores_for_unknown_are_those_at_unknown_and_at_known_defects() -> None:
    known = GroundTruth(KNOWN.shape, 3.0, KNOWN.kinds, KNOWN.points, unknown=frozenset({"B"}))
    scored = score_image(known, found(PLACES, ("A", "A", "A", "unknown"), 0.75))
    assert scored.unknown_scores == (0.75,)
    assert scored.known_scores == (0.25,) * 3
    assert scored.right_names == 4


def test_lines_are_found_where_the_mask_is_near_and_false_far_from_them() -> None:
    line = np.array([[20.0, 0], [20, 63]])
    known = GroundTruth((64, 64), 2.0, {"SF": "line"}, lines={"SF": (line,)})
    mask = np.zeros((64, 64), bool)
    mask[21, :32] = True  # one half, a pixel aside
    mask[26, :10] = True  # at the distance at which it is not yet false
    mask[27, :10] = True  # and beyond
    scored = score_image(known, Prediction(masks={"SF": mask}))
    assert scored.masks["SF"] == MaskCounts(64, 32 + 1, 10, 64 * 64)
    nothing = score_image(known, Prediction(masks={}))
    assert nothing.masks["SF"] == MaskCounts(64, 0, 0, 64 * 64)


def test_areas_are_found_pixel_by_pixel() -> None:
    there, mask = np.zeros((2, 64, 64), bool)
    there[:20, :20] = mask[:20, 10:20] = mask[50:52, 50:52] = True
    known = GroundTruth((64, 64), 2.0, {"P": "area"}, masks={"P": there})
    scored = score_image(known, Prediction(masks={"P": mask}))
    assert scored.masks["P"] == MaskCounts(400, 200, 4, 64 * 64)


def test_lines_are_not_scored_without_masks() -> None:
    scored = score_image(GroundTruth((64, 64), 2.0, {"SF": "line"}), Prediction())
    assert (scored.masks, scored.not_scored) == ({}, ("SF",))


def test_names_in_a_foreign_material_are_counted_whatever_they_are() -> None:
    foreign = GroundTruth(
        (64, 64), 3.0, {"A": "point"}, labelled_part=(0, 0, 31, 63), is_foreign=True
    )
    named, both, doubted = np.zeros((3, 64, 64), bool)
    named[:4, :5] = both[:4, 4:6] = doubted[10:20] = named[40:] = True
    masks = {"SF": named, "Vac": both, "unknown": doubted}
    points = np.array([[5.0, 5], [6, 40], [50, 5]])  # the last one is outside the labelled part
    prediction = Prediction(("Vac", "unknown", "Vac"), points, np.full(3, np.nan), masks)
    assert score_image(foreign, prediction).named == NamedCounts(1, 4 * 6, 32 * 64)
    without = score_image(foreign, Prediction(("Vac",), points[:1], np.full(1, np.nan)))
    assert without.named == NamedCounts(1, None, 32 * 64)
    assert score_image(KNOWN, prediction).named is None
