"""Charts are SVG pictures that contain no text of files."""

from __future__ import annotations

from dataclasses import replace

from report_images import image

from napari_stem_defects.reporting.results_page import charts
from napari_stem_defects.reporting.results_page.tables import (
    arrangement_rows,
    length_rows,
    rate_rows,
)
from napari_stem_defects.statistics.rates import Estimate

COLOURS = {"Vacancy": "#cc2244", "Fault": "#2255cc"}


def is_svg(data: bytes | None) -> bool:
    return data is not None and b"<svg" in data and b"<script" not in data


def test_every_chart_is_drawn() -> None:
    rows = rate_rows([image()], "x")
    names = [row.class_name for row in rows]
    assert is_svg(charts.rate_chart(rows, names, "per nm²", COLOURS))
    (arrangement,) = arrangement_rows([image(points=30)])
    assert is_svg(charts.pair_chart(arrangement, COLOURS))
    assert is_svg(charts.neighbour_chart(arrangement, COLOURS))
    assert is_svg(charts.length_chart(length_rows([image()]), COLOURS))
    assert is_svg(
        charts.frame_chart({"Vacancy": [3, 4, 5], "Fault": [1, 1, 1]}, [0, 1, 2], COLOURS)
    )


def test_zeros_without_an_upper_limit_are_no_chart() -> None:
    rows = rate_rows([image()], "x")
    assert charts.has_rates(rows)
    zeros = [replace(row, reported=Estimate(0.0, None, None), corrected=None) for row in rows]
    assert not charts.has_rates(zeros)
    assert not charts.has_rates([])


def test_a_chart_is_the_same_every_time() -> None:
    rows = rate_rows([image()], "x")
    names = ["$a_1$ <b>", "Fault", "Fault"][: len(rows)]
    first, second = (charts.rate_chart(rows, names, "t", COLOURS) for _ in range(2))
    assert first == second
    assert b"<b>" not in first
