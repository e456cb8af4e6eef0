"""HTML of a page of results: every text is escaped, pictures are embedded, nothing is loaded."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: #1a1a1a; line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 40px 48px 64px; background: #fff; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 10px; padding-top: 14px; border-top: 1px solid #e2e4e8; }
h3 { font-size: 16px; margin: 26px 0 6px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 76ch; overflow-wrap: anywhere; }
.lead { color: #555b66; margin-bottom: 18px; max-width: none; }
.note { color: #555b66; font-size: 13.5px; }
.warning { background: #fff6e0; border-left: 4px solid #d99a00; padding: 8px 14px;
  max-width: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 12px 0; font-size: 13.5px; width: 100%; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid #e9ebee;
  vertical-align: top; font-variant-numeric: tabular-nums; }
th { color: #555b66; font-weight: 600; border-bottom: 1px solid #c9cdd4; }
td.number, th.number { text-align: right; white-space: nowrap; }
td:first-child { white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
figure { margin: 18px 0; }
figure img { width: 100%; height: auto; display: block; }
figcaption { color: #555b66; font-size: 13.5px; margin-top: 6px; max-width: 84ch; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; }
.quote { background: #f6f8fa; border: 1px solid #e2e4e8; border-radius: 6px;
  padding: 14px 20px; }
.quote p { max-width: none; }
ol li { margin: 5px 0; max-width: 84ch; font-size: 14px; overflow-wrap: anywhere; }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 2px;
  margin-right: 8px; border: 1px solid rgba(0, 0, 0, 0.35); }
@media (max-width: 700px) { main { padding: 24px 18px; } .pair { grid-template-columns: 1fr; } }
@media print { body { background: #fff; } main { padding: 0; max-width: none; }
  figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; } }
"""

# Browsers then load nothing and run nothing, whatever a text contains.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class Markup(str):
    """HTML that is complete; any other text is escaped."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """Return a text as HTML.

    Parameters
    ----------
    text : object
        Markup stays as it is; everything else is converted to text and escaped.

    Returns
    -------
    Markup
    """
    return text if isinstance(text, Markup) else Markup(html.escape(str(text)))


def element(name: str, *content: object, kind: str = "") -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Of the tag.
    *content : object
        Texts, which are escaped, and Markup.
    kind : str
        Its class.

    Returns
    -------
    Markup
    """
    attribute = f' class="{html.escape(kind)}"' if kind else ""
    return Markup(f"<{name}{attribute}>{''.join(map(escaped, content))}</{name}>")


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()
) -> Markup:
    """Return a table.

    Parameters
    ----------
    heads : sequence of str
        Of the columns.
    rows : iterable of sequences of object
        Cells; None is an empty one.
    numbers : sequence of int
        Columns of numbers, which are aligned to the right.

    Returns
    -------
    Markup
    """

    def cells(tag: str, row: Sequence[object]) -> Markup:
        return element(
            "tr",
            *(
                element(
                    tag, "" if cell is None else cell, kind="number" if place in numbers else ""
                )
                for place, cell in enumerate(row)
            ),
        )

    body = Markup("\n".join(cells("td", row) for row in rows))
    whole = element("table", element("thead", cells("th", heads)), element("tbody", body))
    return element("div", whole, kind="scroll")


def picture(data: bytes, alternative: str, caption: object = "") -> Markup:
    """Return a figure with an embedded picture.

    Parameters
    ----------
    data : bytes
        SVG or JPEG.
    alternative : str
        Text for readers that show no pictures.
    caption : object
        Below it.

    Returns
    -------
    Markup
    """
    kind = "jpeg" if data.startswith(b"\xff\xd8") else "svg+xml"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    image = Markup(f'<img src="{source}" alt="{html.escape(alternative)}">')
    return element("figure", image, element("figcaption", caption) if caption else Markup(""))


def swatch(name: str, colour: str) -> Markup:
    """Return a name with a patch of its colour.

    Parameters
    ----------
    name : str
    colour : str
        ``#rrggbb``.

    Returns
    -------
    Markup
    """
    patch = f'<span class="swatch" style="background:{html.escape(colour)}"></span>'
    return Markup(patch + escaped(name))


def document(title: str, *content: Markup) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
    *content : Markup

    Returns
    -------
    str
        It refers to no other file or address.
    """
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    )
    body = element("main", *(Markup(f"{each}\n") for each in content))
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'
