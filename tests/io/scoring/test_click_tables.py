"""Tables of clicks and of what was found with them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scored_images import write_manifest

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.scoring.click_tables import read_found, write_clicks
from napari_stem_defects.io.scoring.manifest import Manifest, read_manifest
from napari_stem_defects.scoring.few_clicks import Clicks

HEAD = "clicked_image,clicks,image,class,y_px,x_px\n"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(write_manifest(tmp_path))


def test_clicks_are_a_row_each(tmp_path: Path) -> None:
    places = {"Vac": np.array([[1.25, 2], [3, 4]]), "=Ti": np.array([[5.0, 6], [7, 8]])}
    write_clicks(tmp_path / "new" / "c.csv", [("a", Clicks(2, places, places), "b")])
    with (tmp_path / "new" / "c.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["y_px"], row["x_px"]) for row in rows[:2]] == [("1.25", "2.00"), ("3.00", "4.00")]
    assert {(row["image"], row["clicks"], row["also_search"]) for row in rows} == {("a", "2", "b")}
    assert rows[2]["class"] == "'=Ti", "no spreadsheet takes it for a formula"


def test_what_was_found_is_sorted_by_clicks_and_image(tmp_path: Path, manifest: Manifest) -> None:
    path = tmp_path / "f.csv"
    rows = "a,3,a,vacancy,1,2\na,3,b,Vac,3,4\na,1,a,Vac,5,6\na,3,a,Vac,7,8\n"
    path.write_text(HEAD + rows, "utf-8")
    found = read_found(path, manifest)
    assert set(found) == {("a", 3, "a"), ("a", 3, "b"), ("a", 1, "a")}
    assert found["a", 3, "a"].names == ("Vac", "Vac")
    np.testing.assert_array_equal(found["a", 3, "a"].points, [(1, 2), (7, 8)])


def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path, manifest: Manifest) -> None:
    path = tmp_path / "f.csv"
    path.write_text(HEAD.upper().replace(",", ";") + "a;3;b;'=Ti;1,5;2\n", "utf-8-sig")
    found = read_found(path, manifest)["a", 3, "b"]
    assert (found.names, found.points.tolist()) == (("=Ti",), [[1.5, 2.0]])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("image,class,y_px,x_px\n", "has no column 'clicked_image'"),
        (HEAD + "a,three,a,Vac,1,2\n", "is no table of points"),
        (HEAD + "a,3,a,Vac,1\n", "is no table of points"),
        (HEAD + "a,3,a,Vac,1,inf\n", "a position that is not finite"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, manifest: Manifest, text: str, fault: str) -> None:
    path = tmp_path / "f.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=fault) as caught:
        read_found(path, manifest)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_one_line(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(InputError, match=r"no\.csv: there are no predictions"):
        read_found(tmp_path / "no.csv", manifest)
