"""Charts on a page, and what stands for one that cannot be drawn."""

from __future__ import annotations

from napari_stem_defects.reporting.results_page.drawn_charts import DrawnCharts


def test_a_chart_is_shown_with_its_caption() -> None:
    charts = DrawnCharts({})
    shown = charts.figure(lambda: b"<svg/>", "Lengths", "Of <all> lines.")
    assert shown is not None
    assert 'alt="Lengths"' in shown
    assert "Of &lt;all&gt; lines." in shown
    assert charts.notes == []


def test_nothing_to_show_is_nothing() -> None:
    assert DrawnCharts({}).figure(lambda: None, "Lengths") is None


def test_a_chart_that_fails_is_a_sentence_on_the_page() -> None:
    def draw() -> bytes:
        raise ValueError("x < 0")

    charts = DrawnCharts({})
    shown = charts.figure(draw, "Lengths")
    (note,) = charts.notes
    assert note == (
        "The chart “Lengths” could not be drawn (ValueError: x < 0); no data are missing."
    )
    assert shown == f'<p class="warning">{note.replace("<", "&lt;")}</p>'
