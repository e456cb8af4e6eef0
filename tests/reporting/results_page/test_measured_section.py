"""Point defects as they were measured."""

from __future__ import annotations

from dataclasses import replace

from report_images import image

from napari_stem_defects.reporting.results_page.data import ReportedImage
from napari_stem_defects.reporting.results_page.measured_section import measured_section


def with_ratios(*ratios: float | None) -> ReportedImage:
    one = image(points=len(ratios))
    points = [each for each in one.frames[0].regions if each.kind == "point"]
    regions = tuple(
        each
        if ratio is None
        else replace(
            each,
            site_y_px=each.y_px,
            site_x_px=each.x_px,
            intensity_ratio=ratio,
            intensity_ratio_error=0.05,
            sublattice="A" if ratio < 0.5 else "between",
        )
        for each, ratio in zip(points, ratios, strict=True)
    )
    return replace(one, frames=(replace(one.frames[0], regions=regions),))


def test_ratios_and_sublattices_of_a_class_are_summed_up() -> None:
    text = "".join(measured_section([with_ratios(0.1, 0.2, 0.3, None, 0.9)], {}))
    for part in ("4 of 5", ">0.25<", "0.18 to 0.45", ">0.05<", "A 3, between 1"):
        assert part in text, part


def test_nothing_is_shown_where_nothing_was_measured() -> None:
    assert not list(measured_section([with_ratios(None, None)], {}))
    assert not list(measured_section([], {}))
