"""Tables of points are read, and every fault names its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.point_table import PointRow, read_point_table

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    path = folder / "points.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_only_other_column_holds_the_classes(tmp_path: Path) -> None:
    table = write(tmp_path, "x_px,y_px,column\n20.5,10, Se2 \n")
    assert read_point_table(table) == [PointRow(10, 20.5, "Se2", 0)]


def test_a_class_protected_from_spreadsheets_is_read_without_its_apostrophe(
    tmp_path: Path,
) -> None:
    table = write(tmp_path, "x_px,y_px,class\n20,10,'=O vacancy\n20,10,=O vacancy\n")
    assert [row.class_name for row in read_point_table(table)] == ["=O vacancy"] * 2


def test_of_several_columns_class_is_the_default(tmp_path: Path) -> None:
    table = write(tmp_path, "y_px,x_px,note,class,frame\n10,20,a,W,3\n11,21,b,Se,\n")
    assert read_point_table(table) == [PointRow(10, 20, "W", 3), PointRow(11, 21, "Se", 0)]


def test_a_column_gives_the_kinds_of_classes(tmp_path: Path) -> None:
    table = write(tmp_path, "y_px,x_px,column,kind\n1,2,SF,line\n3,4,SF,\n5,6,Vac,point\n7,8,x,\n")
    found = [(row.class_name, row.kind) for row in read_point_table(table)]
    assert found == [("SF", "line"), ("SF", None), ("Vac", "point"), ("x", None)]


def test_a_column_named_kind_may_hold_the_classes(tmp_path: Path) -> None:
    table = write(tmp_path, "y_px,x_px,kind\n1,2,SF\n")
    assert read_point_table(table) == [PointRow(1, 2, "SF", 0)]


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding"),
    [(";", ",", "utf-8-sig"), (";", ".", "utf-8"), ("\t", ",", "utf-16"), ("\t", ".", "utf-8")],
)
def test_tables_of_spreadsheets_in_other_countries(
    tmp_path: Path, separator: str, decimal: str, encoding: str
) -> None:
    rows = [("y_px", "x_px", "class", "frame"), ("10.5", "-20.25", "Vac, 2 columns", "1")]
    text = "\r\n".join(separator.join(cell.replace(".", decimal) for cell in row) for row in rows)
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode(encoding))
    assert read_point_table(path) == [PointRow(10.5, -20.25, "Vac, 2 columns", 1)]


def test_numbers_with_thousands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="line 2: could not convert"):
        read_point_table(write(tmp_path, "y_px;x_px;class\n1.234,5;2;Vac\n"))


def test_a_table_without_rows_is_empty(tmp_path: Path) -> None:
    assert read_point_table(write(tmp_path, "y_px,x_px,class\n")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column y_px, x_px, class"),
        ("y_px,x_px,class\n1,2,W\n1,two,W\n", "line 3: could not convert"),
        ("y_px,x_px,class,kind\n1,2,W,plane\n", "line 2: class W: kind 'plane' must be"),
        ("y_px,x_px,class,kind\n1,2,W,line\n1,2,W,area\n", "line 3: W is area here; it is line"),
        ("y_px,x_px,class\n1,inf,W\n", "line 2: position 1.0, inf is not finite; correct"),
        ("y_px,x_px,class\n1,2,a/b\n", "line 2: class name"),
        ("y_px,x_px,class,frame\n1,2,W,first\n", "line 2: invalid literal"),
    ],
)
def test_a_fault_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelError) as caught:
        read_point_table(write(tmp_path, text))
    assert str(caught.value).startswith(f"points.csv: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="cannot be read"):
        read_point_table(tmp_path / "missing.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelError, match="cannot be read"):
        read_point_table(tmp_path / "binary.csv")
