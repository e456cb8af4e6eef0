"""Evaluate a model on labelled data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import add_out, add_signal, file_or_folder
from napari_stem_defects.cli.terminal import long_work, print_result

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the model, the data and the report folder."""
    parser.add_argument("model", metavar="MODEL", help="name in the library, or file")
    parser.add_argument(
        "data", type=file_or_folder, nargs="+", metavar="DATA", help="patch folder or label project"
    )
    add_out(parser, "folder for the report")
    add_signal(parser)


def run(options: argparse.Namespace) -> None:
    """Write the evaluation report of any model and data; print its metrics."""
    from napari_stem_defects.api.train import evaluate
    from napari_stem_defects.reporting.markdown import short_text

    with long_work() as bar:
        evaluation = evaluate(
            options.model, options.data, options.out, signal=options.signal, report=bar
        )
    print_result(short_text(evaluation))
    print_result(f"\nreport in {options.out}")
