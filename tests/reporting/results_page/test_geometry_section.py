"""What geometry shows at lines."""

from __future__ import annotations

from dataclasses import replace

from report_images import image, line

from napari_stem_defects.reporting.results_page.geometry_section import geometry_section


def shown(*regions: object) -> str:
    one = image()
    one = replace(one, frames=(replace(one.frames[0], regions=tuple(regions)),))  # type: ignore[arg-type]
    return "".join(geometry_section([one], {}))


def test_verdict_and_figures_of_a_line_are_shown() -> None:
    region = replace(
        line(50, 60, 1),
        geometry="confirmed",
        looks_like="intrinsic stacking fault",
        misorientation_deg=0.12,
        shift_y_nm=0.03,
        shift_x_nm=0.04,
        shift_error_nm=0.002,
        shifted_layers=1,
    )
    text = shown(region)
    for part in ("confirmed", "intrinsic stacking fault", "0.1°", "50 ± 2", ">1<"):
        assert part in text, part


def test_a_reason_is_shown_and_escaped() -> None:
    text = shown(replace(line(50, 60, 1), geometry="not verified", geometry_note="<too small>"))
    assert "not verified: &lt;too small&gt;" in text


def test_unchecked_lines_are_not_listed() -> None:
    assert shown(line(50, 60, 1)) == ""


def test_of_many_lines_the_rest_is_counted() -> None:
    many = [replace(line(50, 60, n), geometry="confirmed") for n in range(70)]
    assert "10 more lines are in regions.csv" in shown(*many)
