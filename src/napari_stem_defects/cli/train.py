"""Train an ensemble from patch folders and label projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import (
    add_signal,
    epochs,
    file_or_folder,
    kinds,
    names,
    positive_int,
    seed,
)
from napari_stem_defects.cli.terminal import long_work, print_result

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the data, the model file and the training options."""
    parser.add_argument(
        "data", type=file_or_folder, nargs="+", metavar="DATA", help="patch folder or label project"
    )
    parser.add_argument(
        "--out",
        type=file_or_folder,
        required=True,
        metavar="MODEL.safetensors",
        help="file to write",
    )
    add_signal(parser)
    parser.add_argument(
        "--kind",
        type=kinds,
        default={},
        metavar="CLASS=KIND,...",
        help="kinds of classes: point, line or area (default: as labelled, else by name)",
    )
    parser.add_argument("--classes", type=names, default=(), metavar="A,B", help="default: all")
    parser.add_argument(
        "--epochs", type=epochs, default={}, metavar="CLASS=N,...", help="epochs of a class"
    )
    parser.add_argument(
        "--split",
        type=names,
        default=("site",),
        metavar="random|site|region|image",
        help="what is held out together to evaluate the model (default: site); random is reported"
        " beside site, never alone; further splits after a comma are evaluated as well",
    )
    parser.add_argument(
        "--representation",
        choices=("fft", "real", "fft+real"),
        help="input of the networks (default: chosen by the kind of labels)",
    )
    parser.add_argument(
        "--recipe",
        choices=("suited", "abstract", "quick", "few"),
        default="suited",
        help="suited: chosen by the kind of labels; abstract: un-windowed spectra, quarter turns,"
        " no shared pretraining; quick: matched filters from a few clicks, in seconds, without"
        " torch; few: networks from few clicks, which start from the model any-crystal; suited"
        " takes it for up to 40 clicks of each class (default: %(default)s)",
    )
    parser.add_argument(
        "--members", type=positive_int, default=1, metavar="K", help="networks per class"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S")


def run(options: argparse.Namespace) -> None:
    """Write the model and its report; print the metrics."""
    from napari_stem_defects.api.train import train
    from napari_stem_defects.io.models.report_folder import report_folder
    from napari_stem_defects.reporting.markdown import short_text
    from napari_stem_defects.training.recipes import TrainingOptions

    training = TrainingOptions(
        name=options.out.stem,
        classes=options.classes,
        kinds=options.kind,
        epochs=options.epochs,
        splits=("random", "site") if options.split == ("random",) else options.split,
        representation=options.representation,
        recipe=options.recipe,
        members=options.members,
        seed=options.seed,
    )
    with long_work() as bar:
        trained = train(options.data, options.out, training, signal=options.signal, report=bar)
    print_result(short_text(trained))
    print_result(f"\n{options.out}, report in {report_folder(options.out)}")
