from __future__ import annotations

from typing import Any

import pytest

from napari_stem_defects.io.images.pixel_size import (
    file_scale,
    length_in_nm,
    pixel_size_in_nm,
    square_pixel,
    unit_kind,
)


@pytest.mark.parametrize(
    ("unit", "nm"),
    [
        ("nm", 1),
        (" NM ", 1),
        ("nanometers", 1),
        ("nanometre", 1),
        ("pm", 1e-3),
        ("Å", 0.1),
        ("\u212b", 0.1),
        ("Angstroms", 0.1),
        ("µm", 1e3),
        ("\u03bcm", 1e3),
        ("\\u00B5m", 1e3),
        ("microns", 1e3),
        ("m", 1e9),
        ("meters", 1e9),
        ("nm\0", 1),
        ("n_m", 1),
        ("[n_m]", 1),
        ("A", 0.1),
        ("$\\AA$", 0.1),
        ("$\\mu$m", 1e3),
    ],
)
def test_lengths(unit: str, nm: float) -> None:
    assert length_in_nm(2, unit) == pytest.approx(2 * nm)
    assert length_in_nm("-2", unit) == pytest.approx(2 * nm)


@pytest.mark.parametrize(
    "unit", ["", "px", "pixel", "1/nm", "nm^-1", "mrad", "eV", "s", None, [], 5]
)
def test_what_is_no_length(unit: object) -> None:
    assert length_in_nm(1.0, unit) is None


@pytest.mark.parametrize("value", [0, float("nan"), float("inf"), "abc", None, (1, 2), 10**400])
def test_what_is_no_number(value: object) -> None:
    assert length_in_nm(value, "nm") is None


def test_print_sizes_are_not_pixel_sizes() -> None:
    for dots_per_inch in (72, 96, 300, 1200):
        assert pixel_size_in_nm([2.54 / dots_per_inch] * 2, ["cm", "cm"]) is None
    assert pixel_size_in_nm((0.04, 0.04), ("nm", "px")) is None
    assert pixel_size_in_nm((40, 0.04), ("pm", "nm")) == pytest.approx((0.04, 0.04))


def test_square_pixels() -> None:
    assert square_pixel(None) == (None, "")
    assert square_pixel((0.04, 0.04)) == (pytest.approx(0.04), "")
    assert square_pixel((0.0400, 0.0403))[0] == pytest.approx(0.04015, abs=1e-5)
    size, note = square_pixel((0.04, 0.05))
    assert size is None
    assert "0.04 x 0.05 nm" in note


@pytest.mark.parametrize(
    ("unit", "kind"),
    [
        ("nm", "length"),
        ("A", "length"),
        ("a", "unknown"),
        ("1/nm", "reciprocal"),
        ("1 / nm", "reciprocal"),
        ("nm^-1", "reciprocal"),
        ("nm⁻¹", "reciprocal"),
        ("$A^{-1}$", "reciprocal"),
        ("[n_m^-1]", "reciprocal"),
        ("1/px", "reciprocal"),
        ("mrad", "reciprocal"),
        ("keV", "energy"),
        ("pixels", "none"),
        ("", "none"),
        (None, "none"),
        ("s", "unknown"),
        ("parsec", "unknown"),
    ],
)
def test_what_a_unit_measures(unit: str | None, kind: str) -> None:
    assert unit_kind(unit) == kind


def test_what_is_not_understood_is_stated() -> None:
    assert file_scale((0.02, 0.02), ("nm", "nm")).pixel_nm == pytest.approx((0.02, 0.02))
    assert file_scale((1, 1), ("px", "px")).note == ""
    assert file_scale((2, 2), ("1/nm", "1/nm")).is_reciprocal
    assert "'parsec'" in file_scale((1, 1), ("parsec", "parsec")).note
    assert "5000 nm" in file_scale((5000, 5000), ("nm", "nm")).note
    assert "no length" in file_scale((0, 0), ("nm", "nm")).note


@pytest.mark.parametrize(
    ("sizes", "units", "note"),
    [
        ((0.02, 0.03), (None, ""), "Its pixel size of 0.02 x 0.03 has no unit and was ignored"),
        ((0.02, 0.02), ("<undefined>", None), "has no unit"),
        ((1.0, 1), (None, None), ""),
        ((None, 0.02), (None, None), ""),
        ((0.02, 0.02), ("pixel", "pixel"), ""),
    ],
)
def test_sizes_that_lost_their_unit_are_stated(sizes: Any, units: Any, note: str) -> None:
    found = file_scale(sizes, units)
    assert found.pixel_nm is None
    assert found.note.startswith(note) if note.startswith("Its") else note in found.note
    assert bool(found.note) == bool(note)
