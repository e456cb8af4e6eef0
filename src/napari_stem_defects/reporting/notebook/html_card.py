"""Cards in HTML: a title, facts, pictures and a table, self-contained and with all text escaped."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

PICTURE_PX = 280
"""Longest side of a picture."""
MOST_ROWS = 10

_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;white-space:nowrap"


class Swatch(NamedTuple):
    """A cell of a table: a name with its colour."""

    name: str
    colour: str


def card(
    title: str,
    facts: Iterable[str],
    pictures: Sequence[NDArray[np.uint8]] = (),
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
) -> str:
    """Return a card.

    Parameters
    ----------
    title : str
    facts : iterable of str
        One line each.
    pictures : sequence of ndarray of uint8, shape (Y, X) or (Y, X, 3)
        Grey or RGB.
    columns : sequence of str
        Heads of the table.
    rows : sequence of sequences
        Its cells: texts, numbers, `Swatch` or None; after `MOST_ROWS` their number is stated.

    Returns
    -------
    str
        HTML without scripts, links or references to other files.
    """
    parts = [f"<strong>{escape(title)}</strong>"]
    parts += [f'<div style="max-width:60em">{escape(fact)}</div>' for fact in facts]
    images = "".join(
        f'<img src="{data_uri(each)}" alt="" style="margin:6px 10px 6px 0">' for each in pictures
    )
    table = _table(columns, rows) if rows else ""
    beside = "display:flex;flex-wrap:wrap;align-items:flex-start"
    parts.append(f'<div style="{beside}"><div>{images}</div><div>{table}</div></div>')
    return f"<div>{''.join(parts)}</div>"


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a picture as the text of a PNG file in a page.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (Y, X) or (Y, X, 3)

    Returns
    -------
    str
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def step_of(shape: tuple[int, int]) -> int:
    """Return of how many rows and columns one is shown, so that a picture has `PICTURE_PX`.

    Parameters
    ----------
    shape : (int, int)
        Height and width in px.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, -(-max(shape) // PICTURE_PX))


def enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture of a small image, each pixel repeated up to `PICTURE_PX`.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (Y, X) or (Y, X, 3)

    Returns
    -------
    ndarray of uint8
    """
    times = max(1, PICTURE_PX // max(pixels.shape[:2]))
    return np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    heads = "".join(f'<th style="{_CELL}">{escape(each)}</th>' for each in columns)
    lines = [f"<tr>{heads}</tr>"]
    for row in rows[:MOST_ROWS]:
        lines.append("<tr>" + "".join(f'<td style="{_CELL}">{_cell(each)}</td>' for each in row))
        lines.append("</tr>")
    if len(rows) > MOST_ROWS:
        rest = f"and {len(rows) - MOST_ROWS} more"
        lines.append(f'<tr><td colspan="{len(columns)}" style="{_CELL}">{rest}</td></tr>')
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Swatch):
        box = "display:inline-block;width:0.8em;height:0.8em;margin-right:0.4em"
        style = f"{box};border:1px solid #888;background:{escape(value.colour)}"
        return f'<span style="{style}"></span>{escape(value.name)}'
    return escape(f"{value:.4g}" if isinstance(value, float) else str(value))
