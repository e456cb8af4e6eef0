"""Text cells are no formulas, and every text is read back."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.io.csv_cells import TableWriter, read_text

PACKAGE = Path(__file__).parents[2] / "src" / "napari_stem_defects"
FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "'=1", "-", "+x", "-1x")


def written(*cells: object) -> list[str]:
    """Return a row as a spreadsheet reads it."""
    text = io.StringIO(newline="")
    TableWriter(text).writerow(cells)
    return next(csv.reader(io.StringIO(text.getvalue(), newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_text_is_no_formula(text: str) -> None:
    (cell,) = written(text)
    assert cell == f"'{text}"
    assert read_text(cell) == text


@pytest.mark.parametrize("cell", ["-3.5", "+1", "-1e-05", -3.5, 7, "SF1", "", "a=b", "'quoted'"])
def test_numbers_and_other_text_stay(cell: object) -> None:
    assert written(cell) == [str(cell)]


@given(st.text(alphabet="'=+-@\t1.eE a", max_size=6))
def test_every_text_is_read_back(text: str) -> None:
    (cell,) = written(text) or [""]
    assert read_text(cell) == text
    assert read_text(text) == text or text.startswith("'")


def test_every_table_of_the_package_is_written_this_way() -> None:
    others = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if path.name != "csv_cells.py"
        and any(
            isinstance(node, ast.Attribute) and node.attr in ("writer", "DictWriter", "to_csv")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert others == []
