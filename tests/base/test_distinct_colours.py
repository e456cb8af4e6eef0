"""Colours of classes differ for everybody."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.defect_classes import distinct_colour
from napari_stem_defects.base.distinct_colours import (
    colour_wheel,
    difference,
    luminance,
    most_different,
)


def test_differences_are_those_of_the_kind_of_vision_that_sees_least() -> None:
    assert difference("#000000", "#ffffff") == pytest.approx(1, abs=1e-3)
    assert difference("#123456", "#123456") == 0
    # A red and a green of one lightness, for who has a deficiency and for who has none.
    assert difference("#c0504d", "#4f8a3c") < 0.11
    assert difference("#0000ff", "#ffff00") > 0.45


def test_the_most_different_colour_is_far_from_all() -> None:
    used = ["#ffffff", "#e69f00"]
    for _ in range(20):
        added = most_different(used)
        assert added in colour_wheel()
        assert min(difference(added, each) for each in used) >= 0.04
        used.append(added)


def test_thirty_classes_have_colours_that_everybody_distinguishes() -> None:
    used: list[str] = []
    for number in range(30):
        colour = distinct_colour(f"class {number}", used)
        assert all(difference(colour, each) > 0.03 for each in used)
        used.append(colour)


def test_luminance_is_that_of_srgb() -> None:
    assert luminance("#000000") == 0
    assert luminance("#ffffff") == pytest.approx(1)
    assert luminance("#00ff00") == pytest.approx(0.7152)
    assert luminance("#808080") == pytest.approx(0.2159, abs=1e-4)
