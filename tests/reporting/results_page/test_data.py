"""What an image contributes to a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_images import NM, image, results

from napari_stem_defects.reporting.results_page.data import ReportedImage, ReportedResults


def test_frames_of_one_place_have_one_area() -> None:
    assert image(frames=4).searched_nm2 == pytest.approx(400)
    assert image(nm=None).searched_nm2 is None


def test_positions_are_in_nm_from_the_corner() -> None:
    one = image()
    pattern = one.frames[0].pattern("Vacancy", NM)
    first = one.regions_of("Vacancy")[0]
    assert pattern.points[0] == pytest.approx([(first.y_px + 0.5) * NM, (first.x_px + 0.5) * NM])
    assert pattern.area == pytest.approx(400)


def test_classes_and_groups_are_listed_once() -> None:
    both = ReportedResults((image("a", group="one"), image("b", group="two")))
    assert list(both.class_table) == ["Vacancy", "Fault"]
    assert both.groups == ("one", "two")
    assert results(3).groups == ("out",)


def test_results_of_one_image_within_a_group_are_known() -> None:
    """A copy of a file counts as another image; another group may be another model."""

    def copied(name: str, group: str, sha256: str) -> ReportedImage:
        one = image(name, group=group)
        return replace(one, summary={**one.summary, "image": {"sha256": sha256}})

    found = [copied("a", "x", "1"), copied("copy of a", "x", "1"), copied("b", "x", "2")]
    assert ReportedResults((*found, copied("a", "y", "1"))).repeated == [["a", "copy of a"]]
    assert ReportedResults((image("a"), image("b"))).repeated == []
