"""Measure a model on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import add_out
from napari_stem_defects.cli.progress_bar import long_work, say

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the data and where the report goes."""
    parser.add_argument("model", metavar="MODEL", help="name in the library, or file")
    parser.add_argument(
        "data", type=Path, nargs="+", metavar="DATA", help="patch folder or label project"
    )
    add_out(parser, "folder for the report")


def run(options: argparse.Namespace) -> None:
    """Write the report that training writes, for any model and data, and print its table."""
    from napari_stem_defects.api.train import evaluate_files
    from napari_stem_defects.reporting.markdown import short_text

    with long_work() as bar:
        measured = evaluate_files(options.model, options.data, options.out, report=bar)
    say(short_text(measured))
    say(f"\nreport in {options.out}")
