"""HTML is escaped, complete and loads nothing."""

from __future__ import annotations

from html.parser import HTMLParser

from napari_stem_defects.reporting.results_page.html import (
    document,
    element,
    escaped,
    picture,
    swatch,
    table,
)

EVIL = '"><script>alert(1)</script><img src=x onerror=y>'


def test_texts_are_escaped_once() -> None:
    assert escaped("a < b & c") == "a &lt; b &amp; c"
    inner = element("b", "a < b")
    assert element("p", inner) == "<p><b>a &lt; b</b></p>"


def test_no_text_becomes_markup() -> None:
    page = document(
        EVIL,
        element("p", EVIL, kind=EVIL),
        table((EVIL,), [(EVIL, None)]),
        picture(b"<svg/>", EVIL, EVIL),
        swatch(EVIL, EVIL),
    )
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not any(name.startswith("on") for name, _ in attrs)

    Tags().feed(page)
    assert "script" not in tags
    assert tags.count("img") == 1


def test_the_page_may_load_nothing() -> None:
    page = document("x", picture(b"\xff\xd8jpeg", "photo"))
    assert "default-src 'none'" in page
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page
    assert "https://" not in page


def test_empty_cells_are_empty() -> None:
    assert "<td></td>" in table(("a",), [(None,)])
