"""Write one HTML page with the statistics of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import file_or_folder
from napari_stem_defects.cli.terminal import long_work, print_error, print_result

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders and where the page is written."""
    parser.add_argument(
        "folders",
        type=file_or_folder,
        nargs="+",
        metavar="DIR",
        help="folder of results, or one that contains some; several are compared with the first",
    )
    parser.add_argument(
        "--out",
        type=file_or_folder,
        metavar="DIR",
        help="folder of the page (default: report in the first)",
    )
    parser.add_argument(
        "--independent-frames",
        action="store_true",
        help="frames of stacks show different places, not one place again",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page and its tables; return 2 if a folder could not be used."""
    from napari_stem_defects.api.report import report
    from napari_stem_defects.io.results.report_files import can_write_parquet

    out = options.out or options.folders[0] / "report"
    with long_work():
        written = report(options.folders, out, independent_frames=options.independent_frames)
    for fault in written.faults:
        print_error(fault)
    print_result(f"report: {written.page.resolve()}")
    for note in written.notes:
        print_result(f"  {note}")
    kinds = "CSV and Parquet" if can_write_parquet() else "CSV (pip install pyarrow for Parquet)"
    print_result(f"  tables: {len(written.files) - 1} files, {kinds}")
    return 2 if written.faults else 0
