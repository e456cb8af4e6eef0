"""The table of a watched folder."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from written_results import write_image, write_result

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.watch_table import (
    COLUMNS,
    WATCH_TABLE,
    append_rows,
    fault_row,
    finished_images,
    remove_torn_row,
    result_rows,
)

if TYPE_CHECKING:
    from pathlib import Path


def rows(out: Path) -> list[dict[str, str]]:
    with (out / WATCH_TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    append_rows(tmp_path / "out", result_rows("a.tif", (12, 34), "a", read_summary(folder)))
    return tmp_path / "out"


def test_an_image_has_a_row_for_each_class(out: Path) -> None:
    summary = read_summary(out / "a")
    found = rows(out)
    assert tuple(found[0]) == COLUMNS
    assert {row["class"]: int(row["count"]) for row in found} == summary["counts"]
    fault = next(row for row in found if row["class"] == "SF1")
    assert float(fault["length_nm"]) == pytest.approx(summary["lengths_nm"]["SF1"], rel=1e-5)
    assert float(fault["per_nm2"]) == pytest.approx(1 / summary["searched_nm2"], rel=1e-5)
    assert {row["model"] for row in found} == {"cdte-110"}
    assert finished_images(out) == {"a.tif": ((12, 34), "a")}


def test_faults_are_tried_again_and_the_last_rows_count(out: Path) -> None:
    append_rows(out, [fault_row("=b, c.tif", (1, 2), "=b, c.tif: is empty")])
    assert list(finished_images(out)) == ["a.tif"]
    assert rows(out)[-1]["fault"] == "'=b, c.tif: is empty"  # no formula for a spreadsheet
    (out / "b").mkdir()
    append_rows(out, [{**fault_row("=b, c.tif", (3, 4), ""), "folder": "b"}])
    assert finished_images(out)["=b, c.tif"] == ((3, 4), "b")
    append_rows(out, result_rows("a.tif", (56, 78), "a", read_summary(out / "a")))
    assert finished_images(out)["a.tif"] == ((56, 78), "a")


def test_an_image_whose_results_are_gone_is_not_finished(out: Path) -> None:
    (out / "a").rename(out / "elsewhere")
    assert finished_images(out) == {}


def test_a_torn_row_is_removed(out: Path) -> None:
    whole = (out / WATCH_TABLE).read_bytes()
    (out / WATCH_TABLE).write_bytes(whole + b"b.tif,12,3")
    remove_torn_row(out)
    assert (out / WATCH_TABLE).read_bytes() == whole
    remove_torn_row(out)
    assert (out / WATCH_TABLE).read_bytes() == whole


def test_a_folder_that_is_away_is_one_line(tmp_path: Path) -> None:
    remove_torn_row(tmp_path / "away")
    assert finished_images(tmp_path / "away") == {}
    with pytest.raises(OutputError, match=r"watch.csv: cannot be written") as caught:
        append_rows(tmp_path / "away", [fault_row("a", (1, 1), "x")])
    assert "\n" not in str(caught.value)
