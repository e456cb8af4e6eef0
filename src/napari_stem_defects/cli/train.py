"""Train an ensemble from patch folders and label projects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import epochs, names, positive_int, seed
from napari_stem_defects.cli.progress_bar import long_work, say

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
    parser.add_argument("--classes", type=names, default=(), metavar="A,B", help="default: all")
    parser.add_argument(
        "--epochs", type=epochs, default={}, metavar="CLASS=N,...", help="passes over the data"
    )
    parser.add_argument(
        "--split",
        type=names,
        default=("site",),
        metavar="random|site|region|image",
        help="what is held out together to measure the model (default: site); random is reported"
        " beside site, never alone; further ones after a comma are measured beside the first",
    )
    parser.add_argument(
        "--representation",
        choices=("fft", "real", "fft+real"),
        help="what the networks see (default: what suits the labels)",
    )
    parser.add_argument(
        "--recipe",
        choices=("suited", "abstract"),
        default="suited",
        help="how to learn: as suits the labels, or as in the abstract, that is from un-windowed"
        " spectra and quarter turns, every member from nothing (default: %(default)s)",
    )
    parser.add_argument(
        "--members", type=positive_int, default=1, metavar="K", help="networks per class"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S")


def run(options: argparse.Namespace) -> None:
    """Write the model and its report, and print the tables."""
    from napari_stem_defects.api.train import train_files
    from napari_stem_defects.io.models.report_folder import report_folder
    from napari_stem_defects.reporting.markdown import short_text
    from napari_stem_defects.training.recipes import TrainingOptions

    choices = TrainingOptions(
        name=options.out.stem,
        classes=options.classes,
        epochs=options.epochs,
        splits=("random", "site") if options.split == ("random",) else options.split,
        representation=options.representation,
        recipe=options.recipe,
        members=options.members,
        seed=options.seed,
    )
    with long_work() as bar:
        made = train_files(options.data, options.out, choices, report=bar)
    say(short_text(made))
    say(f"\n{options.out}, report in {report_folder(options.out)}")
