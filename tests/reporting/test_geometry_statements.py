"""What the geometry says about lines, in a few words."""

from __future__ import annotations

from dataclasses import replace

from napari_stem_defects.postprocessing.results import Region
from napari_stem_defects.reporting.geometry_statements import geometry_statements

LINE = Region(
    *("lamella", 0, "SF1", 1, 10.0, 20.0, 1.0, 2.0, 100, 1.0, 5.0, 0.9, 0.99, "line"),
    geometry="confirmed",
    looks_like="intrinsic stacking fault",
)


def test_one_line_has_one_statement() -> None:
    assert geometry_statements([LINE], "SF1") == ("geometry: intrinsic stacking fault",)
    assert geometry_statements([LINE], "SF2") == ()


def test_several_lines_are_counted_by_finding() -> None:
    unsure = replace(LINE, geometry="not verified", looks_like="", geometry_note="the line is bent")
    assert geometry_statements([LINE, LINE, unsure], "SF1") == (
        "2 x geometry: intrinsic stacking fault",
        "1 x geometry: not verified, the line is bent",
    )


def test_an_unknown_line_states_what_it_looks_like() -> None:
    tilt = replace(
        LINE, class_name="unknown", geometry="contradicted", looks_like="boundary, 12.0 degrees"
    )
    assert geometry_statements([tilt], "unknown") == ("looks like boundary, 12.0 degrees",)


def test_earlier_results_have_none() -> None:
    assert geometry_statements([replace(LINE, geometry="", looks_like="")], "SF1") == ()
