"""Lengths and densities in the units of the user."""

from __future__ import annotations

from napari_stem_defects.base.lengths import (
    both_units,
    format_density,
    format_found,
    format_none,
    format_share,
    list_in_both_units,
)


def test_lengths_are_in_px_and_where_known_in_nm() -> None:
    assert both_units(8, 0.027) == "8 px (0.216 nm)"
    assert both_units(12.5, 0.02) == "12.5 px (0.25 nm)"
    assert both_units(8, None) == "8 px"
    assert list_in_both_units((512, 256), 0.027) == "512 x 256 px (13.8 x 6.91 nm)"
    assert list_in_both_units((4.5, 6), None, " and ") == "4.5 and 6 px"


def test_a_number_has_a_density_where_the_area_is_known() -> None:
    assert format_density(12, 400.0) == "0.03 per nm²"
    for unknown in (None, 0.0):
        assert format_density(12, unknown) == ""


def test_the_density_suits_the_kind() -> None:
    assert format_found(12, "Vac", "point", 400.0) == "12 Vac (0.03 per nm²)"
    assert format_found(2, "SF1", "line", 400.0, 60.0) == "2 SF1 (0.15 nm per nm²)"
    assert format_found(2, "SF1", "line", None, None) == "2 SF1"
    assert format_found(3, "grain", "area", 400.0, 60.0) == "3 grain"


def test_nothing_found_names_what_was_searched_for() -> None:
    assert format_none(["Bulk", "Extra", "IExtra", "Mis", "unknown"]) == "no Extra, IExtra or Mis"
    assert format_none(["Bulk", "Vac"]) == "no Vac"
    assert format_none(["Bulk"]) == "no defects"


def test_a_part_of_an_image_is_neither_none_nor_all_of_it() -> None:
    assert [format_share(share) for share in (0.002, 0.011, 0.474, 0.996)] == [
        "less than 1 %",
        "1 %",
        "47 %",
        "more than 99 %",
    ]
