"""Measure a model on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.commands.options import add_out

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
    """Not yet available."""
    from napari_stem_defects.errors import InputError

    raise InputError("not yet available in this version")
