"""Ground truth from files that are as listed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scored_images import SHAPE, listed, write_manifest

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.scoring.ground_truth import file_faults, read_ground_truth
from napari_stem_defects.io.scoring.manifest import read_manifest


def test_points_and_lines_are_read(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    known = read_ground_truth(manifest, manifest.images[0], tmp_path)
    assert known.shape == SHAPE
    assert known.tolerance_px == pytest.approx(3.0)
    assert set(known.points) == {"Vac"}  # Bulk is not listed
    np.testing.assert_array_equal(known.points["Vac"], [(10, 10), (10, 40), (40, 10)])
    np.testing.assert_array_equal(known.lines["SF"][0], [[30, 0], [30, 47]])


def test_missing_and_altered_files_are_a_line_each(tmp_path: Path) -> None:
    image = read_manifest(write_manifest(tmp_path)).images[0]
    assert file_faults(image, tmp_path) == []
    (tmp_path / "a.tif").unlink()
    with (tmp_path / "a_points.csv").open("a", encoding="utf-8") as file:
        file.write("1,1,Vac\n")
    missing, altered = file_faults(image, tmp_path)
    assert missing == (
        f"a.tif: is missing; fetch it from https://example.org/a.tif (sha256 {image.image.sha256})"
    )
    assert altered.startswith("a_points.csv: is not as listed; fetch it from https://example.org/")


def test_files_without_source_and_checksum_are_not_compared(tmp_path: Path) -> None:
    path = write_manifest(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    content["images"][1]["points"] = "b_points.csv"
    path.write_text(json.dumps(content), "utf-8")
    image = read_manifest(path).images[1]
    with (tmp_path / "b_points.csv").open("a", encoding="utf-8") as file:
        file.write("1,1,Vac\n")
    assert file_faults(image, tmp_path) == []
    (tmp_path / "b_points.csv").unlink()
    (missing,) = file_faults(image, tmp_path)
    assert missing.startswith(f"b_points.csv: is missing; put it into {tmp_path}")


def test_a_table_without_rows_is_an_image_without_defects(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    (tmp_path / "b_points.csv").write_text("y_px,x_px,class\n", "utf-8")
    assert read_ground_truth(manifest, manifest.images[1], tmp_path).points == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("y,x,class\n1,2,Vac\n", "has no column 'y_px', but 'y', 'x', 'class'; rename it"),
        ("", "is empty, without names of columns"),
        ("y_px,x_px\n1,2\n", "has no column 'class'"),
        ("y_px,x_px,class\n1,2,vac\n", "no row of a listed class, but 'vac'"),
        ("y_px,x_px,class\n100,2,Vac\n", "y 100, x 2, outside of the 64 x 48 px of 'b'"),
        ("y_px,x_px,class\nnan,2,Vac\n", "not finite"),
        ("y_px,x_px,class\none,2,Vac\n", "no table"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, text: str, fault: str) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    (tmp_path / "b_points.csv").write_text(text, "utf-8")
    with pytest.raises(InputError, match=fault) as caught:
        read_ground_truth(manifest, manifest.images[1], tmp_path)
    assert "\n" not in str(caught.value)


def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    (tmp_path / "b_points.csv").write_text("Y_px;X_px;Class\n1,5;2;Vac\n", "utf-8-sig")
    known = read_ground_truth(manifest, manifest.images[1], tmp_path)
    np.testing.assert_array_equal(known.points["Vac"], [(1.5, 2)])


def test_public_tables_are_read_with_their_own_columns(tmp_path: Path) -> None:
    """As ImageJ writes a list of points: a number, X and Y, and no class."""
    path = write_manifest(tmp_path)
    (tmp_path / "b_points.csv").write_text(" ,X,Y\n1,30,7\n2,12,40\n", "utf-8")
    content = json.loads(path.read_text("utf-8"))
    entry = content["images"][1]
    entry |= {"y_column": "Y", "x_column": "X", "class_column": None, "known": False}
    entry["points"] = listed(tmp_path / "b_points.csv")
    path.write_text(json.dumps(content), "utf-8")
    manifest = read_manifest(path)
    known = read_ground_truth(manifest, manifest.images[1], tmp_path)
    np.testing.assert_array_equal(known.points["Vac"], [(7, 30), (40, 12)])
    assert known.is_foreign
    assert not read_ground_truth(manifest, manifest.images[0], tmp_path).is_foreign
