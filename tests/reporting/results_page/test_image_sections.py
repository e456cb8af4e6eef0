"""Sections of images and surveys."""

from __future__ import annotations

from dataclasses import replace

from report_images import image

from napari_stem_defects.reporting.results_page.data import ReportedSurvey
from napari_stem_defects.reporting.results_page.drawn_charts import DrawnCharts
from napari_stem_defects.reporting.results_page.image_sections import image_section, survey_section

COLOURS = {"Vacancy": "#cc2244", "Fault": "#2255cc"}


def section(**options: object) -> str:
    return "".join(image_section(image(**options), DrawnCharts(COLOURS), with_group=True))  # type: ignore[arg-type]


def test_facts_rates_and_notes_of_an_image_are_shown() -> None:
    one = image("a<b")
    one = replace(
        one, summary={**one.summary, "warnings": ["not its lattice"], "corrections": [{}, {}]}
    )
    text = "".join(image_section(one, DrawnCharts(COLOURS), with_group=True))
    assert "<h3>out / a&lt;b</h3>" in text
    for part in ("200 × 200 px", "20 × 20 nm", "not its lattice", "2 regions were corrected"):
        assert part in text


def test_counts_stand_where_no_pixel_size_is_known() -> None:
    text = section(nm=None)
    assert "nm⁻²" not in text
    assert ">12<" in text


def test_stacks_have_a_chart_by_frame() -> None:
    assert "Numbers by frame" in section(frames=3)
    assert "Numbers by frame" not in section(frames=1)


def test_a_mean_of_the_frames_of_a_movie_is_called_one() -> None:
    """A number such as 6.7 defects, or a length, must not be taken for a sum."""
    movie, single = section(frames=3), section(frames=1)
    assert "12 per frame" in movie
    assert " nm per frame" in movie
    assert "per frame" not in single


def test_a_survey_shows_its_statement() -> None:
    text = "".join(survey_section(ReportedSurvey("x", "out", "Unusual <places>.", {"point": 3})))
    assert "Unusual &lt;places&gt;. In all frames: 3 points." in text
