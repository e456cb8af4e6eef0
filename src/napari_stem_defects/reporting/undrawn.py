"""What stands in for a picture that could not be drawn: pictures never cost a result."""

from __future__ import annotations

import logging
import textwrap
from typing import TYPE_CHECKING, TypeVar

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_logger = logging.getLogger(__name__)

_SIZE = (1000, 220)
_LINE_LETTERS, _LONGEST_REASON = 80, 120


def draw_or_state(draw: Callable[[], Image.Image], title: str) -> tuple[Image.Image, str]:
    """Draw a picture; where that fails, return a page that states it.

    Whatever fails in drawing, the data beside the picture are complete and worth more.

    Parameters
    ----------
    draw : callable
        Returns the picture.
    title : str
        What the picture shows, such as ``"The overview"``.

    Returns
    -------
    picture : PIL.Image.Image
        The picture, or a page with the note.
    note : str
        One sentence for the summary; empty where the picture was drawn.
    """
    picture, note = draw_if_possible(draw, title)
    return (page_with_note(note) if picture is None else picture), note


def draw_if_possible(draw: Callable[[], T], title: str) -> tuple[T | None, str]:
    """Draw a picture of any kind; where that fails, return the note alone.

    Parameters
    ----------
    draw : callable
        Returns the picture.
    title : str
        What the picture shows, such as ``"The overview"``.

    Returns
    -------
    picture : object or None
        What ``draw`` returned; None where it failed.
    note : str
        One sentence for the result and the console; empty where nothing failed.
    """
    try:
        return draw(), ""
    except Exception as error:
        _logger.debug("drawing failed", exc_info=True)
        reason = textwrap.shorten(str(error), _LONGEST_REASON) or "no message"
        note = (
            f"{title} could not be drawn ({type(error).__name__}: {reason}); no data are missing."
        )
    return None, note


def page_with_note(note: str) -> Image.Image:
    """Return a white page with a sentence on it.

    Parameters
    ----------
    note : str
        The sentence.

    Returns
    -------
    PIL.Image.Image
        RGB, 1000 px wide.
    """
    page = Image.new("RGB", _SIZE, "white")
    text = "\n".join(textwrap.wrap(note, _LINE_LETTERS))
    # Printable ASCII alone: the sign that a font lacks may be what could not be drawn.
    plain = text.encode("ascii", "replace").decode()
    ImageDraw.Draw(page).text((40, 40), plain, fill="#1a1a1a", font=ImageFont.load_default(22))
    return page
