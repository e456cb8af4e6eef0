"""Clicks are left out, and what a search of their image finds there counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from labelled_crystals import vacancies

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.matched_filter.examples import Click
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import ProbabilityMap
from napari_stem_defects.training.left_out import (
    coverage_remarks,
    divide,
    predict_left_out,
    remarks,
)
from napari_stem_defects.training.quick_images import PreparedImage, prepare_image
from napari_stem_defects.training.quick_search import Found

CLASSES = (DefectClass("Bulk", "bulk"), DefectClass("Line", "line"), DefectClass("Vac", "point"))


def clicks_on(places: Sequence[tuple[float, float]], name: str = "Vac") -> list[Click]:
    return [Click(0, y, x, name) for y, x in places]


def ready() -> PreparedImage:
    return prepare_image(vacancies().micrograph)


def marked(image: PreparedImage, places: Sequence[tuple[float, float]], name: str) -> Found:
    """Return a search that marks a disc at some places, in samples."""
    names = tuple(each.name for each in CLASSES)
    masks = np.zeros((len(names), 300, 300), np.uint8)
    y, x = np.ogrid[:300, :300]
    for place in places:
        at = image.residual.sampled.to_image(np.array(place))
        masks[names.index(name)][np.hypot(y - at[0], x - at[1]) < 4] = 1
    centres = np.arange(2, 300, 4).astype(np.float32)
    probability = np.full((len(names), len(centres), len(centres)), 0.3, np.float32)
    valid = np.ones(probability.shape[1:], bool)
    found = ProbabilityMap(probability, centres, centres, names, valid, CLASSES)
    return Found(found, MaskStack.from_array((*names[1:], "unknown"), np.roll(masks, -1, axis=0)))


def test_each_place_is_left_out_in_turn() -> None:
    clicks = clicks_on([(20, 20 * n) for n in range(1, 6)])
    parts = divide(clicks, CLASSES, 5.0)
    assert parts.count == 5
    assert sorted(parts.number.tolist()) == [0, 1, 2, 3, 4]
    assert "each place in turn (Vac at 5 places)" in parts.meaning


def test_many_places_are_left_out_in_parts_and_neighbours_together() -> None:
    clicks = clicks_on([(20, 20 * n) for n in range(1, 26)])
    clicks += clicks_on([(21, 20)])
    parts = divide(clicks, CLASSES, 5.0, most_parts=3)
    assert parts.count == 3
    assert "in 3 parts (Vac at 25 places)" in parts.meaning
    assert parts.number[0] == parts.number[-1]


def test_a_class_clicked_at_one_place_cannot_be_tested() -> None:
    clicks = clicks_on([(20, 20), (20, 60)]) + clicks_on([(80, 80)], "Line")
    parts = divide(clicks, CLASSES, 5.0)
    assert parts.untestable == {"Line": "all its clicks show one place"}
    assert parts.number[-1] == -1


def test_the_mask_at_the_click_decides_and_the_click_is_not_taught() -> None:
    image, places = ready(), [(30.0, 30.0), (60.0, 60.0), (90.0, 90.0)]
    clicks = clicks_on(places)
    taught = []

    def learn(kept: Sequence[Click]) -> Callable[[int], Found]:
        taught.append([(click.y, click.x) for click in kept])
        return lambda _: marked(image, places[:2], "Vac")

    parts = divide(clicks, CLASSES, image.residual.sampled.samples)
    found = predict_left_out(clicks, parts, [image], CLASSES, learn)
    assert (found[:, 2] >= 0.5).tolist() == [True, True, False]
    assert (found[:, 1] < 0.5).all()
    for number, kept in zip(parts.number, taught, strict=True):
        assert places[int(np.flatnonzero(parts.number == number)[0])] not in kept


def test_shares_have_intervals_and_few_places_are_too_few() -> None:
    found = np.zeros((9, 3), np.float32)
    clicks = clicks_on([(20, 30 * n) for n in range(1, 7)])
    clicks += clicks_on([(90, 40 * n) for n in range(1, 4)], "Line")
    found[:5, 2] = found[6:, 1] = 0.9
    texts = remarks(clicks, divide(clicks, CLASSES, 5.0), CLASSES, found)
    assert any(
        text.startswith("Vac: 5 of 6 clicks left out were found; 95 % interval") for text in texts
    )
    assert "Line: 3 of 3 clicks left out were found; 3 places are too few for a share." in texts
    assert texts[-2].startswith("No click shows perfect crystal")
    assert texts[-1].startswith("Other images were not tested")


def test_what_is_found_besides_the_clicks_is_stated() -> None:
    image, places = ready(), [(30.0, 30.0), (60.0, 60.0), (90.0, 90.0)]
    search = lambda _: marked(image, places, "Vac")  # noqa: E731
    (text,) = coverage_remarks(clicks_on(places[:1]), [image], CLASSES, search)
    assert text.startswith("Vac in the clicked image: 3 regions, 2 of them without a click")


def test_clicks_on_one_line_do_not_show_that_others_are_found() -> None:
    image = ready()
    along = [(60.0, float(x)) for x in range(20, 100, 1)]
    clicks = clicks_on([(60.0, 30.0), (60.0, 80.0)], "Line")
    texts = coverage_remarks(clicks, [image], CLASSES, lambda _: marked(image, along, "Line"))
    assert texts[1].startswith("Line: all clicks are on one line")


def test_classes_that_are_found_as_each_other_are_stated():
    classes = (CLASSES[0], DefectClass("Left", "line"), DefectClass("Right", "line"))
    clicks = [Click(0, 40.0 * n, 0.0, "Left" if n < 4 else "Right") for n in range(8)]
    found = np.zeros((8, 3), np.float32)
    found[:4, 1] = found[4:, 2] = 0.9
    parts = divide(clicks, classes, 5.0)
    assert not any("look alike" in text for text in remarks(clicks, parts, classes, found))
    found[[1, 6]] = found[[1, 6]][:, [0, 2, 1]]
    (text,) = (each for each in remarks(clicks, parts, classes, found) if "alike" in each)
    assert text.startswith("Left and Right look alike: 2 of 8 clicks left out were found as")
    other_kind = (*classes[:2], DefectClass("Right", "point"))
    assert not any("alike" in text for text in remarks(clicks, parts, other_kind, found))
