"""The page and its tables on disk."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from report_images import results

from napari_stem_defects.io.results.report_files import (
    PAGE,
    TABLES,
    can_write_parquet,
    write_report,
)
from napari_stem_defects.reporting.results_page.page import result_figures


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_hold_all_figures(tmp_path: Path) -> None:
    found = results(images=2)
    written = write_report(tmp_path, "<html>", found, result_figures(found))
    assert written[0] == tmp_path / PAGE
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == "<html>"
    assert all((tmp_path / f"{name}.csv").is_file() for name in TABLES)
    regions = sum(len(frame.regions) for image in found.images for frame in image.frames)
    assert len(rows(tmp_path / "regions.csv")) == regions
    together = next(
        row
        for row in rows(tmp_path / "densities.csv")
        if (row["images"], row["class"], row["quantity"]) == ("all images", "Vacancy", "number")
    )
    assert float(together["rate"]) == pytest.approx(
        float(together["count"]) / float(together["area_nm2"])
    )
    assert float(together["corrected_low"]) < float(together["corrected_rate"])
    assert together["frame_means"] == "no"


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert can_write_parquet()
    found = results(images=2)
    write_report(tmp_path, "", found, result_figures(found))
    for name in TABLES:
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        assert table.num_rows == len(rows(tmp_path / f"{name}.csv"))
