"""Colours on light and dark backgrounds."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.reporting.themes import (
    DARK,
    LIGHT,
    Theme,
    blend,
    class_ink,
    contrasting,
    luma,
    make_theme,
)


def test_themes_know_whether_they_are_dark() -> None:
    assert DARK.is_dark
    assert not LIGHT.is_dark


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_muted_text_and_grid_lie_between_text_and_background(theme: Theme) -> None:
    steps = [luma(c) for c in (theme.text, theme.muted, theme.grid, theme.background)]
    assert steps in (sorted(steps), sorted(steps, reverse=True))
    assert abs(luma(theme.muted) - luma(theme.background)) > 90


def test_colours_are_blended_linearly() -> None:
    assert blend("#000000", "#ffffff", 0) == "#000000"
    assert blend("#000000", "#ffffff", 1) == "#ffffff"
    assert blend("#102030", "#304050", 0.5) == "#203040"


def test_text_contrasts_with_a_colour() -> None:
    assert contrasting("#f0e442") == "#000000"
    assert contrasting("#005aa0") == "#ffffff"


def test_class_names_are_darker_on_a_light_background() -> None:
    assert class_ink("SF1", DARK) == default_class("SF1").colour
    assert luma(class_ink("SF1", LIGHT)) < luma(default_class("SF1").colour)
    assert class_ink(UNKNOWN, LIGHT) == LIGHT.text


def test_a_theme_is_made_of_two_colours() -> None:
    theme = make_theme("#222222", "#eeeeee")
    assert (theme.background, theme.text) == ("#222222", "#eeeeee")
