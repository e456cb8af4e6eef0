"""Files of a page of results: ``report.html`` and its tables as CSV and, if possible, Parquet."""

from __future__ import annotations

import io
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.atomic import replacing, write_bytes
from napari_stem_defects.io.csv_cells import TableWriter
from napari_stem_defects.io.results.formats import REGION_COLUMNS, region_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.reporting.results_page.data import ReportedResults
    from napari_stem_defects.reporting.results_page.page import ResultFigures
    from napari_stem_defects.statistics.rates import Estimate

PAGE = "report.html"
TABLES = ("densities", "comparisons", "regions", "distances", "pair_correlation", "frames")
"""Names of the tables, each ``<name>.csv`` and ``<name>.parquet``."""

_Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def can_write_parquet() -> bool:
    """Return whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


def write_report(
    folder: Path, page: str, results: ReportedResults, figures: ResultFigures
) -> list[Path]:
    """Write the page and its tables.

    Parameters
    ----------
    folder : Path
        Created if necessary.
    page : str
        HTML of the page.
    results : ReportedResults
    figures : ResultFigures

    Returns
    -------
    list of Path
        The files, the page first.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    written = [folder / PAGE]
    for name, (columns, rows) in _tables(results, figures).items():
        path = folder / f"{name}.csv"
        file = io.StringIO(newline="")
        table = TableWriter(file)
        table.writerow(columns)
        table.writerows(["" if cell is None else cell for cell in row] for row in rows)
        write_bytes(path, file.getvalue().encode())
        written.append(path)
        if can_write_parquet():
            written.append(folder / f"{name}.parquet")
            _write_parquet(written[-1], columns, rows)
    write_bytes(folder / PAGE, page.encode())
    return written


def _write_parquet(path: Path, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    values = {name: [row[place] for row in rows] for place, name in enumerate(columns)}
    with replacing(path) as temporary:
        parquet.write_table(arrow.table(values), temporary)


def _tables(results: ReportedResults, figures: ResultFigures) -> Mapping[str, _Table]:
    return {
        "densities": _densities(figures),
        "comparisons": _comparisons(figures),
        "regions": _regions(results),
        "distances": _distances(figures),
        "pair_correlation": _pair_correlation(figures),
        "frames": _frames(results),
    }


def _ends(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None,) * 3 if estimate is None else (estimate.value, estimate.low, estimate.high)


def _densities(figures: ResultFigures) -> _Table:
    columns = (
        "images,class,kind,quantity,count,total,area_nm2,rate,rate_low,rate_high,corrected_rate"
        ",corrected_low,corrected_high,precision,recall,accuracy_measured_on,frame_means"
    )
    rows = [
        (
            *(row.images, row.class_name, row.kind, row.quantity),
            *(float(row.count), float(row.total), row.area_nm2),
            *_ends(row.reported),
            *_ends(row.corrected),
            None if row.accuracy is None else row.accuracy.precision,
            None if row.accuracy is None else row.accuracy.recall,
            None if row.accuracy is None else row.accuracy.source,
            row.frame_means,
        )
        for row in (*figures.rates, *figures.unit_rates)
    ]
    return tuple(columns.split(",")), rows


def _comparisons(figures: ResultFigures) -> _Table:
    columns = ("class", "quantity", "images", "relative_to", "ratio", "low", "high", "p_value")
    rows = [
        (
            *(row.class_name, row.quantity, row.first, row.second),
            *_ends(row.comparison.ratio),
            row.comparison.p_value,
        )
        for row in figures.comparisons
    ]
    return columns, rows


def _regions(results: ReportedResults) -> _Table:
    rows = [
        (image.group, image.folder, *region_values(region))
        for image in results.images
        for frame in image.frames
        for region in frame.regions
    ]
    return ("group", "folder", *REGION_COLUMNS), rows


def _distances(figures: ResultFigures) -> _Table:
    columns = ("class", "points", "mean_nm", "random_nm", "random_low_nm", "random_high_nm")
    rows = [
        (row.class_name, row.count, near.mean, near.expected, near.low, near.high)
        for row in figures.arrangements
        for near in [row.neighbours]
        if near is not None
    ]
    return columns, rows


def _pair_correlation(figures: ResultFigures) -> _Table:
    columns = ("class", "distance_nm", "g", "random_low", "random_high")
    rows = [
        (row.class_name, *map(float, values))
        for row in figures.arrangements
        for pairs in [row.pairs]
        if pairs is not None
        for values in zip(pairs.distances, pairs.values, pairs.low, pairs.high, strict=True)
    ]
    return columns, rows


def _frames(results: ReportedResults) -> _Table:
    return ("group", "folder", "frame", "class", "count", "searched_nm2"), list(
        _frame_rows(results)
    )


def _frame_rows(results: ReportedResults) -> Iterable[tuple[Any, ...]]:
    for image in results.images:
        for frame in image.frames:
            size = image.pixel_size_nm
            area = None if size is None else frame.searched_px * size**2
            for each in image.defects:
                count = sum(region.class_name == each.name for region in frame.regions)
                yield image.group, image.folder, frame.index, each.name, count, area
