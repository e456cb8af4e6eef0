"""The font of pictures has the signs of the field."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.font_manager import findfont, get_font
from PIL import Image, ImageDraw

from napari_stem_defects.reporting.chart_layout import new_figure
from napari_stem_defects.reporting.fonts import FAMILY, drawable, families, pillow_font, text_width

SIGNS = "µÅ₂²–·…éΩαъ°±×"


def picture_of(text: str) -> np.ndarray:
    picture = Image.new("L", (60, 60), 0)
    ImageDraw.Draw(picture).text((10, 10), text, fill=255, font=pillow_font(32))
    return np.asarray(picture)


def test_the_signs_of_the_field_are_kept() -> None:
    assert drawable(SIGNS) == SIGNS
    assert drawable("SF1 (12)") == "SF1 (12)"


@pytest.mark.parametrize("sign", SIGNS)
def test_pillow_has_a_glyph_for_each_sign(sign: str) -> None:
    assert (picture_of(sign) != picture_of("\U0001f9ea")).any()


def test_what_cannot_be_drawn_is_replaced_one_by_one() -> None:
    assert drawable("a\n\tb") == "a  b"
    assert drawable("x\U0001f9eay") == "x\N{REPLACEMENT CHARACTER}y"
    assert len(drawable("欠陥")) == 2


def test_matplotlib_draws_every_text_without_a_warning() -> None:
    figure = new_figure(100, 50, 72)
    figure.text(0, 0, drawable(f"欠陥 {SIGNS} \U0001f9ea", families()), family=list(families()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()


def test_widths_scale_with_the_size() -> None:
    assert text_width("SF1", 20) == pytest.approx(2 * text_width("SF1", 10))
    assert text_width("", 20) == 0
    assert text_width("iii", 10) < text_width("mmm", 10)


def test_the_glyphs_seen_by_pillow_are_those_in_the_table_of_the_font() -> None:
    """Every printable character of the basic plane, against the table that matplotlib reads."""
    table = frozenset(get_font(findfont(FAMILY)).get_charmap())
    characters = [chr(code) for code in range(0x80, 0x10000) if chr(code).isprintable()]
    kept = [sign for sign in characters if drawable(sign) == sign]
    assert kept == [sign for sign in characters if ord(sign) in table]
    assert 3000 < len(kept) < len(characters)
