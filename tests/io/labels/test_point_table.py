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


@pytest.mark.parametrize(
    "header",
    [
        *("Y_PX, X_px , Class", "# y_px,x_px,class", "# made by a script\n\n#\ny_px,x_px,class"),
        *("axis-0,axis-1,class", "y_px,x_px,Vacancies"),
    ],
)
def test_headers_of_other_programs(tmp_path: Path, header: str) -> None:
    table = write(tmp_path, f"{header}\n10.5,20,Vac\n11,two,Vac\n")
    line = 3 + header.count("\n")
    with pytest.raises(LabelError, match=f"line {line}: could not convert"):
        read_point_table(table)
    table = write(tmp_path, f"{header}\n10.5,20,Vac\n")
    assert read_point_table(table) == [PointRow(10.5, 20, "Vac", 0)]


@pytest.mark.parametrize(
    "text",
    [
        "index,axis-0,axis-1,axis-2,class\n0,3.0,10.0,20.0,Vac\n",
        ",y_px,x_px,column,frame\n7,10,20,Vac,3\n",
    ],
)
def test_numbers_of_rows_are_no_classes(tmp_path: Path, text: str) -> None:
    assert read_point_table(write(tmp_path, text)) == [PointRow(10, 20, "Vac", 3)]


def test_positions_whose_unit_is_not_stated_are_not_taken_for_px(tmp_path: Path) -> None:
    """ImageJ writes X and Y in nm where the image has a scale."""
    table = write(tmp_path, " ,Area,X,Y\n1,0,20.5,10.5\n")
    with pytest.raises(LabelError, match="x_px, class but Area, X, Y; it needs y_px"):
        read_point_table(table)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes("y_px,x_px,class\n1,2,Lücke\n".encode("latin-1"))
    with pytest.raises(LabelError, match="save it as CSV in UTF-8"):
        read_point_table(path)


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
        ("y_px,x_px,class,frame\n1,2,W,first\n", "line 2: could not convert"),
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
