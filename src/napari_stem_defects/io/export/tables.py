"""Tables over all results, one row per region: CSV and Parquet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.io.atomic import replacing, write_bytes
from napari_stem_defects.io.csv_cells import TableWriter
from napari_stem_defects.io.results.formats import (
    REGION_COLUMNS,
    REGION_TEXTS,
    REGION_WHOLE_NUMBERS,
    region_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.io.export.exported_results import ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions

COLUMNS = ("result", "image_file", "image_sha256", "pixel_size_nm", "model", *REGION_COLUMNS)
"""Where a row comes from, then the columns of ``regions.csv``."""

_TEXTS = ("result", "image_file", "image_sha256", "model", "class", "kind", *REGION_TEXTS)


def write_csv(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``regions.csv``; see `api.export.export`."""
    rows = _rows(images, options)
    file = io.StringIO(newline="")
    table = TableWriter(file)
    table.writerow(COLUMNS)
    table.writerows(rows)
    path = out / "regions.csv"
    write_bytes(path, file.getvalue().encode())
    return [path]


def write_parquet(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``regions.parquet``; see `api.export.export`."""
    arrow = load_package("pyarrow", "pyarrow", "export of Parquet")
    parquet = load_package("pyarrow.parquet", "pyarrow", "export of Parquet")
    rows = _rows(images, options)
    # The types hold for empty columns too, so that tables of several exports can be joined.
    columns = {
        name: arrow.array([row[place] for row in rows], _type(arrow, name))
        for place, name in enumerate(COLUMNS)
    }
    path = out / "regions.parquet"
    with replacing(path) as temporary:
        parquet.write_table(arrow.table(columns), temporary)
    return [path]


def _type(arrow: Any, name: str) -> Any:
    if name in _TEXTS:
        return arrow.string()
    return arrow.int64() if name in REGION_WHOLE_NUMBERS else arrow.float64()


def _rows(images: Sequence[ExportedImage], options: ExportOptions) -> list[tuple[Any, ...]]:
    rows = list[tuple[Any, ...]]()
    for image in images:
        about = (
            *(image.folder.resolve().name, image.file_name, image.summary["image"]["sha256"]),
            *(image.pixel_size_nm, image.summary["model"]["name"]),
        )
        with options.leaving_out(image):
            rows += [(*about, *region_values(region)) for region in image.regions]
    options.refuse_nothing(images)
    return rows
