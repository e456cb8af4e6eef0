"""Train an ensemble from patch folders and label projects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.commands.options import epochs, names, positive_int, seed

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add data, the model to write, and how it is trained."""
    parser.add_argument(
        "data", type=Path, nargs="+", metavar="DATA", help="patch folder or label project"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="MODEL.safetensors", help="file to write"
    )
    parser.add_argument("--classes", type=names, metavar="A,B", help="default: all labelled")
    parser.add_argument("--epochs", type=epochs, default={}, metavar="CLASS=N,...")
    parser.add_argument(
        "--split",
        choices=("random", "site", "region", "image"),
        default="site",
        help="what is held out together to measure the model (default: %(default)s)",
    )
    parser.add_argument(
        "--representation",
        choices=("fft", "real", "fft+real"),
        default="fft",
        help="what the networks see (default: %(default)s)",
    )
    parser.add_argument(
        "--members", type=positive_int, default=1, metavar="K", help="networks per class"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S")


def run(options: argparse.Namespace) -> None:
    """Not yet available."""
    from napari_stem_defects.errors import InputError

    raise InputError("not yet available in this version")
