"""Cards of notebooks, taken apart: texts, cells and pictures; nothing outside is referred to."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_VOID = ("img", "br", "hr")


class Card(HTMLParser):
    """The parts of a card."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.pictures: list[NDArray[np.uint8]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []
        assert not re.search(r"<script|<link|<iframe|https?://|\son\w+=", html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "img":
            source = dict(attrs)["src"] or ""
            data = base64.b64decode(source.removeprefix("data:image/png;base64,"))
            self.pictures.append(np.asarray(Image.open(io.BytesIO(data))))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "table" in self._open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
