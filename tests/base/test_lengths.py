"""Lengths and densities in the units of the user."""

from __future__ import annotations

from napari_stem_defects.base.lengths import both_units, format_density


def test_lengths_are_in_px_and_where_known_in_nm() -> None:
    assert both_units(8, 0.027) == "8 px (0.216 nm)"
    assert both_units(12.5, 0.02) == "12.5 px (0.25 nm)"
    assert both_units(8, None) == "8 px"


def test_a_number_has_a_density_where_the_area_is_known() -> None:
    assert format_density(12, 400.0) == "12 (0.03 per nm²)"
    assert format_density(12, None) == "12"
    assert format_density(12, 0.0) == "12"
