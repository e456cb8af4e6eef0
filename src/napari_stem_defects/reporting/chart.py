"""A page to draw charts on with Pillow, in px of the finished picture.

Drawn at twice the size and shrunk, because Pillow's lines have no soft edges.
"""

from __future__ import annotations

import math
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

INK, GREY, RULE = "#1a1a1a", "#5f5f5f", "#d9d9d9"
_SHARP = 2
_DASH_PX, _GAP_PX = 7, 5

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle in px."""

    left: float
    top: float
    right: float
    bottom: float


class Page:
    """A white page of (width, height) px."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._image = Image.new("RGB", (width * _SHARP, height * _SHARP), "white")
        self._pen = ImageDraw.Draw(self._image)

    def finished(self) -> Image.Image:
        """Return the picture."""
        return self._image.resize(self._size, Image.Resampling.LANCZOS)

    def text(
        self, at: Point, words: str, size: float = 18, colour: str = INK, anchor: str = "la"
    ) -> None:
        """Write; ``anchor`` is Pillow's (left/middle/right, ascender/middle/descender)."""
        place = at[0] * _SHARP, at[1] * _SHARP
        self._pen.text(place, latin(words), fill=colour, font=_font(size), anchor=anchor)

    def slanted(self, at: Point, words: str, size: float = 18) -> None:
        """Write upwards at 45 degrees, starting at a point."""
        font = _font(size)
        left, top, right, bottom = font.getbbox(latin(words))
        label = Image.new("L", (math.ceil(right - left) + 4, math.ceil(bottom - top) + 4))
        ImageDraw.Draw(label).text((2 - left, 2 - top), latin(words), fill=255, font=font)
        turned = label.rotate(45, expand=True, resample=Image.Resampling.BICUBIC)
        shift = label.height * math.sqrt(0.5)
        corner = (
            round(at[0] * _SHARP - shift / 2),
            round(at[1] * _SHARP - turned.height + shift / 2),
        )
        self._image.paste(Image.new("RGB", turned.size, INK), corner, turned)

    def fill(self, box: Box, colour: str | tuple[int, int, int]) -> None:
        """Fill a rectangle."""
        self._pen.rectangle([side * _SHARP for side in box], fill=colour)

    def dot(self, at: Point, radius: float, colour: str) -> None:
        """Draw a filled circle with a dark rim."""
        x, y, r = at[0] * _SHARP, at[1] * _SHARP, radius * _SHARP
        self._pen.ellipse([x - r, y - r, x + r, y + r], fill=colour, outline=INK, width=_SHARP)

    def line(
        self, points: Sequence[Point], colour: str, width: float = 2, *, dashed: bool = False
    ) -> None:
        """Draw a line through points."""
        scaled = [(x * _SHARP, y * _SHARP) for x, y in points]
        thick = max(1, round(width * _SHARP))
        for run in _dashes(scaled) if dashed else [scaled]:
            self._pen.line(run, fill=colour, width=thick, joint="curve")


class Axes:
    """A plot's frame on a page, which turns values into px.

    Parameters
    ----------
    page : Page
    box : Box
        The frame; tick labels and names stand outside it.
    x, y : (float, float)
        Ranges of the values.
    names : (str, str)
        What the axes show.
    """

    def __init__(self, page: Page, box: Box, x: Point, y: Point, names: tuple[str, str]) -> None:
        self._page, self._box, self._x, self._y = page, box, x, y
        for value in ticks(*x):
            across, _ = self.at(value, y[0])
            page.line([(across, box.top), (across, box.bottom)], RULE, 1)
            page.text((across, box.bottom + 6), f"{value:g}", 15, GREY, "ma")
        for value in ticks(*y):
            _, down = self.at(x[0], value)
            page.line([(box.left, down), (box.right, down)], RULE, 1)
            page.text((box.left - 6, down), f"{value:g}", 15, GREY, "rm")
        page.text(((box.left + box.right) / 2, box.bottom + 28), names[0], 16, INK, "ma")
        page.text((box.left, box.top - 10), names[1], 16, INK, "ls")

    def at(self, x: float, y: float) -> Point:
        """Return where a pair of values lies on the page."""
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        down = (self._y[1] - y) / (self._y[1] - self._y[0])
        box = self._box
        return box.left + across * (box.right - box.left), box.top + down * (box.bottom - box.top)

    def curve(self, values: Sequence[Point], colour: str, *, dashed: bool = False) -> None:
        """Draw a line through values, a dot where there is only one."""
        points = [self.at(*value) for value in values]
        if len(points) == 1:
            self._page.dot(points[0], 4, colour)
        elif points:
            self._page.line(points, colour, 2.5, dashed=dashed)

    def dot(self, value: Point, radius: float, colour: str) -> None:
        """Mark a pair of values."""
        self._page.dot(self.at(*value), radius, colour)


def ticks(low: float, high: float) -> list[float]:
    """Return about five round values from ``low`` to ``high``."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(step * number, 10) for number in range(first, last + 1)]


def latin(text: str) -> str:
    """Replace what Pillow's font cannot draw: accents go, other letters become question marks."""
    return "".join(
        sign
        if sign.isascii()
        else unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"
        for sign in text
    )


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SHARP)


def _dashes(points: Sequence[Point]) -> list[list[Point]]:
    """Cut a line into dashes of equal length, carried on over its corners."""
    runs: list[list[Point]] = []
    phase, period = 0.0, (_DASH_PX + _GAP_PX) * _SHARP
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        start = -phase
        while start < length:
            first, last = max(start, 0.0), min(start + _DASH_PX * _SHARP, length)
            if last > first:
                runs.append(
                    [
                        (x0 + (x1 - x0) * at / length, y0 + (y1 - y0) * at / length)
                        for at in (first, last)
                    ]
                )
            start += period
        phase = (phase + length) % period
    return runs
