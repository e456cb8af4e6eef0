"""Tables of the page on files that are made from the code: formats, and columns of tables."""

from __future__ import annotations

import inspect
import re

import napari_stem_defects as sd
from napari_stem_defects.io.images.formats import FORMATS
from napari_stem_defects.io.results.formats import REGION_COLUMNS
from napari_stem_defects.io.results.survey_folder import COLUMNS as SURVEY_COLUMNS
from napari_stem_defects.io.results.watch_table import COLUMNS as WATCH_COLUMNS

_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*) : (.*)\n((?: {4}.*\n?)+)", re.MULTILINE)
# Columns that are named otherwise than the attributes of a region.
_OTHERWISE = {"class": "class_name"}


def fill_tables(markdown: str) -> str:
    """Put the tables where a page has their marks, as ``<!-- table: formats -->``."""
    tables = {
        "formats": _formats,
        "regions": _regions,
        "survey": lambda: _names(SURVEY_COLUMNS),
        "watch": lambda: _names(WATCH_COLUMNS),
    }
    return re.sub(r"<!-- table: (\w+) -->", lambda match: tables[match.group(1)](), markdown)


def region_columns() -> list[tuple[str, str, str]]:
    """Return name, type and meaning of each column of ``regions.csv``, from `sd.Region`."""
    about = {
        name: (kind, " ".join(text.split()))
        for names, kind, text in _ATTRIBUTE.findall(inspect.getdoc(sd.Region) or "")
        for name in names.split(", ")
    }
    return [(column, *about[_OTHERWISE.get(column, column)]) for column in REGION_COLUMNS]


def _formats() -> str:
    rows = [f"| {each.title} | {_names(each.suffixes)} |" for each in FORMATS]
    return "\n".join(["| format | ends of file names |", "|---|---|", *rows])


def _regions() -> str:
    rows = [
        f"| `{name}` | {kind.replace(' or None', ', or empty')} | {text.replace('|', '/')} |"
        for name, kind, text in region_columns()
    ]
    return "\n".join(["| column | value | meaning |", "|---|---|---|", *rows])


def _names(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
