"""Tables over all results, read back with the csv module, pandas and pyarrow."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from export_samples import SITE, write_sample

import napari_stem_defects as sd
from napari_stem_defects.io.export.tables import COLUMNS


def test_a_row_states_its_image_and_what_was_measured(tmp_path: Path) -> None:
    write_sample(tmp_path / "a")
    write_sample(tmp_path / "b", "series", frames=2)
    (path,) = sd.export([tmp_path / "a", tmp_path / "b"], "csv", tmp_path / "out").files
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 + 8
    assert {row["image_file"] for row in rows} == {"lamella.ome.tif", "series.ome.tif"}
    assert {row["result"] for row in rows} == {"lamella", "series"}
    first = next(row for row in rows if row["class"] == "Vac")
    assert (float(first["site_y_px"]), float(first["site_x_px"])) == SITE
    assert first["model"] == "small"
    assert float(first["pixel_size_nm"]) == pytest.approx(0.05)
    assert len(first["image_sha256"]) == 64


def test_parquet_has_typed_columns(result: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (path,) = sd.export(result, "parquet", tmp_path / "out").files
    table = parquet.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["frame"], types["area_nm2"], types["class"]) == ("int64", "double", "string")
    assert types["shifted_layers"] == "int64"  # although all its cells are empty
    assert table["site_x_px"].to_pylist()[0] == SITE[1]
    assert table["shifted_layers"].to_pylist() == [None] * 4
