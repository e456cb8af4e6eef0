"""Tables are read as spreadsheets and other programs write them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.io.csv_tables import open_table

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("image", "y_px", "x_px")


def read(path: Path) -> list[tuple[int, str | None, float, float]]:
    with open_table(path, NAMES) as table:
        return [
            (line, row["image"], table.number(row["y_px"]), table.number(row["x_px"]))
            for line, row in table.rows()
        ]


@pytest.mark.parametrize(
    ("text", "encoding", "line"),
    [
        ("image,y_px,x_px\na,1.5,20\n", "utf-8", 2),
        ("image;y_px;x_px\na;1,5;20\n", "utf-8-sig", 2),
        ("image;y_px;x_px\na;1.5;20\n", "utf-8", 2),
        ("Image\t X_PX \tY_px\na\t20\t1,5\n", "utf-16", 2),
        ("# of a camera\n# image,y_px,x_px\na,1.5,20\n", "utf-8", 3),
        ("image,y_px,x_px\r\n\r\na,1.5,20\r\n", "utf-8", 3),
    ],
)
def test_separators_commas_capitals_comments_and_encodings(
    tmp_path: Path, text: str, encoding: str, line: int
) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    assert read(tmp_path / "t.csv") == [(line, "a", 1.5, 20.0)]


def test_commas_that_separate_cells_are_not_decimal(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('image,y_px,x_px\na,"1,5",20\n', encoding="utf-8")
    with pytest.raises(ValueError, match="1,5"):
        read(tmp_path / "t.csv")


def test_a_column_in_the_usual_spelling_is_taken_first(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("IMAGE,image,y_px,x_px\nb,a,1,2\n", encoding="utf-8")
    assert read(tmp_path / "t.csv") == [(2, "a", 1.0, 2.0)]


def test_columns_may_be_renamed_and_cells_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1\n", encoding="utf-8")
    with open_table(tmp_path / "t.csv", NAMES) as table:
        table.columns = ["y_px", "x_px"]
        assert list(table.rows()) == [(2, {"y_px": "1", "x_px": None})]


def test_an_empty_file_has_no_columns_and_a_broken_one_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("", encoding="utf-8")
    with open_table(tmp_path / "t.csv", NAMES) as table:
        assert (table.columns, list(table.rows())) == ([], [])
    (tmp_path / "t.csv").write_text('image,y_px,x_px\n"a"b,1,2\n', encoding="utf-8")
    with pytest.raises(csv.Error):
        read(tmp_path / "t.csv")
