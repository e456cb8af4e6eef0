"""Lists of classes in folders of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.class_list import read_classes, write_classes

if TYPE_CHECKING:
    from pathlib import Path


def test_classes_survive_the_file(tmp_path: Path) -> None:
    classes = (
        DefectClass("Bulk", "bulk"),
        DefectClass("APB", "line", 'a "b", c', "#010203"),
        DefectClass("空孔", "area"),
        DefectClass("=1+1", "line", "-2+3", "#010203"),
    )
    write_classes(tmp_path / "classes.csv", classes)
    assert read_classes(tmp_path / "classes.csv") == classes


def test_titles_and_colours_may_be_missing(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("kind,class\nline,APB\n", encoding="utf-8")
    assert read_classes(tmp_path / "classes.csv") == (DefectClass("APB", "line"),)


def test_a_list_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = "Class;Kind;Colour\nAPB;line;#010203\n"
    (tmp_path / "classes.csv").write_text(text, encoding="utf-8-sig")
    assert read_classes(tmp_path / "classes.csv") == (DefectClass("APB", "line", "", "#010203"),)


def test_no_list_is_no_error(tmp_path: Path) -> None:
    assert read_classes(tmp_path / "classes.csv") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class,kind\nAPB,plane\n", "line 2: class APB: kind 'plane'"),
        ("class,kind\n,line\n", "line 2"),
        ("class,colour\nAPB,#000000\n", "no column"),
        ('class,kind\n"APB,line\n', "cannot be read"),
    ],
)
def test_a_bad_list_is_one_line_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabelError, match=message) as caught:
        read_classes(path)
    assert "classes.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
