"""Every colour that the package shows has enough contrast, as a number."""

from __future__ import annotations

import pytest

from napari_stem_defects.base import defect_classes
from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.base.distinct_colours import colour_wheel
from napari_stem_defects.reporting.colour_contrast import (
    LINE_RATIO,
    TEXT_RATIO,
    casing_of,
    contrast_ratio,
    readable,
)
from napari_stem_defects.reporting.themes import DARK, LIGHT, Theme, class_ink, contrasting

BLACK, WHITE = "#000000", "#ffffff"
GREYS = [f"#{value:02x}{value:02x}{value:02x}" for value in range(256)]
NAMES = (*defect_classes._COLOURS, "a", "b", "precipitate", "Dislocation", "空孔")
PALETTE = (*defect_classes._COLOURS.values(), *defect_classes._FURTHER_COLOURS)
COLOURS = sorted({*PALETTE, *colour_wheel()})
# The backgrounds of the panels in napari's two themes, and of charts in files.
BACKGROUNDS = ("#262930", "#efebe9", LIGHT.background, DARK.background)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast_ratio(BLACK, WHITE) == pytest.approx(21)
    assert contrast_ratio("#777777", WHITE) == pytest.approx(4.48, abs=0.01)
    assert contrast_ratio("#9aa0a6", "#9aa0a6") == 1


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", [*COLOURS, "#ff6b5e"])
def test_text_in_any_colour_is_readable(colour: str, background: str) -> None:
    shown = readable(colour, background)
    assert contrast_ratio(shown, background) >= TEXT_RATIO
    if contrast_ratio(colour, background) >= TEXT_RATIO:
        assert shown == colour


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("name", [*NAMES, UNKNOWN])
def test_names_of_classes_are_readable_in_both_themes(name: str, theme: Theme) -> None:
    assert contrast_ratio(class_ink(name, theme), theme.background) >= TEXT_RATIO


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_of_charts_is_readable(theme: Theme) -> None:
    assert contrast_ratio(theme.text, theme.background) >= TEXT_RATIO
    assert contrast_ratio(theme.muted, theme.background) >= TEXT_RATIO


@pytest.mark.parametrize("colour", COLOURS)
def test_a_box_and_its_casing_are_visible_on_bright_and_dark_parts(colour: str) -> None:
    def best(background: str) -> float:
        return max(contrast_ratio(each, background) for each in (colour, casing_of(colour)))

    assert contrast_ratio(colour, casing_of(colour)) >= 21**0.5 - 0.01
    # Bright and dark parts, and parts as bright as the box itself.
    assert min(best(BLACK), best(WHITE), best(colour)) >= LINE_RATIO
    # Two tones cannot have a ratio of 3 to every grey unless they differ by 9.
    assert min(map(best, GREYS)) >= 21**0.25 - 0.05


@pytest.mark.parametrize("colour", COLOURS)
def test_text_on_a_colour_is_readable(colour: str) -> None:
    assert contrast_ratio(contrasting(colour), colour) >= LINE_RATIO


def test_the_colours_of_masks_differ_from_the_image_in_the_dark() -> None:
    bulk = default_class("Bulk").colour
    assert all(contrast_ratio(each, BLACK) >= LINE_RATIO for each in COLOURS if each != bulk)
