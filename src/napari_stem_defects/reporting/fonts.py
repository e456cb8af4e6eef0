"""The font of all pictures: DejaVu Sans, which every installation of matplotlib has.

It has Latin, Greek and Cyrillic letters, µ, Å, sub- and superscripts. Pillow's own font has few of
them. Charts use fonts of the system for Chinese, Japanese and Korean where there are any.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

FAMILY = "DejaVu Sans"
_OTHER_SCRIPTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "WenQuanYi Micro Hei"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic"),
    *("Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo"),
)
# The Unicode replacement character.
_NO_GLYPH = "\N{REPLACEMENT CHARACTER}"
# The last code point of plane 16 is no character and never will be.
_NEVER_A_GLYPH = "\U0010ffff"
_MEASURED_PX = 100
_GLYPH_PX = 20


@cache
def pillow_font(size: float) -> ImageFont.FreeTypeFont:
    """Return the font for Pillow; ``size`` in px."""
    return ImageFont.truetype(_font_file(), size)


def text_width(text: str, size: float) -> float:
    """Return the width of a text in the unit of ``size``, the font size."""
    return pillow_font(_MEASURED_PX).getlength(text) * size / _MEASURED_PX


@cache
def families() -> tuple[str, ...]:
    """Return the font families for matplotlib, in the order in which it looks for a glyph."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return FAMILY, *(name for name in _OTHER_SCRIPTS if name in installed)


def drawable(text: str, families: Sequence[str] = (FAMILY,)) -> str:
    """Replace the characters for which no font has a glyph.

    Parameters
    ----------
    text : str
    families : sequence of str
        Fonts to look in.

    Returns
    -------
    str
        As long as ``text``. Control characters become spaces, what cannot be drawn the Unicode
        replacement character.
    """
    return "".join(_drawable(character, tuple(families)) for character in text)


def _drawable(character: str, families: tuple[str, ...]) -> str:
    if not character.isprintable():
        return " "
    known = character.isascii() or any(_has_glyph(character, name) for name in families)
    return character if known else _NO_GLYPH


def _has_glyph(character: str, family: str) -> bool:
    if family == FAMILY:
        return _drawn(character) != _drawn(_NEVER_A_GLYPH)
    return ord(character) in _characters(family)


@cache
def _drawn(character: str) -> tuple[bytes, tuple[int, int]]:
    """Return the picture of a character: that of a missing glyph is the same for all.

    Pillow does not state which glyphs a font has, and matplotlib takes a third of a second to
    import.
    """
    font = ImageFont.truetype(_font_file(), _GLYPH_PX, layout_engine=ImageFont.Layout.BASIC)
    mask, offset = font.getmask2(character)
    return bytes(mask), offset


@cache
def _characters(family: str) -> frozenset[int]:
    """Return the code points for which another font has a glyph."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())


@cache
def _font_file() -> str:
    """Return the font file of matplotlib, found without the third of a second of its import."""
    package = find_spec("matplotlib")
    places = [] if package is None else package.submodule_search_locations or []
    for place in places:
        path = Path(place, "mpl-data", "fonts", "ttf", "DejaVuSans.ttf")
        if path.is_file():
            return str(path)
    import matplotlib  # installed in an unusual way

    return str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"))
