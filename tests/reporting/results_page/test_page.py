"""The whole page."""

from __future__ import annotations

import re
from dataclasses import replace

from report_images import image, results

from napari_stem_defects.reporting.results_page.data import ReportedResults, ReportedSurvey
from napari_stem_defects.reporting.results_page.page import result_figures, results_page


def page(of: ReportedResults) -> str:
    return results_page(of, result_figures(of), "2026-01-01").html


def heads(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_one_image_has_all_sections_but_the_comparison() -> None:
    text = page(ReportedResults((image(points=30),)))
    assert heads(text) == [
        "Densities",
        "Arrangement of point defects",
        "Lines",
        "Images",
        "Methods",
    ]


def test_several_images_are_compared_and_differences_stated() -> None:
    text = page(ReportedResults((image("a", points=3), image("b", points=60))))
    assert "Comparison" in heads(text)
    assert "differ by more than counting statistics in Vacancy" in text


def test_groups_without_a_class_in_common_have_no_comparison() -> None:
    other = image("b", group="two")
    classes = (replace(other.classes[0], name="Other"), replace(other.classes[1], name="Line"))
    text = page(ReportedResults((image("a", group="one"), replace(other, classes=classes))))
    assert "Comparison" not in heads(text)


def test_names_from_files_stay_text() -> None:
    evil = image('<img src=x onerror="alert(1)">')
    text = page(ReportedResults((evil,), faults=("<script>bad</script>: no",)))
    assert "<script" not in text
    assert "<img src=x" not in text


def test_surveys_alone_make_a_page() -> None:
    text = page(ReportedResults((), (ReportedSurvey("x", "out", "Nothing unusual.", {}),)))
    assert heads(text) == ["Surveys"]


def test_images_without_scale_or_defects_make_a_page() -> None:
    bare = image("bare", nm=None, points=0)
    assert "No rates without a pixel size: bare" in page(ReportedResults((bare,)))
    empty = image("empty", points=0)
    empty = replace(empty, frames=(replace(empty.frames[0], regions=()),))
    names = " or ".join(each.name for each in empty.defects)
    assert f"No {names} was found." in page(ReportedResults((empty,)))


def test_the_page_is_the_same_every_time() -> None:
    assert page(results(2)) == page(results(2))
