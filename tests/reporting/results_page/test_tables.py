"""The figures of a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_images import image, results

from napari_stem_defects.reporting.results_page.data import ReportedResults
from napari_stem_defects.reporting.results_page.tables import (
    RateRow,
    arrangement_rows,
    comparison_rows,
    dispersion_p_values,
    length_rows,
    rate_rows,
)
from napari_stem_defects.statistics.rates import Accuracy


def row(rows: list[RateRow], name: str, quantity: str) -> RateRow:
    return next(each for each in rows if (each.class_name, each.quantity) == (name, quantity))


def test_numbers_and_lengths_are_per_area() -> None:
    rows = rate_rows(results(2).images, "both")
    vacancies, faults = row(rows, "Vacancy", "number"), row(rows, "Fault", "length")
    assert (vacancies.count, vacancies.area_nm2) == (24, pytest.approx(800))
    assert vacancies.reported.value == pytest.approx(24 / 800)
    assert vacancies.corrected is not None
    assert vacancies.corrected.value == pytest.approx(24 / 800 * 0.9 / 0.75)
    assert vacancies.best is vacancies.corrected
    assert faults.reported.value == pytest.approx(2 * 14 / 800)
    assert faults.corrected is None
    assert faults.best is faults.reported


def test_a_stack_of_one_place_counts_as_one_frame() -> None:
    stack, single = (rate_rows([image(frames=frames)], "x") for frames in (5, 1))
    found, one = (row(each, "Vacancy", "number") for each in (stack, single))
    assert found.reported.value == pytest.approx(one.reported.value)
    assert found.reported.high == pytest.approx(one.reported.high)
    assert found.count == 12


def test_images_without_a_pixel_size_have_no_rates() -> None:
    assert rate_rows([image(nm=None)], "x") == []


def test_accuracies_that_differ_correct_nothing() -> None:
    other = replace(image("b"), accuracy={"Vacancy": Accuracy(5, 5, 5)})
    found = row(rate_rows([image("a"), other], "x"), "Vacancy", "number")
    assert found.corrected is None


def test_a_class_counts_only_where_its_model_knows_it() -> None:
    other = image("b")
    other = replace(other, classes=other.classes[1:], frames=image("b", points=0).frames)
    found = row(rate_rows([image("a"), other], "x"), "Vacancy", "number")
    assert found.area_nm2 == pytest.approx(400)


def test_images_of_one_folder_are_compared_with_the_first() -> None:
    found = comparison_rows(ReportedResults((image("a", points=10), image("b", points=40))))
    vacancies = next(each for each in found if each.class_name == "Vacancy")
    assert (vacancies.first, vacancies.second) == ("b", "a")
    assert vacancies.comparison.ratio.value == pytest.approx(4)
    assert vacancies.comparison.p_value < 0.001
    assert not [each for each in found if each.quantity == "length"]  # two lines each
    assert comparison_rows(results(1)) == []


def test_folders_are_compared_as_a_whole() -> None:
    groups = [image("a", group="x"), image("b", group="x"), image("c", group="y", points=30)]
    found = comparison_rows(ReportedResults(tuple(groups)))
    vacancies = next(each for each in found if each.class_name == "Vacancy")
    assert (vacancies.first, vacancies.second) == ("y", "x")
    assert vacancies.comparison.ratio.value == pytest.approx(30 / 12)


def test_images_that_differ_are_noticed() -> None:
    assert dispersion_p_values(results(3).images)["Vacancy"] > 0.9
    assert dispersion_p_values([image("a", points=4), image("b", points=50)])["Vacancy"] < 0.01


def test_lengths_and_lines_at_the_border() -> None:
    (found,) = length_rows([image(frames=3)])
    assert found.lengths_nm == pytest.approx((6.0, 8.0))
    assert found.mean_nm.value == pytest.approx(7)
    assert found.cut == 1


def test_arrangements_need_some_points() -> None:
    (found,) = arrangement_rows([image(points=30)])
    assert (found.class_name, found.count) == ("Vacancy", 30)
    assert found.neighbours is not None
    assert found.pairs is not None
    assert arrangement_rows([image(points=5)]) == []


def test_sums_state_whether_they_contain_means_of_movies() -> None:
    movie, single = image("a", frames=4), image("b")
    for images, stated in (([movie], "all"), ([single], "no"), ([movie, single], "some")):
        assert {each.frame_means for each in rate_rows(images, "x")} == {stated}
